// Speed, pause, reset, capture, and the simulated clock.

import { showClock } from "./clock.mjs";
import { byId, say } from "./dom.mjs";
import { confirmed } from "./dialogs.mjs";
import { command, toast } from "./post.mjs";
import { page, t } from "./words.mjs";

const speed = byId("speed");
let paused = false;
let capturing = false;
let asking = false;

export function showControls(snapshot) {
  paused = snapshot.paused;
  showClock(snapshot);
  if (!speed) return; // time is the instructor's
  say(byId("pause"), paused ? t("resume") : t("pause"));
  if (document.activeElement !== speed) showSpeed(String(snapshot.speed));
}

function showSpeed(value) {
  const known = [...speed.options].some((option) => option.value === value);
  if (!known) speed.append(new Option(`×${value}`, value));
  speed.value = value;
}

async function capture() {
  if (asking) return; // a second press before the first is answered
  asking = true;
  if (!capturing) {
    capturing = (await command("capture_start")) !== undefined;
  } else {
    const result = await command("capture_stop");
    capturing = false;
    if (result) download(result.pcap_base64);
  }
  asking = false;
  say(byId("capture"), capturing ? t("capture_stop") : t("capture_start"));
  if (capturing) toast(t("capture_running"));
}

function download(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/vnd.tcpdump.pcap" }));
  link.download = `${page.lab}.pcap`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

byId("capture").addEventListener("click", capture);
speed?.addEventListener("change", () => command("speed", { speed: Number(speed.value) }));
byId("pause")?.addEventListener("click", () => command(paused ? "resume" : "pause"));
byId("reset")?.addEventListener("click", async () => {
  if (!(await confirmed(t("reset_title"), t("reset_text"), t("reset")))) return;
  if ((await command("reset")) !== undefined) toast(t("done"));
});
