// From what is to be corrected to the very line of the roster.

import { byId } from "../dom.mjs";

const roster = byId("roster");

function select(number) {
  const lines = roster.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  roster.focus();
  roster.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  roster.scrollTop = (roster.scrollHeight / lines.length) * Math.max(0, number - 3);
}

for (const button of document.querySelectorAll("button[data-line]")) {
  button.addEventListener("click", () => select(Number(button.dataset.line)));
}
