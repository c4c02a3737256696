// The live page: one stream feeds every part.

import { showAlarms } from "./alarms.mjs";
import { showControls } from "./controls.mjs";
import { write } from "./dialogs.mjs";
import { showDevices } from "./devices.mjs";
import { byId, say } from "./dom.mjs";
import "./endpoints.mjs";
import { instructor, showFaults } from "./instructor.mjs";
import { showKpis } from "./kpis.mjs";
import { dimMimic, showMimic } from "./mimic.mjs";
import { follow } from "./stream.mjs";
import { showTags } from "./tags.mjs";
import { resume } from "./terminal.mjs";
import { missed, showTrends } from "./trends.mjs";
import { page, t, words } from "./words.mjs";

const BANNERS = {
  connecting: "connecting", lost: "lost", unreachable: "unreachable", failed: "restarting", starting: "restarting",
  gone: "gone", busy: "busy", session_over: "session_over",
};
let latest = null;
let link = "";

function show(snapshot) {
  latest = snapshot;
  byId("flat").hidden = snapshot.enforces_zones;
  for (const part of [showMimic, showKpis, showAlarms, showTags, showTrends, showDevices, showControls, showFaults]) part(snapshot);
}

function state(next, detail) {
  if (next === link) return;
  if (next === "live" && link !== "connecting") missed();
  link = next;
  const banner = byId("banner");
  banner.hidden = next === "live";
  document.body.dataset.link = next;
  dimMimic(next !== "live");
  if (next !== "live") say(banner, [t(BANNERS[next] ?? "lost"), next === "failed" ? words(detail) : ""].filter(Boolean).join(" "));
}

for (const button of document.querySelectorAll("button.write")) {
  const id = button.closest("tr").dataset.row;
  button.addEventListener("click", () => write(id, latest?.tags[id]?.[0] ?? null));
}
resume();
const stream = follow(page.stream, show, state);
instructor((truth) => stream.change(truth ? `${page.stream}?truth=1` : page.stream));
