// Starting the lab, device by device; then the page comes back with it.

import { byId, html, say, symbol } from "../dom.mjs";
import { send } from "../post.mjs";
import { page, t, words } from "../words.mjs";
import { followRun } from "./run.mjs";

const LAMPS = new Set(["ok", "starting", "degraded", "failed", "stopped"]);
const RETRY_MS = 2000;
const rows = new Map();
const button = byId("start");

async function start() {
  begin();
  const { ok, error } = await send(page.urls.start);
  if (!ok) return end({ state: "failed", text: error });
  follow();
}

function begin() {
  button.disabled = true;
  problem("");
  rows.clear();
  byId("start-devices").replaceChildren();
  byId("start-progress").hidden = false;
  say(byId("start-said"), t("lab_begins"));
}

function follow() {
  followRun(page.urls.lab_progress, message, end);
}

function message({ device, state, queued }) {
  if (queued !== undefined) say(byId("start-said"), t("lab_queued", { number: queued }));
  if (!device) return;
  if (!rows.has(device)) {
    rows.set(device, html("li"));
    byId("start-devices").append(rows.get(device));
  }
  const lamp = LAMPS.has(state) ? state : "starting";
  rows.get(device).dataset.state = state;
  rows.get(device).replaceChildren(symbol(`lamp-${lamp}`, ""), ` ${device} `, html("small", {}, t(`health_${lamp}`)));
  const well = [...rows.values()].filter((row) => row.dataset.state === "ok").length;
  say(byId("start-said"), t("devices_ready", { number: well, total: rows.size }));
}

function end(last) {
  if (last?.state === "done") return location.reload();
  if (last === null) return void setTimeout(() => location.reload(), RETRY_MS);
  button.disabled = false;
  byId("start-progress").hidden = true;
  problem(typeof last.text === "string" ? last.text : words(last.text));
}

function problem(text) {
  byId("start-problem").hidden = !text;
  say(byId("start-problem"), text);
}

button?.addEventListener("click", start);
if (button) button.disabled = false; // no click is lost before this module is there
if (page.starting) {
  begin();
  follow();
} else if (["starting", "failed", "running"].includes(page.lab_state)) {
  setTimeout(() => location.reload(), RETRY_MS);
}
