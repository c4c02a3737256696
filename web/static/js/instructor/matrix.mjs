// The matrix: rows kept fresh, sorted, filtered, chosen.

import { byId, say } from "../dom.mjs";
import { number } from "../format.mjs";
import { page, t } from "../words.mjs";
import { grid } from "./grid.mjs";
import { finished, makeRow } from "./row.mjs";

const IDLE_S = 600;
const STUCK_ATTEMPTS = 3;
const STATES = ["failed", "lost", "starting", "paused", "running", "none"];
const table = byId("matrix");
const body = table.tBodies[0];
const rows = new Map();
let sorted = { by: "name", down: false };
let now_s = page.unix_s;
let move = null;
let changedChoice = () => {};

const KEYS = {
  name: (row) => row.name.toLocaleLowerCase(page.language),
  score: (row) => row.view.score,
  attempts: (row) => row.view.attempts,
  seen: (row) => row.view.seen ?? 0,
  state: (row) => STATES.indexOf(row.view.state),
};

const ONLY = {
  all: () => true,
  look: (row) => ["failed", "lost"].includes(row.view.state) || stuck(row.view),
  idle: ({ view }) => view.sitting !== null && !finished(view) && now_s - (view.seen ?? 0) >= IDLE_S,
  begun: (row) => row.view.sitting !== null,
  absent: (row) => row.view.sitting === null,
  finished: (row) => finished(row.view),
};

function stuck(view) {
  return view.attempts >= STUCK_ATTEMPTS && Object.values(view.cells).some(([outcome]) => outcome === "fail");
}

/** Make the table of `page.rows`; `onChoice(rows chosen)` follows the boxes. */
export function installMatrix(onChoice) {
  changedChoice = onChoice;
  for (const view of page.rows) {
    const row = makeRow(view.person, page.names[view.person]);
    rows.set(view.person, row);
    row.update(view);
    row.age(now_s);
    row.box.addEventListener("change", choose);
    body.append(row.element);
  }
  move = grid(table);
  for (const button of table.querySelectorAll(".sort")) button.addEventListener("click", () => sortBy(button));
  byId("filter").addEventListener("input", filter);
  byId("only").addEventListener("change", filter);
  byId("pick-all").addEventListener("change", pickAll);
  // Rows that wait for the reader's hand to leave the table are put in order then.
  table.addEventListener("focusout", () => setTimeout(order));
  table.addEventListener("pointerleave", order);
  order();
  filter();
  summary();
  choose();
}

/** What the server tells: the rows that changed. False when the list itself is another. */
export function update({ unix_s, rows: changed }) {
  now_s = unix_s;
  for (const view of changed) {
    if (!rows.has(view.person)) return false;
    rows.get(view.person).update(view);
  }
  for (const row of rows.values()) row.age(now_s);
  if (changed.length) {
    summary();
    order();
    choose();
  }
  filter();
  return true;
}

/** The labs that an action goes to: of the rows chosen, else of all who have begun. */
export function targets() {
  const begun = [...rows.values()].filter((row) => row.view.sitting !== null);
  const chosen = begun.filter((row) => row.box.checked);
  return (chosen.length ? chosen : begun).map((row) => ({ sitting: row.view.sitting, name: row.name }));
}

function choose() {
  const begun = [...rows.values()].filter((row) => row.view.sitting !== null);
  const chosen = begun.filter((row) => row.box.checked).length;
  for (const row of rows.values()) row.element.classList.toggle("chosen", row.box.checked);
  const box = byId("pick-all");
  box.checked = chosen > 0 && chosen === begun.length;
  box.indeterminate = chosen > 0 && chosen < begun.length;
  changedChoice(chosen, begun.length);
}

function pickAll() {
  for (const row of rows.values()) row.box.checked = byId("pick-all").checked && !row.element.hidden && !row.box.disabled;
  choose();
}

function sortBy(button) {
  const by = button.dataset.sort;
  sorted = { by, down: sorted.by === by ? !sorted.down : by !== "name" && by !== "state" };
  for (const other of table.querySelectorAll(".sort")) other.closest("th").setAttribute("aria-sort", "none");
  button.closest("th").setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
  order();
}

function order() {
  // A row never runs away from under a pointer or from the focus.
  if (body.matches(":hover") || body.contains(document.activeElement)) return;
  const key = KEYS[sorted.by];
  const way = sorted.down ? -1 : 1;
  const wanted = [...rows.values()].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (typeof x === "string") return way * x.localeCompare(y, page.language);
    return way * (x - y) || KEYS.name(a).localeCompare(KEYS.name(b), page.language);
  });
  wanted.forEach((row, index) => {
    if (body.rows[index] !== row.element) body.insertBefore(row.element, body.rows[index]);
  });
}

function filter() {
  const wanted = byId("filter").value.trim().toLocaleLowerCase(page.language);
  const only = ONLY[byId("only").value];
  let count = 0;
  for (const row of rows.values()) {
    const hide = !KEYS.name(row).includes(wanted) || !only(row);
    if (row.element.hidden !== hide && !row.element.contains(document.activeElement)) row.element.hidden = hide;
    count += !row.element.hidden;
  }
  byId("no-row").hidden = count > 0;
  say(byId("shown"), t("shown_rows", { number: number(count, 0), all: number(rows.size, 0) }));
  move.refresh();
}

function summary() {
  const views = [...rows.values()].map((row) => row.view);
  const begun = views.filter((view) => view.sitting !== null);
  const of = (...states) => number(views.filter((view) => states.includes(view.state)).length, 0);
  const checked = begun.filter((view) => view.attempts);
  const mean = checked.reduce((sum, view) => sum + view.score, 0) / checked.length;
  say(byId("counts"), t("counts", {
    running: of("running", "paused"), failed: of("failed", "lost"),
    finished: number(begun.filter(finished).length, 0), mean: checked.length ? number(mean) : "–",
  }));
  for (const head of table.querySelectorAll("th[data-step]")) {
    const passed = begun.filter((view) => view.cells[head.dataset.step]?.[0] === "pass").length;
    say(head.querySelector(".passed"), `${number(passed, 0)} ✓`);
  }
}
