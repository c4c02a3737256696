// The mimic: elements of the drawing bound to tags by `data-tag` and `data-kind`.
//
//   text     an HTML or SVG element: the value with its unit (or its state)
//   value    <g>: the same, framed and marked when its tag alarms; data-anchor, data-digits
//   bar      <rect>: its own height is the tag's range (a tank's level)
//   pointer  <g>: a moving pointer over the normal band; data-low, data-high, data-setpoint, data-floor (tags)
//   running, valve, eye   <g>: the class is-on or is-off, and the word in its child .word
//   flag     <g>: the most urgent alarm of several tags
//   bottles  <g>: bottles that move at the tag's speed over data-length, data-rate of them a minute while
//            data-filler runs, which fills them at data-fill; data-capper caps at data-cap; data-count: produced

import { html, say, svg, symbol } from "./dom.mjs";
import { withUnit } from "./format.mjs";
import { page, t } from "./words.mjs";

const POINTER_PX = 84;
const PX_PER_M = 150;
const FRAME_MS = 50; // twenty pictures a second: a laptop without a graphics card keeps its processor
const CLOSEST_PX = 24;
const FASTEST = 4; // a belt at a hundred times its speed would only flicker
const root = document.querySelector(".mimic .scroll");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const WORDS = { running: ["running", "stopped"], valve: ["open", "closed"] };
const kinds = { text, value, bar, pointer, running: toggle, valve: toggle, eye: toggle, flag, bottles };
const updates = [...root.querySelectorAll("[data-kind]")].map((element) => kinds[element.dataset.kind](element));

export function showMimic(snapshot) {
  const urgent = new Map();
  for (const alarm of snapshot.alarms) {
    const known = urgent.get(alarm.tag);
    if (!known || alarm.priority < known.priority) urgent.set(alarm.tag, alarm);
  }
  for (const update of updates) update(snapshot, urgent);
}

/** Old values are greyed: nobody must take them for the present ones. */
export function dimMimic(old) {
  root.classList.toggle("old", old);
}

function read(snapshot, id) {
  const [value, quality] = snapshot.tags[id] ?? [null, "bad"];
  return { value: value ?? null, quality };
}

function text(element) {
  const id = element.dataset.tag;
  const words = element instanceof HTMLElement ? html("span") : element;
  if (words !== element) element.replaceChildren(words);
  return (snapshot, urgent) => {
    const { value, quality } = read(snapshot, id);
    say(words, withUnit(page.tags[id], value) + (quality === "good" ? "" : " ?"));
    element.dataset.quality = quality;
    const priority = String(urgent.get(id)?.priority ?? "");
    if (words === element || element.dataset.priority === priority) return;
    element.dataset.priority = priority;
    element.replaceChildren(...(priority ? [symbol(`priority-${priority}`, t("priority", { number: priority }))] : []), words);
  };
}

function value(group) {
  const { tag: id, anchor = "middle", digits } = group.dataset;
  const number = svg("text", { class: "value", "text-anchor": anchor });
  const frame = svg("rect", { class: "frame", rx: 2, height: 21, y: -16 });
  const mark = svg("use", { width: 17, height: 17, y: -14 });
  let measured = false;
  group.append(frame, number, mark);
  return (snapshot, urgent) => {
    const { value, quality } = read(snapshot, id);
    const words = withUnit(page.tags[id], value, digits && Number(digits)) + (quality === "good" ? "" : " ?");
    const changed = number.textContent !== words;
    say(number, words);
    group.dataset.quality = quality;
    const alarm = urgent.get(id);
    // A drawing that is hidden has no lengths yet: measured when it is shown.
    if (changed || !measured || group.dataset.priority !== String(alarm?.priority ?? "")) {
      const width = number.getComputedTextLength();
      measured = width > 0;
      const left = { start: 0, middle: -width / 2, end: -width }[anchor];
      frame.setAttribute("x", left - 5);
      frame.setAttribute("width", width + 10);
      mark.setAttribute("x", left - 25);
    }
    marked(group, mark, alarm);
  };
}

// Colour for the abnormal only, and never alone: a shape with the priority's number.
function marked(group, mark, alarm) {
  const priority = String(alarm?.priority ?? "");
  if (group.dataset.priority === priority && group.dataset.alarm === (alarm?.state ?? "")) return;
  group.dataset.priority = priority;
  group.dataset.alarm = alarm?.state ?? "";
  if (alarm) mark.setAttribute("href", `#priority-${alarm.priority}`);
  else mark.removeAttribute("href");
}

function bar(rect) {
  const id = rect.dataset.tag;
  const [bottom, full] = [Number(rect.getAttribute("y")) + Number(rect.getAttribute("height")), Number(rect.getAttribute("height"))];
  return (snapshot) => {
    const { value, quality } = read(snapshot, id);
    const height = full * share(value, page.tags[id].range);
    rect.setAttribute("y", bottom - height);
    rect.setAttribute("height", height);
    rect.dataset.quality = quality;
  };
}

function share(value, [low, high]) {
  return value === null ? 0 : Math.min(1, Math.max(0, (value - low) / (high - low)));
}

function pointer(group) {
  const { tag: id, low, high, setpoint, floor, digits } = group.dataset;
  const tag = page.tags[id];
  const range = [Number(low ?? tag.range[0]), Number(high ?? tag.range[1])];
  const y = (value) => POINTER_PX * (1 - share(value, range));
  const normal = svg("rect", { class: "band", x: 0, width: 12 });
  const target = svg("path", { class: "setpoint", d: "M-2 0-11-5.5V5.5Z" });
  const needle = svg("path", { class: "needle", d: "M7 0 20-6.5V6.5Z" });
  const limits = tag.limits.filter(([, limit]) => limit > range[0] && limit < range[1]);
  const frame = svg("g", { "data-tag": id, transform: `translate(6 ${POINTER_PX + 22})` });
  if (digits) frame.dataset.digits = digits;
  group.append(
    svg("rect", { class: "track", width: 12, height: POINTER_PX }),
    normal,
    ...limits.map(([, limit]) => svg("path", { class: "limit", d: `M-3 ${y(limit)}H15` })),
    ...(setpoint ? [target] : []),
    needle,
    frame,
  );
  const showValue = value(frame);
  return (snapshot, urgent) => {
    const { value, quality } = read(snapshot, id);
    const [from, to] = floor ? [read(snapshot, floor).value ?? range[0], tag.band?.[1] ?? range[1]] : (tag.band ?? range);
    normal.setAttribute("y", y(to));
    normal.setAttribute("height", Math.max(0, y(from) - y(to)));
    needle.setAttribute("transform", `translate(0 ${y(value)})`);
    if (setpoint) target.setAttribute("transform", `translate(0 ${y(read(snapshot, setpoint).value)})`);
    group.dataset.quality = quality;
    showValue(snapshot, urgent);
  };
}

function toggle(group) {
  const { tag: id, kind } = group.dataset;
  const word = group.querySelector(".word");
  return (snapshot) => {
    const { value, quality } = read(snapshot, id);
    const on = value === true || Number(value) > 0;
    group.classList.toggle("is-on", on);
    group.classList.toggle("is-off", !on);
    group.dataset.quality = quality;
    if (word) say(word, value === null ? "?" : t(WORDS[kind][on ? 0 : 1]));
  };
}

function flag(group) {
  const tags = group.dataset.tag.split(" ");
  const mark = svg("use", { width: 18, height: 18, x: -9, y: -9 });
  group.append(mark);
  return (_snapshot, urgent) => {
    const alarms = tags.map((id) => urgent.get(id)).filter(Boolean);
    marked(group, mark, alarms.sort((a, b) => a.priority - b.priority)[0]);
  };
}

function bottles(group) {
  const { tag: id, rate, filler, capper, count } = group.dataset;
  const [length, fillAt, capAt] = ["length", "fill", "cap"].map((name) => Number(group.dataset[name]));
  const spare = [];
  const belt = [];
  let now = null; // what the stations do
  let running = false; // pictures follow each other
  let before = 0;

  function enter(x, full, capped) {
    const one = spare.pop() ?? bottle();
    belt.push({ group: one, x, full, capped });
    group.append(one);
  }

  function advance(pixels) {
    for (const one of belt) {
      if (one.x < fillAt && one.x + pixels >= fillAt && now.fills) one.full = true;
      if (one.x < capAt && one.x + pixels >= capAt && now.caps) one.capped = true;
      one.x += pixels;
    }
    while (belt.length && belt[0].x > length) {
      const gone = belt.shift().group;
      gone.remove();
      spare.push(gone);
    }
    if (now.fills && pixels > 0 && (belt.at(-1)?.x ?? length) >= now.spacing) enter(0, false, false);
    draw();
  }

  function draw() {
    for (const one of belt) {
      one.group.setAttribute("transform", `translate(${one.x.toFixed(1)} 0)`);
      one.group.classList.toggle("full", one.full);
      one.group.classList.toggle("capped", one.capped);
    }
  }

  function frame(time) {
    running = Boolean(now.pixels_s) && !still.matches;
    if (!running) return;
    if (time - before >= FRAME_MS) {
      advance((Math.min(time - before, 4 * FRAME_MS) / 1000) * now.pixels_s);
      before = time;
    }
    requestAnimationFrame(frame);
  }

  return (snapshot) => {
    const on = (tag) => Boolean(read(snapshot, tag).value);
    const number = (tag) => Math.max(0, Number(read(snapshot, tag).value ?? 0));
    const first = now === null;
    const speed = snapshot.paused || root.classList.contains("old") ? 0 : number(id) * PX_PER_M;
    const spacing = Math.max(CLOSEST_PX, Math.min(length, (number(id) * PX_PER_M * 60) / number(rate) || length));
    now = { pixels_s: speed * Math.min(snapshot.speed, FASTEST), spacing, fills: on(filler), caps: on(capper) };
    // A page that opens on a line that has produced finds its belt as production leaves it.
    if (first && on(count)) for (let x = length; x >= 0; x -= spacing) enter(x, x > fillAt, x > capAt);
    if (first) draw();
    if (still.matches) return advance(now.pixels_s);
    if (now.pixels_s && !running) {
      running = true;
      before = performance.now();
      requestAnimationFrame(frame);
    }
  };
}

function bottle() {
  const outline = "M-3.2-40V-33C-3.2-29-8-28-8-22V-1.5Q-8 0-6.5 0H6.5Q8 0 8-1.5V-22C8-28 3.2-29 3.2-33V-40Z";
  return svg(
    "g",
    { class: "bottle" },
    svg("path", { d: outline }),
    svg("path", { class: "juice", d: "M-7-23Q-7-25-5.8-26H5.8Q7-25 7-23V-1H-7Z" }),
    svg("rect", { class: "cap", x: -4.2, y: -43.5, width: 8.4, height: 5 }),
  );
}
