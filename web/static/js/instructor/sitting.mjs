// One trainee's line: what the plant truly does beside what SCADA was told.

import { byId, html, say } from "../dom.mjs";
import { number, shown } from "../format.mjs";
import { follow } from "../stream.mjs";
import { page, t } from "../words.mjs";
import { installActions } from "./actions.mjs";
import "./times.mjs";

const SHARE = 0.02; // of the range: noise and polling explain less
const rows = [...document.querySelectorAll("[data-truth]")].map((row) => ({
  row, id: row.dataset.truth, real: row.querySelector(".real"), seen: row.querySelector(".seen"), sign: row.querySelector(".sign"),
}));

function show(snapshot) {
  for (const { row, id, real, seen, sign } of rows) {
    const [told, quality, truth] = snapshot.tags[id] ?? [null, "bad", null];
    say(real, shown(page.tags[id], truth));
    say(seen, shown(page.tags[id], told) + (quality === "good" ? "" : ` (${t(quality)})`));
    const other = quality !== "good" || differs(page.tags[id], told, truth);
    row.classList.toggle("differs", other);
    say(sign, other ? "≠" : "");
  }
  filter();
  faults(snapshot.assets ?? {});
}

function differs(tag, told, truth) {
  if (typeof told !== "number" || typeof truth !== "number" || !tag.range) return told !== truth;
  return Math.abs(told - truth) > SHARE * (tag.range[1] - tag.range[0]);
}

function filter() {
  const only = byId("only-different").checked;
  for (const { row } of rows) row.hidden = only && !row.classList.contains("differs");
  say(byId("differences"), t("differences", { number: number(rows.filter(({ row }) => row.classList.contains("differs")).length, 0) }));
}

function faults(assets) {
  const active = Object.entries(assets).flatMap(([asset, state]) => Object.entries(state.faults).filter(([, severity]) => severity > 0)
    .map(([mode, severity]) => `${t("fault_of", { asset: page.assets[asset] ?? asset, fault: page.faults[asset]?.[mode] ?? mode })}, ${t("severity", { number: number(severity, 2) })}`));
  const now = JSON.stringify(active);
  if (byId("active-faults").dataset.now === now) return;
  byId("active-faults").dataset.now = now;
  byId("active-faults").replaceChildren(...active.map((words) => html("li", {}, words)));
}

function state(now) {
  const lost = !["live", "connecting"].includes(now);
  byId("banner").hidden = !lost;
  if (lost) say(byId("banner"), t(now === "failed" || now === "starting" ? "restarting" : now === "gone" ? "no_truth" : "lost"));
}

installActions(() => page.sittings.map((sitting) => ({ sitting, name: page.names[sitting] })));
byId("only-different").addEventListener("change", filter);
if (page.stream && rows.length) follow(page.stream, show, state);
