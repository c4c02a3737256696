// Detection rules: edited, checked and saved, tried on the lab's own events.

import { byId, html, say } from "../dom.mjs";
import { moment, number } from "../format.mjs";
import { send } from "../post.mjs";
import { page, t } from "../words.mjs";
import { draft, keep } from "./drafts.mjs";
import { editor } from "./editor.mjs";
import { isShown, whenShown } from "./tabs.mjs";
import { refresh } from "./work.mjs";

const SHOWN_MAX = 200;
const AGAIN_MS = 3000;
const words = { time: t("line_time"), rule: t("alert_rule"), asset: t("alert_asset"), technique: t("alert_technique"), count: t("alert_count") };
let saved = "";
let place = null;
let begun = false;

async function open() {
  if (begun) return;
  begun = true;
  const answer = await fetch(page.urls.rules, { headers: { Accept: "application/json" } }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer?.ok || !body) {
    begun = false; // nothing is edited that would take the place of rules which are not here yet
    setTimeout(() => isShown("rules") && open(), AGAIN_MS);
    return problem(body?.error ?? t("unreachable"));
  }
  problem("");
  saved = body.text;
  place = await editor(byId("rules-editor"), { yaml: true, changed, check });
  place.set(draft("rules") ?? saved);
  changed(place.text());
  for (const name of ["save", "try"]) byId(`rules-${name}`).disabled = false;
}

function changed(text) {
  keep("rules", text, saved);
  say(byId("rules-state"), text === saved ? (saved ? t("rules_saved") : t("rules_none")) : t("rules_draft"));
}

async function check(text) {
  if (!text.trim()) return problem("");
  const { ok, result } = await send(page.urls.rules_check, { text });
  if (!ok || text !== place.text()) return null;
  problem(result.problem?.text ?? "");
  return result.problem;
}

function problem(text) {
  byId("rules-problem").hidden = !text;
  say(byId("rules-problem"), text);
  return null;
}

async function save() {
  const text = place.text();
  const { ok, error } = await send(page.urls.rules, { text });
  if (!ok) return problem(error);
  saved = text;
  problem("");
  changed(place.text());
  refresh();
}

async function attempt() {
  say(byId("rules-found"), t("rules_trying"));
  const { ok, result, error } = await send(page.urls.rules_try, { text: place.text() });
  if (!ok) {
    say(byId("rules-found"), "");
    return problem(error);
  }
  problem("");
  show(result);
}

function show({ alerts, events, rules }) {
  const said = html("p", {}, t("rules_found", { alerts: number(alerts.reduce((sum, { count }) => sum + count, 0), 0), events: number(events, 0), rules: number(rules.length, 0) }));
  const rows = [...alerts].reverse().slice(0, SHOWN_MAX).map((alert) =>
    html("tr", {}, html("td", {}, moment(alert.unix_s)), html("th", { scope: "row" }, alert.rule), html("td", {}, html("code", {}, alert.asset)),
      html("td", {}, html("code", {}, alert.technique)), html("td", { class: "number" }, number(alert.count, 0))));
  const head = html("tr", {}, ...["time", "rule", "asset", "technique", "count"].map((key) => html("th", { scope: "col" }, words[key])));
  const table = html("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": t("alerts") }, html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows)));
  byId("rules-found").replaceChildren(said, ...(rows.length ? [table] : []));
}

byId("rules-save").addEventListener("click", save);
byId("rules-try").addEventListener("click", attempt);
whenShown("rules", open);
