// Actions on labs: a dialog says what happens and to whom, then each lab's answer is told, with its undo.

import { byId, html, say } from "../dom.mjs";
import { number } from "../format.mjs";
import { page, t } from "../words.mjs";
import { send } from "./send.mjs";

const NAMES_SHOWN = 6;
const results = byId("results");

/** `targets()` gives the labs as `[{sitting, name}]`; called when a dialog opens and again when it is sent. */
export function installActions(targets) {
  if (!results) return; // archived or closed: nothing is offered
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => ask(byId(`act-${button.dataset.act}`), targets, button));
  }
  byId("results-close").addEventListener("click", () => (results.hidden = true));
  faultFields(byId("act-fault"));
}

/** Names of labs in one sentence: all of a few, the first ones of many. */
export function toWhom(labs) {
  const names = labs.slice(0, NAMES_SHOWN).map(({ name }) => name);
  if (labs.length > NAMES_SHOWN) names.push(t("and_others", { number: number(labs.length - NAMES_SHOWN, 0) }));
  const values = { number: number(labs.length, 0), names: names.join(", ") };
  return labs.length === 1 ? t("to_lab", values) : t("to_labs", values);
}

function ask(dialog, targets, opener) {
  const labs = targets();
  const yes = dialog.querySelector("button[value=yes]");
  const nothingToChoose = [...dialog.querySelectorAll("select")].some((select) => !select.value) || (dialog.dataset.do === "attack" && !dialog.querySelector("select"));
  yes.disabled = !labs.length || nothingToChoose;
  say(dialog.querySelector(".targets"), labs.length ? toWhom(labs) : t("no_target"));
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") act(dialog.dataset.title, actionOf(dialog), labs);
  }, { once: true });
  // The dialog gives the focus back as it closes.
  opener.focus();
  dialog.showModal();
}

// The fields of the dialog's form, as the server's `Action` wants them.
function actionOf(dialog) {
  const action = { do: dialog.dataset.do };
  for (const field of dialog.querySelectorAll("[name]")) {
    if (field.type === "radio" && !field.checked) continue;
    action[field.name] = "number" in field.dataset ? Number(field.value) : field.value;
  }
  return action;
}

async function act(title, action, labs, back = false) {
  results.hidden = false;
  byId("results-list").replaceChildren();
  byId("results-undo").hidden = true;
  say(byId("results-said"), t("working", { action: title, number: number(labs.length, 0) }));
  const answer = await send(page.act, { sittings: labs.map(({ sitting }) => sitting), action });
  if (answer === undefined) return void (results.hidden = true);
  told(title, labs, back ? { ...answer, undo: null } : answer);
}

function told(title, labs, { results: answers, undo }) {
  const names = new Map(labs.map(({ sitting, name }) => [sitting, name]));
  const failed = answers.filter((answer) => !answer.ok);
  const done = answers.filter((answer) => answer.ok);
  const counts = { action: title, done: number(done.length, 0), failed: number(failed.length, 0) };
  say(byId("results-said"), t(failed.length ? "some_done" : "all_done", counts));
  byId("results-list").replaceChildren(...[...failed, ...done].map((answer) => line(names.get(answer.sitting), answer)));
  const button = byId("results-undo");
  button.hidden = !undo || !done.length;
  say(button, t("undo_action", { action: title }));
  button.onclick = () => act(t("undo_action", { action: title }), undo, done.map(({ sitting }) => ({ sitting, name: names.get(sitting) })), true);
}

function line(name, { ok, said }) {
  const sign = html("span", { class: `mark mark-${ok ? "pass" : "fail"}`, role: "img", "aria-label": t(ok ? "done" : "outcome_fail") }, ok ? "✓" : "✗");
  return html("li", {}, sign, html("strong", {}, name), ` ${said}`);
}

// The modes of the chosen asset alone, and the severity in words.
function faultFields(dialog) {
  const [asset, mode, severity] = ["asset", "mode", "severity"].map((name) => dialog.querySelector(`[name=${name}]`));
  if (!asset) return;
  const all = [...mode.options];
  const modes = () => mode.replaceChildren(...all.filter((option) => option.dataset.asset === asset.value));
  const figure = () => say(severity.parentElement.querySelector("output"), number(Number(severity.value), 2));
  asset.addEventListener("change", modes);
  severity.addEventListener("input", figure);
  modes();
  figure();
}
