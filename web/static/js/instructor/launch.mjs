// A launch under way: each trainee's lab from waiting to green, device by device in one figure.

import { byId, html, say } from "../dom.mjs";
import { number } from "../format.mjs";
import { page, t, words } from "../words.mjs";
import { lampOf } from "./states.mjs";

const GREEN = "running";
const rows = new Map([...document.querySelectorAll("[data-person]")].map((row) => [row.dataset.person, row]));
const devices = new Map([...rows.keys()].map((person) => [person, new Map()]));
const reasons = new Map();
let under = false;

function show(person, state, detail = "") {
  const row = rows.get(String(person));
  if (!row) return;
  row.dataset.state = state;
  row.querySelector("use").setAttribute("href", lampOf(state));
  say(row.querySelector(".word"), t(`lab_${state}`));
  say(row.querySelector(".detail"), detail);
}

// Told `{person, queued}` while others start, `{person, device, state}` of each device, then `{person, state}` or `{person, error}` of the lab.
function told(message) {
  const person = String(message.person);
  if (message.device) {
    const known = devices.get(person);
    known?.set(message.device, message.state);
    const green = [...(known?.values() ?? [])].filter((state) => state === "ok").length;
    if (rows.get(person)?.dataset.state !== GREEN) show(person, "starting", t("ready", { number: green, all: page.devices }));
  } else if (message.queued !== undefined) {
    show(person, "waiting", t("queued", { number: message.queued }));
  } else if (message.error) {
    reasons.set(person, words(message.error));
    show(person, "failed", reasons.get(person));
  } else if (message.state === GREEN) {
    show(person, GREEN);
  }
}

function counts() {
  const states = [...rows.values()].map((row) => row.dataset.state);
  const of = (...wanted) => states.filter((state) => wanted.includes(state)).length;
  return { green: of(GREEN), starting: of("starting", "waiting"), failed: of("failed", "lost"), all: states.length };
}

function failures() {
  const failed = [...rows].filter(([, row]) => ["failed", "lost", "none"].includes(row.dataset.state));
  byId("failures").hidden = under || !failed.length;
  byId("failure-list").replaceChildren(
    ...failed.map(([person, row]) => html("li", {}, html("strong", {}, row.querySelector("strong").textContent), ` ${reasons.get(person) ?? ""}`)),
  );
}

function progress(text) {
  byId("launch-bar").value = counts().green;
  if (text) say(byId("launch-state"), text);
}

function finished(message) {
  under = false;
  for (const [person, { state }] of Object.entries(message.rows ?? {})) {
    // A lab that could not start leaves nothing behind: it is none, with a reason.
    if (reasons.has(person)) show(person, "failed", reasons.get(person));
    else show(person, state);
  }
  const words_ = message.state === "failed"
    ? t("launch_failed", { reason: words(message.text) })
    : t("launch_done", { ...counts(), seconds: number(message.seconds) });
  progress(words_);
  failures();
}

function message(event) {
  const told_ = JSON.parse(event.data);
  if (told_.person === undefined) {
    source.close();
    return finished(told_);
  }
  if (!under) {
    under = true;
    for (const [person, row] of rows) if (row.dataset.state !== GREEN) show(person, "waiting");
  }
  told(told_);
  progress(t("launch_counts", counts()));
}

for (const [person, { state }] of Object.entries(page.rows)) show(person, state);
const source = new EventSource(page.launch);
// After a break the browser asks again, and is told everything from the beginning.
source.addEventListener("open", () => devices.forEach((known) => known.clear()));
source.addEventListener("message", message);
source.addEventListener("idle", () => {
  source.close();
  progress(t("launch_idle"));
  failures();
});
addEventListener("pagehide", () => source.close());
