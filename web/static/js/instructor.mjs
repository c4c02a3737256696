// Faults, and the truth that operators do not see.

import { byId, html, say } from "./dom.mjs";
import { number } from "./format.mjs";
import { command, toast } from "./post.mjs";
import { showTruth } from "./tags.mjs";
import { page, t } from "./words.mjs";

const form = byId("fault");
let before = "";

/** `change(truth)` follows the stream with the truth, or without. */
export function instructor(change) {
  const box = byId("show-truth");
  if (!box) return;
  box.checked = false; // a browser may remember it across a reload
  box.addEventListener("change", () => {
    showTruth(box.checked);
    change(box.checked);
    if (!box.checked) showFaults({});
  });
}

export function showFaults(snapshot) {
  if (!form) return;
  const now = JSON.stringify(snapshot.assets ?? {});
  if (now === before) return;
  before = now;
  const active = Object.entries(snapshot.assets ?? {}).flatMap(([asset, { faults }]) =>
    Object.entries(faults).filter(([, severity]) => severity > 0).map(([mode, severity]) => ({ asset, mode, severity })),
  );
  byId("fault-list").replaceChildren(...active.map(row));
  byId("no-fault").hidden = active.length > 0;
  if (snapshot.assets) say(byId("no-fault"), t("no_fault"));
}

function nameOf(asset, mode) {
  return t("fault_of", { asset: page.assets[asset] ?? asset, fault: page.faults[asset]?.[mode] ?? mode });
}

function row({ asset, mode, severity }) {
  const name = nameOf(asset, mode);
  const clear = html("button", { type: "button", class: "quiet", "aria-label": t("clear_fault", { name }), onclick: () => set(asset, mode, 0) }, t("clear"));
  return html("li", {}, html("span", {}, `${name}, ${t("severity", { number: number(severity, 2) })}`), clear);
}

async function set(asset, mode, severity) {
  if ((await command("fault", { asset, mode, severity })) === undefined) return;
  const name = nameOf(asset, mode);
  if (severity === 0) toast(t("fault_cleared", { name }));
  else toast(t("fault_injected", { name }), { action: { words: t("undo"), run: () => set(asset, mode, 0) } });
}

function modes() {
  const of = page.faults[byId("fault-asset").value] ?? {};
  const groups = [["equipment", false], ["sensors", true]].map(([label, sensor]) =>
    html("optgroup", { label: t(label) }, ...Object.entries(of)
      .filter(([mode]) => mode.includes(":") === sensor)
      .map(([mode, name]) => new Option(name, mode))),
  );
  byId("fault-mode").replaceChildren(...groups.filter((group) => group.children.length));
}

function severity() {
  say(byId("fault-severity-shown"), number(Number(byId("fault-severity").value), 2));
}

if (form) {
  byId("fault-asset").addEventListener("change", modes);
  byId("fault-severity").addEventListener("input", severity);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    set(byId("fault-asset").value, byId("fault-mode").value, Number(byId("fault-severity").value));
  });
  modes();
  severity();
}
