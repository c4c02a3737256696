// The table of tags: values, quality, filter.

import { byId, say } from "./dom.mjs";
import { number, shown } from "./format.mjs";
import { page, t } from "./words.mjs";

const rows = [...document.querySelectorAll("tr[data-row]")].map((row) => ({
  row,
  id: row.dataset.row,
  value: row.querySelector(".value"),
  quality: row.querySelector(".quality"),
  truth: row.querySelector("td.truth"),
}));

export function showTags(snapshot) {
  for (const { row, id, value, quality, truth } of rows) {
    const [seen, state, real] = snapshot.tags[id] ?? [null, "bad", null];
    say(value, shown(page.tags[id], seen));
    say(quality, t(state));
    row.dataset.quality = state;
    if (real !== undefined) {
      say(truth, shown(page.tags[id], real));
      row.classList.toggle("differs", differs(page.tags[id], seen, real));
    }
  }
}

// The truth beside a stale or noisy value always differs a little: two per cent of the range does not.
function differs(tag, seen, real) {
  if (typeof seen !== "number" || typeof real !== "number" || !tag.range) return seen !== real;
  return Math.abs(seen - real) > 0.02 * (tag.range[1] - tag.range[0]);
}

/** Show or hide the column of the truth. */
export function showTruth(visible) {
  for (const cell of document.querySelectorAll(".tags .truth")) cell.hidden = !visible;
  if (!visible) for (const { row } of rows) row.classList.remove("differs");
}

function filter() {
  const wanted = byId("tag-filter").value.trim().toLowerCase();
  const writable = byId("only-writable").checked;
  let count = 0;
  for (const { row } of rows) {
    row.hidden = !row.dataset.words.includes(wanted) || (writable && !("writable" in row.dataset));
    count += !row.hidden;
  }
  byId("no-tag").hidden = count > 0;
  say(byId("tag-count"), `${number(count, 0)} / ${number(rows.length, 0)}`);
}

byId("tag-filter").addEventListener("input", filter);
byId("only-writable").addEventListener("change", filter);
filter();
