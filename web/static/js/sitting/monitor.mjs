// The condition monitor: each feature over time with its baseline, the index and the alarm.

import { chart } from "../chart.mjs";
import { byId, html, say } from "../dom.mjs";
import { number, time } from "../format.mjs";
import { page, t } from "../words.mjs";
import { isShown, whenShown } from "./tabs.mjs";

const EVERY_MS = 5000;
const ROWS_MAX = 60;
const device = byId("monitor-device");
const asset = byId("monitor-asset");
const strips = new Map();
let latest = null;

async function load() {
  const wanted = new URLSearchParams({ device: device.value, asset: asset.value });
  const answer = await fetch(`${page.urls.monitor}?${wanted}`, { headers: { Accept: "application/json" } }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  byId("monitor-problem").hidden = Boolean(answer?.ok);
  if (!answer?.ok) return say(byId("monitor-problem"), body?.error ?? t("unreachable"));
  latest = body;
  machines();
  say(byId("monitor-state"), stateOf(body));
  for (const [name, points, band] of series(body)) await update(name, points, band);
  if (byId("monitor-table").open) table();
}

function machines() {
  const known = [...asset.options].map((option) => option.value).join();
  if (known === latest.assets.join()) return;
  asset.replaceChildren(...latest.assets.map((id) => new Option(page.assets[id] ?? id, id)));
  asset.value = latest.asset;
}

function stateOf({ learnt, learnt_windows, wanted_windows, alarm }) {
  if (!learnt) return t("monitor_learning", { number: number(learnt_windows, 0), total: number(wanted_windows, 0) });
  return alarm.at(-1)?.[1] ? t("monitor_alarm") : t("monitor_normal");
}

function series({ features, index, alarm, baseline }) {
  const band = (name) => (baseline?.[name] ? [baseline[name].mean - 3 * baseline[name].sigma, baseline[name].mean + 3 * baseline[name].sigma] : null);
  return [
    ["index", flat(index), null],
    ["alarm", alarm.map(([at, on]) => [at, Number(on)]), null],
    ...Object.entries(features).map(([name, points]) => [name, points, band(name)]),
  ].filter(([, points]) => points.length);
}

// The index is one series, or one a feature.
function flat(index) {
  return Array.isArray(index) ? index : [];
}

async function update(name, points, band) {
  const strip = strips.get(name) ?? (await frame(name, band));
  const [from, to] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 60)];
  strip.chart.update(points.map(([at]) => at), points.map(([, value]) => value), from, to);
  strip.last = points.at(-1)[1];
  if (!strip.pointed) say(strip.output, shown(name, strip.last));
  strip.points = points;
}

async function frame(name, band) {
  const output = html("output", {}, "—");
  const canvas = html("div", { class: "canvas", role: "img", "aria-label": t("monitor_chart", { name: label(name) }) });
  byId("monitor-list").append(html("figure", { "data-monitor": name },
    html("figcaption", {}, html("strong", {}, label(name)), band && html("small", {}, t("normal_band", { low: number(band[0], 2), high: number(band[1], 2) })), output), canvas));
  const strip = { output, points: [], last: null, pointed: false, chart: null };
  strips.set(name, strip);
  strip.chart = await chart(canvas, {
    band,
    span: name === "alarm" ? 20 : null,
    format: (value) => (name === "alarm" ? "" : number(value, 2)),
    point(index) {
      const at = index === null ? undefined : strip.points[index];
      strip.pointed = Boolean(at);
      say(output, at ? `${time(at[0])} → ${shown(name, at[1])}` : shown(name, strip.last));
    },
  });
  return strip;
}

function label(name) {
  return { index: t("monitor_index"), alarm: t("monitor_alarm_name") }[name] ?? name;
}

function shown(name, value) {
  if (value === null || value === undefined) return "—";
  return name === "alarm" ? (value ? t("on") : t("off")) : number(value, 3);
}

function table() {
  if (!latest) return;
  const all = series(latest);
  const dates = [...new Set(all.flatMap(([, points]) => points.slice(-ROWS_MAX).map(([at]) => at)))].sort((a, b) => b - a).slice(0, ROWS_MAX);
  const values = all.map(([name, points]) => [name, new Map(points)]);
  const head = html("tr", {}, html("th", { scope: "col" }, t("time")), ...all.map(([name]) => html("th", { scope: "col" }, label(name))));
  const rows = dates.map((at) => html("tr", {}, html("th", { scope: "row" }, time(at)), ...values.map(([name, of]) => html("td", { class: "number" }, shown(name, of.get(at))))));
  byId("monitor-table").querySelector("table").replaceChildren(html("thead", {}, head), html("tbody", {}, ...rows));
}

function change() {
  for (const strip of strips.values()) strip.chart?.destroy();
  strips.clear();
  byId("monitor-list").replaceChildren();
  load();
}

device.addEventListener("change", () => (asset.replaceChildren(), change()));
asset.addEventListener("change", change);
byId("monitor-table").addEventListener("toggle", table);
setInterval(() => isShown("monitor") && !document.hidden && load(), EVERY_MS);
whenShown("monitor", load);
