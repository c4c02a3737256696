// What a check or a hint changes: score, steps, timeline. The server writes them; here each is put in its place.

import { confirmed } from "../dialogs.mjs";
import { byId, say } from "../dom.mjs";
import { moment } from "../format.mjs";
import { send, toast } from "../post.mjs";
import { page, t } from "../words.mjs";

const PARTS = ["score", "steps", "timeline"];
const told = [];
let since = performance.now();
let asked = 0;
let put = 0;

/** Call `run` after every refresh, and now. */
export function onWork(run) {
  told.push(run);
  run();
}

/** Ask for the parts anew; what was open stays open, and the focus stays where it was. */
export async function refresh() {
  const mine = ++asked;
  const answer = await fetch(page.urls.work, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine < put) return; // one that was asked for later is there already
  put = mine;
  const open = new Set([...document.querySelectorAll("#part-steps details[open]")].map((one) => one.id));
  const focused = document.activeElement?.id;
  for (const part of PARTS) {
    const from = fresh.querySelector(`[data-part="${part}"]`);
    if (from) byId(`part-${part}`).replaceChildren(...[...from.childNodes].map((node) => document.importNode(node, true)));
  }
  for (const id of open) if (byId(id)) byId(id).open = true;
  if (focused && document.activeElement?.id !== focused) byId(focused)?.focus();
  since = performance.now();
  dates();
  for (const run of told) run();
}

/** Seconds since the server last wrote the parts. */
export function elapsed_s() {
  return (performance.now() - since) / 1000;
}

function dates() {
  for (const one of document.querySelectorAll("time[data-unix]")) say(one, moment(Number(one.dataset.unix)));
}

async function hint(button) {
  const { step, cost, name } = button.dataset;
  const free = cost === "0";
  if (!(await confirmed(t("hint_title", { name }), free ? t("hint_free") : t("hint_cost", { cost }), t("hint_take")))) return;
  const { ok, error } = await send(page.urls.hint.replace("STEP", step));
  if (!ok) return toast(t("refused", { reason: error }), { failed: true });
  await refresh();
  const shown = document.querySelector(`[data-step="${CSS.escape(step)}"] .clue:last-of-type`);
  if (shown) {
    shown.tabIndex = -1;
    shown.focus();
  }
}

function waits() {
  for (const button of document.querySelectorAll(".hint-offer")) {
    const left = Number(button.dataset.available) - elapsed_s();
    button.disabled = left > 0;
    const words = left > 0 ? t("hint_later", { time: clock(left) }) : "";
    const place = document.querySelector(`.countdown[data-for="${button.id}"]`);
    if (place) say(place, words);
  }
}

/** `75` seconds as `1:15`. */
export function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

byId("part-steps").addEventListener("click", (event) => {
  const button = event.target.closest(".hint-offer");
  if (button) hint(button);
});
dates();
waits();
setInterval(waits, 1000);
