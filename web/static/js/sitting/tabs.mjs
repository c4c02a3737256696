// Tabs as the ARIA practices have them: arrows move, Home and End too; the choice is found again after a reload.

import { page } from "../words.mjs";

const shown = new Map();

/** Call `run` each time the panel `id` is shown, and now if it is. */
export function whenShown(id, run) {
  shown.set(id, run);
  if (isShown(id)) run();
}

export function isShown(id) {
  const panel = document.getElementById(`panel-${id}`);
  return Boolean(panel && !panel.hidden);
}

/** Show the panel `id` of its tabs. */
export function show(id, { focus = false } = {}) {
  const tab = document.getElementById(`tab-${id}`);
  if (!tab) return;
  for (const other of tab.parentElement.children) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  sessionStorage.setItem(key(tab.closest(".tabs")), id);
  shown.get(id)?.();
}

function key(tabs) {
  return `tab:${page.sitting}:${tabs.dataset.tabs}`;
}

function move(event, list) {
  const tabs = [...list.children];
  const at = tabs.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at === -1 || to === undefined) return;
  event.preventDefault();
  show(tabs[(to + tabs.length) % tabs.length].id.slice("tab-".length), { focus: true });
}

for (const tabs of document.querySelectorAll(".tabs")) {
  const list = tabs.querySelector('[role="tablist"]');
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) show(tab.id.slice("tab-".length));
  });
  list.addEventListener("keydown", (event) => move(event, list));
  const known = sessionStorage.getItem(key(tabs));
  if (known && tabs.querySelector(`#tab-${CSS.escape(known)}`)) show(known);
}
