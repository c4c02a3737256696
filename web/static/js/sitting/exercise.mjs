// The exercise's page: the task beside the lab; each part is there if its markup is.

import { byId, say } from "../dom.mjs";
import "../endpoints.mjs";
import { page, t, words } from "../words.mjs";
import { whenShown } from "./tabs.mjs";
import "./work.mjs";
import "./check.mjs";

const BANNERS = {
  connecting: "connecting", lost: "lost", unreachable: "unreachable", failed: "restarting", starting: "restarting",
  gone: "lab_gone", busy: "busy", session_over: "session_over",
};

async function lab() {
  const parts = [(await import("../clock.mjs")).showClock];
  let dim = () => {};
  let missed = () => {};
  if (byId("panel-line")) {
    const mimic = await import("../mimic.mjs");
    dim = mimic.dimMimic;
    parts.push(mimic.showMimic, (await import("../kpis.mjs")).showKpis, (await import("../alarms.mjs")).showAlarms);
  }
  if (byId("panel-trends")) {
    const trends = await import("../trends.mjs");
    missed = trends.missed;
    parts.push((await import("../tags.mjs")).showTags, trends.showTrends);
  }
  parts.push((await import("../devices.mjs")).showDevices);
  await Promise.all([import("./resets.mjs"), import("./practice.mjs"), ...["configuration", "rules", "events", "monitor"].filter((name) => byId(`panel-${name}`)).map((name) => import(`./${name}.mjs`))]);
  const { resume } = await import("../terminal.mjs");
  whenShown("terminal", resume);
  const { follow } = await import("../stream.mjs");
  let link = "";
  let latest = null;
  writes(() => latest);
  follow(page.stream, (snapshot) => {
    latest = snapshot;
    byId("flat").hidden = snapshot.enforces_zones;
    for (const part of parts) part(snapshot);
  }, (next, detail) => {
    if (next === link) return;
    if (next === "live" && link !== "connecting") missed();
    link = next;
    document.body.dataset.link = next;
    byId("banner").hidden = next === "live";
    dim(next !== "live");
    if (next !== "live") say(byId("banner"), [t(BANNERS[next] ?? "lost"), next === "failed" ? words(detail) : ""].filter(Boolean).join(" "));
  });
}

async function writes(latest) {
  const buttons = document.querySelectorAll("button.write");
  if (!buttons.length) return;
  const { write } = await import("../dialogs.mjs");
  for (const button of buttons) {
    const id = button.closest("tr").dataset.row;
    button.addEventListener("click", () => write(id, latest()?.tags[id]?.[0] ?? null));
  }
}

if (page.stream) {
  try {
    await lab();
  } finally {
    document.querySelector('[data-tabs="bench"]').inert = false;
  }
} else if (byId("start")) import("./start.mjs");
