// The event table: filtered by the server, its columns chosen here.

import { byId, html, say } from "../dom.mjs";
import { number, time } from "../format.mjs";
import { page, t } from "../words.mjs";
import { isShown, whenShown } from "./tabs.mjs";

const EVERY_MS = 3000;
const FIRST = ["ts", "log", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "service", "func", "detail"];
const form = byId("events-filter");
const table = document.querySelector("table.events");
let columns = null;
let latest = null;
let asked = 0;

const query = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();

async function load() {
  const mine = ++asked;
  byId("events-csv").href = `${page.urls.events_csv}?${query()}`;
  const answer = await fetch(`${page.urls.events}?${query()}`, { headers: { Accept: "application/json" } }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (mine !== asked) return;
  byId("events-problem").hidden = Boolean(answer?.ok);
  if (!answer?.ok) return say(byId("events-problem"), body?.error ?? t("unreachable"));
  latest = body;
  choices();
  draw();
}

function choices() {
  if (columns) return;
  columns = new Set(chosenBefore() ?? latest.columns.filter((name) => FIRST.includes(name)));
  byId("events-columns").replaceChildren(...latest.columns.map(choice));
}

function chosenBefore() {
  try {
    return JSON.parse(localStorage.getItem("events-columns"));
  } catch {
    return null;
  }
}

function choice(name) {
  const box = html("input", { type: "checkbox", checked: columns.has(name) });
  box.addEventListener("change", () => {
    if (box.checked) columns.add(name);
    else columns.delete(name);
    localStorage.setItem("events-columns", JSON.stringify([...columns]));
    draw();
  });
  return html("label", { class: "check" }, box, html("code", {}, name));
}

function draw() {
  const shown = latest.columns.filter((name) => columns.has(name));
  table.tHead.replaceChildren(html("tr", {}, ...shown.map((name) => html("th", { scope: "col" }, html("code", {}, name), name === "ts" ? html("span", { class: "sr" }, ` (${t("line_time")})`) : null))));
  table.tBodies[0].replaceChildren(...[...latest.events].reverse().map((row) =>
    html("tr", {}, ...shown.map((name) => html("td", {}, cell(name, row[name]))))));
  byId("events-empty").hidden = latest.events.length > 0;
  say(byId("events-count"), t("events_shown", { number: number(latest.events.length, 0) }));
}

function cell(name, value) {
  if (value === null || value === undefined) return "";
  if (name === "ts") return time(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

let typing = 0;
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(load, 300);
});
form.addEventListener("submit", (event) => event.preventDefault());
setInterval(() => isShown("events") && !document.hidden && byId("events-live").checked && load(), EVERY_MS);
whenShown("events", load);
