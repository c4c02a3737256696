// Commands to the lab, and what came of them.

import { byId, html } from "./dom.mjs";
import { page, t } from "./words.mjs";

const csrf = document.querySelector("meta[name=csrf-token]").content;
const LOOK_MS = 1000;
let vanish = 0;

/** Send `verb`; its result, or undefined after saying why it was refused. */
export async function command(verb, values = {}) {
  let answer;
  try {
    answer = await fetch(page.command.replace("VERB", verb), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(values),
    });
    const body = await answer.json();
    if (answer.ok) return body.result;
    toast(t("refused", { reason: body.error }), { failed: true });
  } catch {
    toast(t("unreachable"), { failed: true });
  }
  return undefined;
}

/** POST `values` to `url`: `{ok, reached, result, error}`, the error in the reader's words; `reached`: the server answered. */
export async function send(url, values = {}) {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(values),
    });
    const body = await answer.json();
    return { ok: answer.ok, reached: true, result: body.result ?? body, error: body.error ?? "" };
  } catch {
    return { ok: false, reached: false, result: undefined, error: t("unreachable") };
  }
}

/** Say `text` for a while, with an optional action `{words, run}`. */
export function toast(text, { action = null, failed = false } = {}) {
  const box = byId("toast");
  clearTimeout(vanish);
  const button = action && html("button", { type: "button", class: "quiet", onclick: () => (hide(), action.run()) }, action.words);
  box.replaceChildren(html("p", {}, text), ...(button ? [button] : []));
  box.classList.toggle("failed", failed);
  box.classList.add("visible");
  vanish = setTimeout(fade, failed || action ? 12000 : 5000);
}

function fade() {
  // Not from under a pointer or a finger on its way to what it offers.
  if (byId("toast").matches(":hover, :focus-within")) vanish = setTimeout(fade, LOOK_MS);
  else hide();
}

function hide() {
  byId("toast").classList.remove("visible");
  byId("toast").replaceChildren();
}
