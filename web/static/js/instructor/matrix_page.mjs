// The matrix page: its stream, closed while the page is hidden; its actions and evidence.

import { byId, say } from "../dom.mjs";
import { number } from "../format.mjs";
import { page, t } from "../words.mjs";
import { installActions } from "./actions.mjs";
import { installEvidence } from "./evidence.mjs";
import { installMatrix, targets, update } from "./matrix.mjs";

const SILENCE_MS = 8000;
let source = null;
let silence = 0;

function open() {
  close();
  if (document.hidden) return;
  source = new EventSource(page.stream);
  source.addEventListener("rows", (event) => {
    banner(update(JSON.parse(event.data)) ? "" : t("rows_changed"));
    watch();
  });
  source.addEventListener("lost", lost);
  source.addEventListener("error", lost);
  watch();
}

function close() {
  clearTimeout(silence);
  source?.close();
  source = null;
}

function watch() {
  clearTimeout(silence);
  silence = setTimeout(lost, SILENCE_MS);
}

// A browser asks again by itself after a break, but not after a refusal.
function lost() {
  banner(t("matrix_lost"));
  if (source?.readyState === EventSource.CLOSED) silence = setTimeout(open, SILENCE_MS);
}

function banner(text) {
  byId("banner").hidden = !text;
  say(byId("banner"), text);
}

function choice(chosen, begun) {
  if (byId("targets")) say(byId("targets"), chosen ? t("selected", { number: number(chosen, 0) }) : t("none_selected", { number: number(begun, 0) }));
}

function titleOf(link) {
  const column = link.closest("td").cellIndex;
  const step = byId("matrix").tHead.rows[0].cells[column].querySelector(".name").textContent;
  return t("title", { name: link.closest("tr").querySelector(".who-name").textContent, step });
}

installMatrix(choice);
installActions(targets);
installEvidence(byId("matrix"), titleOf);
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
open();
