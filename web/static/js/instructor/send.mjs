// JSON to the server, and its answer.

import { toast } from "../post.mjs";
import { t } from "../words.mjs";

const csrf = document.querySelector("meta[name=csrf-token]").content;

/** The answer's JSON, or undefined after saying why it was refused. */
export async function send(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    toast(t("refused", { reason: said.error }), { failed: true });
  } catch {
    toast(t("unreachable"), { failed: true });
  }
  return undefined;
}
