// The alarm list (ISA-18.2 states), most urgent first, and the summary in the header.

import { byId, html, say, symbol } from "./dom.mjs";
import { moment, time } from "./format.mjs";
import { command } from "./post.mjs";
import { page, t, words } from "./words.mjs";

const list = byId("alarm-list");
let before = "";

export function showAlarms(snapshot) {
  const now = JSON.stringify(snapshot.alarms);
  if (now === before) return;
  before = now;
  const alarms = [...snapshot.alarms].sort(
    (a, b) => waiting(b) - waiting(a) || a.priority - b.priority || b.since_unix_s - a.since_unix_s,
  );
  const focused = document.activeElement?.dataset?.alarm;
  list.replaceChildren(...alarms.map(row));
  if (focused) refocus(focused);
  byId("no-alarm").hidden = alarms.length > 0;
  byId("acknowledge-all").hidden = alarms.filter(waiting).length < 2;
  summary(alarms);
}

function waiting(alarm) {
  return alarm.state !== "acknowledged";
}

function row(alarm) {
  const label = words(alarm.text);
  const button = html(
    "button",
    {
      type: "button", class: "quiet", "data-alarm": alarm.id, "aria-label": t("acknowledge_alarm", { name: label }),
      onclick: () => command("acknowledge", { alarm: alarm.id }),
    },
    t("acknowledge"),
  );
  return html(
    "li",
    { class: alarm.state, "data-alarm-row": alarm.id },
    symbol(`priority-${alarm.priority}`, t("priority", { number: alarm.priority })),
    html("div", {}, html("strong", {}, label), html("p", {}, stateOf(alarm))),
    waiting(alarm) ? button : null,
  );
}

function stateOf(alarm) {
  const since = html("time", { datetime: new Date(alarm.since_unix_s * 1000).toISOString(), title: moment(alarm.since_unix_s) }, time(alarm.since_unix_s));
  const span = html("span", {}, `${t(alarm.state)} · `, html("code", {}, alarm.tag), " · ", since);
  return span;
}

// The list was drawn anew under the reader's hands: stay on the same alarm, else on the list's title.
function refocus(id) {
  const same = list.querySelector(`button[data-alarm="${CSS.escape(id)}"]`) ?? list.querySelector("button");
  if (same) same.focus();
  else {
    const title = byId("alarms-title");
    title.tabIndex = -1;
    title.focus();
  }
}

function summary(alarms) {
  const counts = [1, 2, 3, 4].map((priority) => alarms.filter((alarm) => alarm.priority === priority).length);
  const parts = counts.flatMap((count, index) =>
    count ? [html("span", {}, symbol(`priority-${index + 1}`, t("priority", { number: index + 1 })), ` ${count}`)] : [],
  );
  byId("alarm-summary").replaceChildren(...(parts.length ? parts : [html("span", {}, t("no_alarm"))]));
}

byId("acknowledge-all").addEventListener("click", () => command("acknowledge", { alarm: "all" }));
