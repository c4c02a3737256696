// The configuration of a device: edited, checked while it is typed, applied, compared, put back.

import { byId, html, say } from "../dom.mjs";
import { moment } from "../format.mjs";
import { send, toast } from "../post.mjs";
import { page, t } from "../words.mjs";
import { difference } from "./difference.mjs";
import { draft, keep } from "./drafts.mjs";
import { editor } from "./editor.mjs";
import { completions } from "./schema.mjs";
import { isShown, whenShown } from "./tabs.mjs";
import { refresh } from "./work.mjs";

const AGAIN_MS = 3000;
const chooser = byId("configuration-device");
const versions = byId("configuration-version");
let known = null;
let place = null;
let begun = false;
let asked = 0;
let device = ""; // whose text the editor holds: not the one that is chosen, until that is here

const url = (name, of) => page.urls[name].replace("DEVICE", of);

async function open() {
  if (begun) return;
  begun = true;
  await load();
}

async function load({ discard = false } = {}) {
  const mine = ++asked; // another device may be chosen before this one is here
  const wanted = chooser.value;
  byId("configuration-editor").inert = true; // nothing is typed into the text that is about to leave
  const answer = await fetch(url("configuration", wanted), { headers: { Accept: "application/json" } }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (mine !== asked) return;
  if (!answer?.ok) {
    begun = false; // asked again when it is shown again, and by itself
    setTimeout(() => mine === asked && isShown("configuration") && load({ discard }), AGAIN_MS);
    return problem(body?.error ?? t("unreachable"));
  }
  const kept = discard ? null : draft(wanted);
  const box = html("div", { "data-label": byId("configuration-editor").dataset.label });
  const made = await editor(box, {
    yaml: body.schema !== null,
    changed,
    check,
    complete: (text, position, explicit) => (known.schema ? completions(known.schema, text, position, explicit) : null),
  });
  if (mine !== asked) return;
  [known, place, device, begun] = [body, made, wanted, true];
  byId("configuration-editor").replaceChildren(box);
  byId("configuration-editor").inert = false;
  problem("");
  place.set(kept ?? known.text);
  list();
  changed(kept ?? known.text);
}

function changed(text) {
  if (!known) return;
  const same = text === known.text;
  keep(device, text, known.text);
  byId("configuration-apply").disabled = same;
  byId("configuration-discard").hidden = same;
  say(byId("configuration-state"), same ? t("in_force") : t("draft_kept"));
  if (versions.value) compare();
}

async function check(text) {
  if (!known || text === known.text) return problem("");
  const { ok, result } = await send(url("configuration_check", device), { text });
  if (!ok || text !== place.text()) return null;
  problem(result.problem?.text ?? "");
  return result.problem;
}

function problem(text) {
  byId("configuration-problem").hidden = !text;
  say(byId("configuration-problem"), text);
  return null;
}

async function apply(text) {
  const of = device;
  byId("configuration-apply").disabled = true;
  byId("configuration-editor").inert = true; // what is typed now would go with the text that is applied
  say(byId("configuration-state"), t("applying"));
  const { ok, error } = await send(url("configuration", of), { text });
  if (ok) {
    keep(of, "", "");
    refresh();
  }
  // Another device was chosen meanwhile: the editor is its.
  if (chooser.value !== of) return toast(`${of}: ${ok ? t("applied") : error}`, { failed: !ok });
  if (!ok) {
    byId("configuration-editor").inert = false;
    changed(place.text());
    return problem(error);
  }
  await load({ discard: true });
  say(byId("configuration-state"), t("applied"));
}

function list() {
  const before = versions.value;
  const one = (id, words) => new Option(words, id);
  const earlier = known.versions.map(({ id, unix_s }, index) => one(id, t("version_of", { number: index + 1, date: moment(unix_s) })));
  versions.replaceChildren(one("", t("choose_version")), one("default", t("version_default")), one("force", t("version_in_force")), ...earlier.reverse());
  versions.value = [...versions.options].some((option) => option.value === before) ? before : "";
  compare();
}

function chosenText() {
  if (versions.value === "default") return known.default;
  if (versions.value === "force") return known.text;
  return known.versions.find(({ id }) => String(id) === versions.value)?.text;
}

function compare() {
  const text = chosenText();
  byId("configuration-difference").hidden = text === undefined;
  if (text === undefined) return;
  const lines = difference(text, place.text());
  const same = lines.every(([sign]) => sign === " ");
  byId("configuration-revert").disabled = text === known.text;
  const words = { "-": t("line_gone"), "+": t("line_new") };
  document.querySelector("#configuration-difference .difference").replaceChildren(
    ...(same ? [html("p", { class: "empty" }, t("no_difference"))] : lines.map(([sign, line]) =>
      html("div", { class: { " ": "same", "-": "gone", "+": "new" }[sign] },
        html("span", { class: "sign", "aria-hidden": "true" }, sign), words[sign] ? html("span", { class: "sr" }, words[sign]) : null, html("code", {}, line || " ")))),
  );
}

chooser.addEventListener("change", () => load());
versions.addEventListener("change", compare);
byId("configuration-apply").addEventListener("click", () => apply(place.text()));
byId("configuration-revert").addEventListener("click", () => apply(chosenText()));
byId("configuration-discard").addEventListener("click", () => {
  keep(device, "", "");
  load({ discard: true });
});
addEventListener("configured", ({ detail }) => begun && load({ discard: [null, chooser.value].includes(detail.device) }));
whenShown("configuration", open);
