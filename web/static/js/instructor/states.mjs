// A lab's state: a shape and a word, never a colour alone.

import { html, svg } from "../dom.mjs";
import { t } from "../words.mjs";

const LAMPS = { running: "ok", lost: "degraded", none: "none", waiting: "none" };

/** The name of the shape of `state` in the page's symbols. */
export function lampOf(state) {
  return `#lamp-${LAMPS[state] ?? state}`;
}

/** An element that `showState` keeps. */
export function stateElement() {
  const use = svg("use");
  return html("span", { class: "labstate" }, svg("svg", { class: "lamp", "aria-hidden": "true" }, use), " ", html("span", { class: "word" }));
}

export function showState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.querySelector("use").setAttribute("href", lampOf(state));
  element.querySelector(".word").textContent = t(`lab_${state}`);
}
