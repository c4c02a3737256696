// Trends: one strip a tag, the last ten minutes, begun by the historian and carried on by the stream.

import { chart } from "./chart.mjs";
import { byId, html, say } from "./dom.mjs";
import { digits, number, shown, time, withUnit } from "./format.mjs";
import { page, t } from "./words.mjs";

const WINDOW_S = page.trend_minutes * 60;
const FAST_REFRESH_MS = 4000;
const TABLE_EVERY_S = 30;
const MAX = 8;
const place = byId("trend-list");
const strips = new Map();
let latest = null;
let refreshed = 0;

export function showTrends(snapshot) {
  latest = snapshot;
  // Faster than life a second skips minutes: ask the historian, which saw them.
  if (snapshot.speed > 2 && Date.now() - refreshed > FAST_REFRESH_MS) history([...strips.keys()]);
  for (const strip of strips.values()) append(strip, snapshot);
  if (byId("trend-table").open) table();
}

/** Some seconds were not seen (the page was hidden, the link broken): ask for them. */
export function missed() {
  history([...strips.keys()]);
}

function append(strip, snapshot) {
  const [value, quality] = snapshot.tags[strip.id] ?? [null, "bad"];
  const last = strip.times.at(-1) ?? -Infinity;
  if (snapshot.unix_s < last - 1) strip.times.length = strip.values.length = 0; // the line was reset
  if (snapshot.unix_s > last) {
    strip.times.push(snapshot.unix_s);
    strip.values.push(quality === "bad" ? null : plain(value));
  }
  draw(strip, snapshot.unix_s);
}

function plain(value) {
  return value === null || value === undefined ? null : Number(value);
}

function draw(strip, now) {
  while (strip.times.length && strip.times[0] < now - WINDOW_S) {
    strip.times.shift();
    strip.values.shift();
  }
  strip.chart?.update(strip.times, strip.values, now - WINDOW_S, now);
  strip.figure.dataset.points = strip.times.length;
  if (!strip.pointed) say(strip.output, withUnit(strip.tag, strip.values.at(-1) ?? null));
}

async function history(ids) {
  if (!ids.length) return;
  refreshed = Date.now();
  try {
    const answer = await fetch(`${page.trend}?tags=${ids.map(encodeURIComponent).join(",")}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    for (const [id, points] of Object.entries(await answer.json())) begin(strips.get(id), points);
  } catch {
    // The stream says that the link is broken, and carries the strips on when it is back.
  }
}

function begin(strip, points) {
  if (!strip || !points.length) return;
  const newer = strip.times.findIndex((at) => at > points.at(-1)[0]);
  const rest = newer === -1 ? [[], []] : [strip.times.slice(newer), strip.values.slice(newer)];
  strip.times = [...points.map(([at]) => at), ...rest[0]];
  strip.values = [...points.map(([, value]) => plain(value)), ...rest[1]];
  draw(strip, Math.max(latest?.unix_s ?? 0, strip.times.at(-1)));
}

async function add(ids) {
  const fresh = ids.filter((id) => page.tags[id] && !strips.has(id)).slice(0, MAX - strips.size);
  for (const id of fresh) strips.set(id, frame(id));
  marks();
  await Promise.all(fresh.map((id) => equip(strips.get(id))));
  await history(fresh);
}

function frame(id) {
  const tag = page.tags[id];
  const output = html("output", {}, "—");
  const remove = html("button", { type: "button", class: "quiet remove", "aria-label": t("remove_trend", { name: tag.name }), onclick: () => drop(id) }, "×");
  const band = tag.band && html("small", {}, t("normal_band", { low: number(tag.band[0], 0), high: number(tag.band[1], 0) }));
  const canvas = html("div", { class: "canvas", role: "img", "aria-label": t("trend_of", { name: tag.name, minutes: page.trend_minutes }) });
  const figure = html("figure", { "data-trend": id, "data-points": 0 }, html("figcaption", {}, html("strong", {}, tag.name), band, output, remove), canvas);
  place.append(figure);
  return { id, tag, figure, canvas, output, times: [], values: [], chart: null, pointed: false };
}

async function equip(strip) {
  const { tag } = strip;
  strip.chart = await chart(strip.canvas, {
    band: tag.band,
    span: tag.range ? tag.range[1] - tag.range[0] : null,
    format: (value) => (Object.keys(tag.states).length ? shown(tag, Math.round(value)) : number(value, tag.type === "BOOL" ? 0 : Math.max(digits(tag), 1))),
    point: (index) => pointed(strip, index),
  });
  if (strips.get(strip.id) !== strip) strip.chart.destroy(); // taken away meanwhile
}

function pointed(strip, index) {
  strip.pointed = index !== null && index < strip.times.length;
  if (strip.pointed) say(strip.output, `${time(strip.times[index])} → ${withUnit(strip.tag, strip.values[index])}`);
}

function drop(id) {
  const strip = strips.get(id);
  strips.delete(id);
  strip?.chart?.destroy();
  strip?.figure.remove();
  marks();
  byId("add-trend").focus();
}

function marks() {
  byId("no-trend").hidden = strips.size > 0;
  for (const button of document.querySelectorAll("button.trend")) {
    button.setAttribute("aria-pressed", String(strips.has(button.closest("tr").dataset.row)));
  }
}

function table() {
  const chosen = [...strips.values()];
  const now = latest?.unix_s ?? 0;
  const head = html("tr", {}, html("th", { scope: "col" }, t("line_time")),
    ...chosen.map(({ tag }) => html("th", { scope: "col" }, tag.unit ? `${tag.name} (${tag.unit})` : tag.name)));
  const rows = [];
  for (let at = Math.floor(now / TABLE_EVERY_S) * TABLE_EVERY_S; at > now - WINDOW_S; at -= TABLE_EVERY_S) {
    const cells = chosen.map((strip) => html("td", { class: "number" }, shown(strip.tag, valueAt(strip, at))));
    rows.push(html("tr", {}, html("th", { scope: "row" }, time(at)), ...cells));
  }
  byId("trend-table").querySelector("table").replaceChildren(html("thead", {}, head), html("tbody", {}, ...rows));
}

function valueAt({ times, values, tag }, at) {
  const after = times.findIndex((time_s) => time_s > at);
  const index = (after === -1 ? times.length : after) - 1;
  const value = index >= 0 && times[index] > at - TABLE_EVERY_S ? values[index] : null;
  return value !== null && tag.type === "BOOL" ? Boolean(value) : value;
}

byId("add-trend").addEventListener("change", (event) => {
  add([event.target.value]);
  event.target.value = "";
});
byId("trend-table").addEventListener("toggle", table);
for (const button of document.querySelectorAll("button.trend")) {
  const id = button.closest("tr").dataset.row;
  button.addEventListener("click", () => (strips.has(id) ? (drop(id), button.focus()) : add([id])));
}
place.replaceChildren();
add(page.trend_tags);
