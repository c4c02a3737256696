// Numbers and dates as the reader's language writes them.

import { page, t } from "./words.mjs";

const cache = new Map();

/** `value` with exactly `digits` decimals. */
export function number(value, digits = 1) {
  if (!cache.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    cache.set(digits, new Intl.NumberFormat(page.language, options));
  }
  return cache.get(digits).format(value);
}

const percents = new Intl.NumberFormat(page.language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const times = new Intl.DateTimeFormat(page.language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const moments = new Intl.DateTimeFormat(page.language, { dateStyle: "medium", timeStyle: "medium" });

/** A share of 1, in per cent. */
export function percent(value) {
  return percents.format(value);
}

/** The time of day of `unix_s`. */
export function time(unix_s) {
  return times.format(unix_s * 1000);
}

/** The time of day at a mark of an axis; its seconds too where marks are less than a minute apart: none is written twice. */
export function mark(unix_s, step_s) {
  return step_s < 60 ? time(unix_s) : time(unix_s).slice(0, 5);
}

/** Day and time of `unix_s`. */
export function moment(unix_s) {
  return moments.format(unix_s * 1000);
}

const UNITS = [["second", 1, 120], ["minute", 60, 120], ["hour", 3600, 48], ["day", 86400, Infinity]];

/** About how long `seconds` are: `90 seconds`, `4 minutes`. */
export function duration(seconds) {
  const [unit, size] = UNITS.find(([, size, most]) => Math.round(seconds / size) < most);
  return new Intl.NumberFormat(page.language, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(seconds / size);
}

/** Decimals that make sense for a tag: three significant figures of its range, none for a count. */
export function digits(tag) {
  if (!tag.unit && tag.type !== "REAL" && tag.type !== "LREAL") return 0;
  if (!tag.range) return 1;
  return Math.max(0, Math.min(3, Math.floor(3.3 - Math.log10(tag.range[1] - tag.range[0]))));
}

/** A tag's value in words: its state, on or off, or its number; without the unit. */
export function shown(tag, value, decimals = digits(tag)) {
  if (value === null || value === undefined) return "—";
  const state = tag.states[typeof value === "boolean" ? String(Number(value)) : String(value)];
  if (state !== undefined) return state;
  if (typeof value === "boolean") return value ? t("on") : t("off");
  return typeof value === "number" ? number(value, decimals) : String(value);
}

/** The same with its unit. */
export function withUnit(tag, value, decimals) {
  const text = shown(tag, value, decimals);
  return tag.unit && text !== "—" ? `${text} ${tag.unit}` : text;
}
