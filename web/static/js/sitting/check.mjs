// Asking for a check, and what is told while it goes on; a reload finds it again.

import { byId, html, say, symbol } from "../dom.mjs";
import { send } from "../post.mjs";
import { page, t, words } from "../words.mjs";
import { followRun } from "./run.mjs";
import { show } from "./tabs.mjs";
import { clock, elapsed_s, onWork, refresh } from "./work.mjs";

const button = byId("check");
const ready = "ready" in button.dataset;
let running = false;

async function ask() {
  problem("");
  begin();
  const { ok, error } = await send(page.urls.check);
  if (!ok) return end({ state: "failed", text: error });
  follow();
}

function begin() {
  running = true;
  say(byId("check-done"), "");
  say(byId("check-note"), "");
  allow();
  byId("check-progress").hidden = false;
  byId("check-steps").replaceChildren();
  byId("check-bar").removeAttribute("value");
  say(byId("check-said"), t("check_begins"));
}

function follow() {
  followRun(page.urls.check_progress, message, end, () => byId("check-steps").replaceChildren());
}

function message({ done, total, doing, step, outcome }) {
  byId("check-bar").max = total;
  byId("check-bar").value = done;
  say(byId("check-said"), words(doing));
  if (step) byId("check-steps").append(html("li", {}, symbol(`step-${outcome}`, ""), ` ${page.steps[step] ?? step}`));
}

async function end(last) {
  running = false;
  byId("check-progress").hidden = true;
  if (last?.state === "failed") problem(typeof last.text === "string" ? last.text : words(last.text));
  await refresh();
  if (last?.state === "done") {
    show("steps");
    say(byId("check-done"), t(last.conclusive ? "check_done" : "check_inconclusive", { score: byId("score").textContent }));
  }
  allow();
}

function problem(text) {
  byId("check-problem").hidden = !text;
  say(byId("check-problem"), text);
}

function allow() {
  const { wait, left } = byId("wait").dataset;
  const still = Number(wait) - elapsed_s();
  button.disabled = !ready || running || still > 0 || left === "0";
  if (!ready || running) return;
  if (left === "0") say(byId("check-note"), t("check_none_left"));
  else if (still > 0) say(byId("check-note"), t("check_wait", { time: clock(still) }));
  else say(byId("check-note"), "");
}

button.addEventListener("click", ask);
onWork(allow);
setInterval(allow, 1000);
if (page.checking) {
  begin();
  follow();
}
