// The line's own clock: simulated, so that it runs ahead of the reader's, or behind, and says by how much.

import { byId, say } from "./dom.mjs";
import { duration, moment, number, time } from "./format.mjs";
import { t } from "./words.mjs";

const SAME_S = 20;

export function showClock(snapshot) {
  say(byId("run-state"), snapshot.paused ? t("paused") : t("running"));
  byId("run-state").classList.toggle("paused", snapshot.paused);
  say(byId("clock"), today(snapshot.unix_s) ? time(snapshot.unix_s) : moment(snapshot.unix_s));
  const speed = snapshot.speed === 1 ? "" : ` · ×${number(snapshot.speed, Number.isInteger(snapshot.speed) ? 0 : 1)}`;
  say(byId("clock-gap"), gap(snapshot.unix_s - Date.now() / 1000) + speed);
}

function today(unix_s) {
  return new Date(unix_s * 1000).toDateString() === new Date().toDateString();
}

function gap(ahead_s) {
  if (Math.abs(ahead_s) < SAME_S) return t("clock_simulated");
  return t(ahead_s > 0 ? "clock_ahead" : "clock_behind", { time: duration(Math.abs(ahead_s)) });
}
