// Questions before what cannot be taken back.

import { byId, html } from "./dom.mjs";
import { digits, number, withUnit } from "./format.mjs";
import { command, toast } from "./post.mjs";
import { page, t } from "./words.mjs";

/** Ask; true if the reader agrees. */
export function confirmed(title, text, yes) {
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = yes;
  return answered(byId("confirm-dialog"), "yes");
}

/** Ask for a new value of a writable tag, whose value is `current`, and send it. */
export async function write(id, current) {
  const tag = page.tags[id];
  byId("write-title").textContent = tag.name;
  byId("write-about").textContent = [id, withUnit(tag, current), range(tag)].filter(Boolean).join(" · ");
  const input = field(tag, current);
  byId("write-field").replaceChildren(input, tag.unit ? ` ${tag.unit}` : "");
  if (!(await answered(byId("write-dialog"), "send"))) return;
  const value = tag.type === "BOOL" ? input.value === "1" : Number(input.value);
  const sent = await command("write", { tag: id, value });
  if (sent !== undefined) toast(t("written", { name: tag.name, value: withUnit(tag, value) }));
}

function range(tag) {
  if (!tag.range || tag.type === "BOOL" || Object.keys(tag.states).length) return "";
  const [low, high] = tag.range;
  const decimals = Number.isInteger(low) && Number.isInteger(high) ? 0 : 1;
  return t("range_is", { low: number(low, decimals), high: number(high, decimals), unit: tag.unit }).trim();
}

function field(tag, current) {
  const choices = tag.type === "BOOL" ? [["1", t("on")], ["0", t("off")]] : Object.entries(tag.states);
  if (choices.length) {
    const now = String(typeof current === "boolean" ? Number(current) : current);
    return html("select", { id: "write-value", "aria-labelledby": "write-title" },
      ...choices.map(([value, name]) => html("option", { value, selected: value === now }, name)));
  }
  const [min, max] = tag.range ?? [null, null];
  const step = tag.type.includes("REAL") ? "any" : "1";
  const value = current === null || current === undefined ? "" : Number(current.toFixed(digits(tag) + 1));
  return html("input", { id: "write-value", type: "number", "aria-labelledby": "write-title", required: true, min, max, step, value });
}

function answered(dialog, wanted) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === wanted), { once: true });
  });
}
