// The three resets, the checkpoint, and the end of the lab.

import { confirmed } from "../dialogs.mjs";
import { byId, say } from "../dom.mjs";
import { send } from "../post.mjs";
import { page, t, words } from "../words.mjs";
import { followRun } from "./run.mjs";
import { refresh } from "./work.mjs";

const buttons = [...document.querySelectorAll("#panel-lab .resets button")];

async function reset(what) {
  const device = what === "device" ? byId("reset-device").value : null;
  if (!(await confirmed(t(`reset_${what}_title`, { device }), t(`reset_${what}_text`, { device }), t(`reset_${what}_yes`)))) return;
  busy(true, t("reset_begins"));
  const { ok, error } = await send(page.urls.reset, { what, device });
  if (!ok) return end({ state: "failed", text: error });
  followRun(page.urls.lab_progress, () => {}, (last) => {
    if (last?.state === "done" && what === "lab") return location.reload();
    end(last);
    if (last?.state === "done") dispatchEvent(new CustomEvent("configured", { detail: { device } }));
  });
}

async function checkpoint() {
  busy(true, "");
  const { ok, error } = await send(page.urls.checkpoint);
  end(ok ? { state: "done" } : { state: "failed", text: error }, t("checkpoint_kept"));
}

async function stop() {
  if (!(await confirmed(t("stop_title"), t("stop_text"), t("stop_yes")))) return;
  busy(true, t("stop_begins"));
  const { ok, error } = await send(page.urls.stop);
  if (ok) return location.reload();
  end({ state: "failed", text: error });
}

function busy(now, said) {
  for (const button of buttons) button.disabled = now;
  say(byId("reset-said"), said);
  byId("reset-problem").hidden = true;
}

function end(last, done = t("reset_done")) {
  busy(false, last?.state === "done" ? done : "");
  if (last?.state === "failed") {
    byId("reset-problem").hidden = false;
    say(byId("reset-problem"), typeof last.text === "string" ? last.text : words(last.text));
  }
  refresh();
}

for (const button of document.querySelectorAll("[data-reset]")) button.addEventListener("click", () => reset(button.dataset.reset));
byId("checkpoint").addEventListener("click", checkpoint);
byId("stop-lab").addEventListener("click", stop);
