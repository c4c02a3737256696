// The condition monitor: each feature over time with its baseline, how near the alarm is, and the alarm.

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
let asked = 0;

async function load() {
  const mine = ++asked; // another machine may be chosen before this one is here
  const wanted = new URLSearchParams({ device: device.value, asset: asset.value });
  const answer = await fetch(`${page.urls.monitor}?${wanted}`, { headers: { Accept: "application/json" } }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (mine !== asked) return;
  byId("monitor-problem").hidden = Boolean(answer?.ok);
  if (!answer?.ok) return say(byId("monitor-problem"), body?.error ?? t("unreachable"));
  latest = body;
  machines();
  say(byId("monitor-state"), stateOf(body));
  for (const [name, points, band] of series(body)) {
    await update(name, points, band);
    if (mine !== asked) return;
  }
  if (byId("monitor-table").open) table();
}

function machines() {
  const known = [...asset.options].map((option) => option.value).join();
  if (known === latest.assets.join()) return;
  asset.replaceChildren(...latest.assets.map((id) => new Option(page.assets[id] ?? id, id)));
  asset.value = latest.asset;
}

function stateOf({ assets, learnt, learnt_windows, wanted_windows, alarm }) {
  if (!assets.length) return t("monitor_none", { device: device.value });
  if (!alarm.length) return t("monitor_waiting");
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
  const strip = strips.get(name) ?? frame(name, band);
  const drawn = await strip.chart;
  if (strips.get(name) !== strip) return;
  drawn.shade?.(band);
  const [from, to] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 60)];
  drawn.update(points.map(([at]) => at), points.map(([, value]) => value), from, to);
  strip.last = points.at(-1)[1];
  if (!strip.pointed) say(strip.output, shown(name, strip.last));
  say(strip.note, noteOf(name, band));
  strip.points = points;
}

function frame(name, band) {
  const measure = measured(name);
  const output = html("output", {}, "—");
  const canvas = html("div", { class: "canvas", role: "img", "aria-label": t("monitor_chart", { name: measure.name }) });
  const note = html("small", { class: "note-of" });
  const id = page.measures[name] && name in (latest.features ?? {}) ? html("code", {}, name) : null;
  byId("monitor-list").append(html("figure", { "data-monitor": name }, html("figcaption", {}, html("strong", {}, measure.name), id, note, output), canvas));
  const strip = { output, note, points: [], last: null, pointed: false, chart: null };
  strips.set(name, strip);
  strip.chart = chart(canvas, {
    band,
    span: name === "alarm" ? 20 : null,
    ...(name === "index" ? { scale: toAlarm } : {}),
    format: (value, step) => (name === "alarm" ? { 0: t("off"), 1: t("on") }[value] ?? "" : number(value, decimals(step, measure.digits))),
    point(index) {
      const at = index === null ? undefined : strip.points[index];
      strip.pointed = Boolean(at);
      say(output, at ? `${time(at[0])} → ${shown(name, at[1])}` : shown(name, strip.last));
    },
  });
  return strip;
}

// The alarm's level is always in view: how near it is can be seen.
function toAlarm(_low, high) {
  return [0, Math.max(110, (high ?? 0) * 1.1)];
}

function measured(name) {
  return page.measures[name] ?? { name, unit: "", digits: 2 };
}

// Marks of an axis are told apart: as many decimals as their step needs.
function decimals(step, digits) {
  return step ? Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9))) : digits;
}

function noteOf(name, band) {
  const { digits } = measured(name);
  if (name === "index") return t("monitor_alarm_at");
  if (name === "alarm") return "";
  return band ? t("normal_band", { low: number(band[0], digits), high: number(band[1], digits) }) : t("monitor_none_normal");
}

function shown(name, value) {
  if (value === null || value === undefined) return "—";
  if (name === "alarm") return value ? t("on") : t("off");
  const { unit, digits } = measured(name);
  return unit ? `${number(value, digits)} ${unit}` : number(value, digits);
}

function table() {
  if (!latest) return;
  const all = series(latest);
  const dates = [...new Set(all.flatMap(([, points]) => points.slice(-ROWS_MAX).map(([at]) => at)))].sort((a, b) => b - a).slice(0, ROWS_MAX);
  const values = all.map(([name, points]) => [name, new Map(points)]);
  const head = html("tr", {}, html("th", { scope: "col" }, t("line_time")), ...all.map(([name]) => html("th", { scope: "col" }, measured(name).name)));
  const rows = dates.map((at) => html("tr", {}, html("th", { scope: "row" }, time(at)), ...values.map(([name, of]) => html("td", { class: "number" }, shown(name, of.get(at))))));
  byId("monitor-table").querySelector("table").replaceChildren(html("thead", {}, head), html("tbody", {}, ...rows));
}

function change() {
  for (const strip of strips.values()) strip.chart.then((drawn) => drawn.destroy());
  strips.clear();
  byId("monitor-list").replaceChildren();
  load();
}

device.addEventListener("change", () => (asset.replaceChildren(), change()));
asset.addEventListener("change", change);
byId("monitor-table").addEventListener("toggle", table);
setInterval(() => isShown("monitor") && !document.hidden && load(), EVERY_MS);
whenShown("monitor", load);
