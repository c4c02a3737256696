// One trainee's row of the matrix: made once, then changed in place, so that the focus stays where it is.

import { html, say } from "../dom.mjs";
import { moment, number } from "../format.mjs";
import { page, t } from "../words.mjs";
import { showState, stateElement } from "./states.mjs";

const SIGNS = { pass: "✓", fail: "✗", inconclusive: "?" };
const MINUTE_S = 60;
const relative = new Intl.RelativeTimeFormat(page.language, { numeric: "always", style: "short" });

/** A row for `person`; `update(view)` shows the server's view of it, `age(now)` its last activity. */
export function makeRow(person, name) {
  const box = html("input", { type: "checkbox", "aria-label": name });
  const who = html("a", { class: "who-name", title: name }, name);
  const steps = page.steps.map(() => stepCell());
  const [score, attempts] = [html("td", { class: "number score" }), html("td", { class: "number" })];
  const seen = html("time", {});
  const state = stateElement();
  const runtime = html("small", { class: "runtime" });
  const element = html(
    "tr", { "data-person": person },
    html("td", { class: "pick" }, html("label", {}, box)),
    html("th", { scope: "row", class: "who" }, who),
    ...steps.map(({ cell }) => cell),
    score, attempts,
    html("td", { class: "seen" }, seen),
    html("td", { class: "lab" }, state, " ", runtime),
  );
  const row = { element, box, name, view: null };

  row.update = (view) => {
    row.view = view;
    box.disabled = view.sitting === null;
    if (box.disabled) box.checked = false;
    if (view.sitting === null) who.removeAttribute("href");
    else who.setAttribute("href", page.sitting.replace("/0", `/${view.sitting}`));
    page.steps.forEach((step, index) => steps[index].show(name, index, view, view.cells[step] ?? [null, 0]));
    // A score begins with the first check, as a grade does.
    say(score, view.attempts ? number(view.score) : "–");
    say(attempts, view.sitting === null ? "–" : number(view.attempts, 0));
    showState(state, view.state);
    say(runtime, view.runtime);
    element.dataset.state = view.state;
  };
  row.age = (now_s) => {
    const at = row.view.seen;
    say(seen, at === null ? t("never") : ago(now_s - at));
    if (at !== null && seen.dateTime !== String(at)) {
      seen.dateTime = new Date(at * 1000).toISOString();
      seen.title = moment(at);
    }
  };
  return row;
}

/** Whether every step is passed. */
export function finished(view) {
  return page.steps.every((step) => view.cells[step]?.[0] === "pass");
}

function ago(seconds) {
  if (seconds < MINUTE_S) return relative.format(-Math.max(0, Math.round(seconds)), "second");
  if (seconds < 60 * MINUTE_S) return relative.format(-Math.round(seconds / MINUTE_S), "minute");
  return relative.format(-Math.round(seconds / 3600), "hour");
}

function stepCell() {
  const sign = html("span", { class: "mark", "aria-hidden": "true" });
  const marks = html("span", { class: "hints", "aria-hidden": "true" });
  const words = html("span", { class: "sr" });
  const link = html("a", { class: "cell" }, sign, marks, words);
  const cell = html("td", { class: "step" }, link);
  return {
    cell,
    show(name, index, view, [outcome, hints]) {
      sign.className = `mark mark-${outcome ?? "none"}`;
      say(sign, SIGNS[outcome] ?? "–");
      say(marks, "▪".repeat(Math.min(hints, 4)));
      const said = t("cell", { name, step: index + 1, outcome: t(`outcome_${outcome ?? "none"}`) });
      say(words, hints ? `${said}, ${t("hints_taken", { number: hints })}` : said);
      if (view.sitting === null) link.removeAttribute("href");
      else link.setAttribute("href", page.evidence.replace("/0/", `/${view.sitting}/`).replace("STEP", page.steps[index]));
    },
  };
}
