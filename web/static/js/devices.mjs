// Devices' health: a shape and a word each.

import { say } from "./dom.mjs";
import { t, words } from "./words.mjs";

const rows = new Map([...document.querySelectorAll("[data-device]")].map((row) => [row.dataset.device, row]));

export function showDevices(snapshot) {
  for (const device of snapshot.devices) {
    const row = rows.get(device.id);
    if (!row) continue;
    const { state, detail } = device.health;
    const shape = row.querySelector("use");
    if (shape.getAttribute("href") !== `#lamp-${state}`) shape.setAttribute("href", `#lamp-${state}`);
    row.dataset.health = state;
    say(row.querySelector(".word"), t(`health_${state}`));
    say(row.querySelector(".detail"), words(detail));
    say(row.querySelector(".restarts"), device.restarts ? t("restarts", { number: device.restarts }) : "");
  }
}
