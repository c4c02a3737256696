// The tiles of key figures.

import { say } from "./dom.mjs";
import { number, percent } from "./format.mjs";

const tiles = [...document.querySelectorAll("[data-kpi]")];

export function showKpis(snapshot) {
  for (const tile of tiles) {
    const value = snapshot.kpis[tile.dataset.kpi];
    if (value === undefined || value === null) say(tile, "—");
    else say(tile, tile.dataset.style === "percent" ? percent(value) : number(value, Number(tile.dataset.digits)));
  }
}
