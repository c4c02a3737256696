// A step's evidence in a dialog, without leaving the matrix.

import { byId } from "../dom.mjs";
import { toast } from "../post.mjs";
import { t } from "../words.mjs";
import { showTimes } from "./times.mjs";

const dialog = byId("evidence");
let asked = 0;

/** Open evidence links of `table` in the dialog; with a modifier key they stay links. */
export function installEvidence(table, titleOf) {
  table.addEventListener("click", (event) => {
    const link = event.target.closest("a.cell[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link, titleOf(link));
  });
}

async function open(link, title) {
  const mine = ++asked;
  try {
    const answer = await fetch(`${link.href}?part=1`, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return; // another link was pressed meanwhile
    byId("evidence-body").replaceChildren(...parts.body.childNodes);
  } catch {
    return toast(t("unreachable"), { failed: true });
  }
  byId("evidence-title").textContent = title;
  showTimes(dialog);
  // The dialog gives the focus back as it closes; later, it would be taken from where the reader has gone meanwhile.
  link.focus();
  dialog.showModal();
}
