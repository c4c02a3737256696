// One strip chart: uPlot where it was built in, a plain SVG line elsewhere; both keep the same four verbs.

import { svg } from "./dom.mjs";
import { mark } from "./format.mjs";
import { page } from "./words.mjs";

const HEIGHT = 112;
let library = null;

async function uplot() {
  if (!page.vendor) return null;
  try {
    return (await import(page.vendor)).default;
  } catch {
    return null;
  }
}

/**
 * Draw in `place`. `options`: `range` [low, high] or null, `band` [low, high] or null, `format(value, step)` of an axis'
 * mark (`step` from one to the next, where it is known), `scale(low, high)` of the values → [bottom, top] or absent, `point(index)` told when the pointer is over a sample (null: none).
 * Returns `{update(times_s, values, from_s, to_s), destroy()}`.
 */
export async function chart(place, options) {
  library ??= uplot();
  const made = await library;
  return made ? strip(made, place, options) : line(place, options);
}

function strip(UPlot, place, { band, format, point, span, scale = around }) {
  let shaded = band;
  const ink = "#1c3d5a";
  const axis = { stroke: "#3d454b", font: "12px system-ui, sans-serif", grid: { stroke: "#c3c8cb", width: 1 }, ticks: { show: false } };
  let extent = [0, 1];
  const plot = new UPlot(
    {
      width: Math.max(120, place.clientWidth),
      height: HEIGHT,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, sync: { key: "trends" }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: () => extent }, y: { range: (_plot, low, high) => scale(low, high, span) } },
      axes: [
        { ...axis, size: 24, space: 80, values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => mark(tick, step)) },
        { ...axis, size: 56, space: 26, values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => format(tick, step)) },
      ],
      series: [{}, { stroke: ink, width: 1.6, points: { show: false }, spanGaps: false }],
      hooks: {
        drawClear: [(drawn) => shade(drawn, shaded)],
        setCursor: [(drawn) => point(drawn.cursor.idx ?? null)],
      },
    },
    [[], []],
    place,
  );
  const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(120, place.clientWidth), height: HEIGHT }));
  resized.observe(place);
  return {
    update(times, values, from, to) {
      extent = [from, to];
      plot.setData([times, values]);
    },
    /** Another band, from the next update on. */
    shade(other) {
      shaded = other;
    },
    destroy() {
      resized.disconnect();
      plot.destroy();
    },
  };
}

// A steady value stays a calm line: never less than a twentieth of the tag's span from bottom to top.
function around(low, high, span) {
  if (low === null || high === null) return [0, 1];
  const least = (span ?? Math.max(Math.abs(high), 1)) / 20;
  const margin = Math.max((high - low) * 0.1, (least - (high - low)) / 2);
  return [low - margin, high + margin];
}

function shade(plot, band) {
  if (!band) return;
  const { left, top, width, height } = plot.bbox;
  const y = (value) => Math.min(top + height, Math.max(top, plot.valToPos(value, "y", true)));
  plot.ctx.fillStyle = "#dfe6ec";
  plot.ctx.fillRect(left, y(band[1]), width, y(band[0]) - y(band[1]));
}

function line(place, { format, span, scale: reach = around }) {
  const path = svg("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  const box = svg("svg", { viewBox: "0 0 600 100", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
  const low = document.createElement("span");
  const high = document.createElement("span");
  const scale = document.createElement("div");
  scale.className = "scale";
  scale.append(high, low);
  place.classList.add("sparkline");
  place.replaceChildren(scale, box);
  return {
    update(times, values, from, to) {
      const known = values.filter((value) => value !== null);
      if (!known.length) return path.removeAttribute("d");
      const [bottom, top] = reach(Math.min(...known), Math.max(...known), span);
      const at = (i) => `${(((times[i] - from) / (to - from)) * 600).toFixed(1)} ${(100 - ((values[i] - bottom) / (top - bottom)) * 100).toFixed(1)}`;
      let drawn = "";
      let pen = "M";
      for (let i = 0; i < times.length; i++) {
        if (values[i] === null) pen = "M";
        else {
          drawn += `${pen}${at(i)}`;
          pen = "L";
        }
      }
      path.setAttribute("d", drawn);
      low.textContent = format(bottom);
      high.textContent = format(top);
    },
    destroy() {
      place.replaceChildren();
    },
  };
}
