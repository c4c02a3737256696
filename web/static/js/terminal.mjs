// A terminal on the lab's workstation: what it shows comes as server-sent events, what is typed is posted in its order.
// Its stream stays open while the page is hidden: a scan that runs is not to be lost with a look at another tab.

import { byId, say } from "./dom.mjs";
import { send, toast } from "./post.mjs";
import { screen } from "./screen.mjs";
import { page, t } from "./words.mjs";

const place = byId("terminal-screen");
const KEPT = `terminal:${page.lab}`;
const SEEN_BYTES = 16 << 10;
const PASTE_MAX = 64 << 10;
const REFUSED_MS = 500;
const CONTROLS = ["copy", "paste", "close"];

const ATTEMPTS = 4;
const AGAIN_MS = 1500;

let shown = null; // the screen
let id = null; // of the terminal that is open, null once it is over
let source = null;
let outbox = { typed: "", size: null, closes: false };
let seen = 0;
let told = 0; // bytes that the server knows were seen
let sending = false;
let coming = null; // what opens one, or finds it again

/** One at a time: a second click, or the panel shown again meanwhile, waits for the same. */
function alone(work) {
  coming ??= work().finally(() => (coming = null));
  return coming;
}

async function open() {
  const busy = byId("terminal-open");
  busy.disabled = true;
  say(byId("terminal-state"), t("terminal_opening"));
  try {
    await show();
    const { ok, result, error } = await insist(page.terminal.open, { zone: byId("terminal-zone").value, columns: shown.columns, rows: shown.rows });
    if (!ok) return over(error);
    sessionStorage.setItem(KEPT, JSON.stringify({ id: result.terminal, zone: byId("terminal-zone").value }));
    follow(result.terminal);
    shown.focus();
  } catch {
    over(t("unreachable"));
  } finally {
    busy.disabled = false;
  }
}

// A browser on the machine of the labs cuts its requests when a container starts: its networks have changed. Only for what
// may well arrive twice: nothing that is typed.
async function insist(address, body) {
  for (let attempt = 1; ; attempt++) {
    const answer = await send(address, body);
    if (answer.reached || attempt === ATTEMPTS) return answer;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

async function show() {
  place.hidden = false;
  byId("terminal-tools").hidden = false;
  shown?.remove();
  shown = await screen(page.terminal.library, place, {
    typed,
    sized(columns, rows) {
      outbox.size = [columns, rows];
      flush();
    },
    left: () => byId("terminal-close").focus(),
    copied: copy,
  });
}

function follow(terminal) {
  id = terminal;
  outbox = { typed: "", size: null, closes: false };
  seen = told = 0;
  delete place.dataset.over;
  for (const name of CONTROLS) byId(`terminal-${name}`).disabled = false;
  byId("terminal-open").hidden = true;
  byId("terminal-zone").disabled = true;
  source?.close();
  source = new EventSource(page.terminal.stream.replace("TERMINAL", terminal));
  source.addEventListener("open", () => say(byId("terminal-state"), t("terminal_open", { zone: byId("terminal-zone").selectedOptions[0].textContent })));
  source.addEventListener("out", (event) => write(Uint8Array.from(atob(event.data), (one) => one.charCodeAt(0)), Number(event.lastEventId)));
  source.addEventListener("again", () => {
    seen = told = 0;
    shown.clear();
    outbox.size = [shown.columns, shown.rows];
    flush();
  });
  source.addEventListener("warned", (event) => warned(JSON.parse(event.data).seconds));
  source.addEventListener("gone", () => say(byId("terminal-state"), t("terminal_looking")));
  source.addEventListener("over", (event) => over(reason(JSON.parse(event.data).why), JSON.parse(event.data).why));
  source.addEventListener("lost", () => say(byId("terminal-state"), t("busy")));
  const mine = source;
  source.addEventListener("error", () => {
    // A page that is being left breaks its stream too: that is not the terminal's end.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => mine === source && over(t("terminal_gone")), REFUSED_MS);
    else if (mine === source) say(byId("terminal-state"), t("terminal_lost"));
  });
}

function write(bytes, at) {
  const mine = id;
  shown.write(bytes, () => {
    if (mine !== id) return;
    seen = at;
    if (seen - told >= SEEN_BYTES) flush();
  });
}

function warned(seconds) {
  say(byId("terminal-state"), seconds === null ? t("terminal_still") : t("terminal_warning", { seconds }));
  byId("terminal-state").classList.toggle("warned", seconds !== null);
}

function reason(why) {
  return t(`terminal_${why}`, { minutes: page.terminal.idle_min, seconds: page.terminal.grace_s });
}

function over(words, why = "") {
  source?.close();
  source = null;
  // Taken by another tab, it is still there to be taken back.
  if (why !== "taken") {
    sessionStorage.removeItem(KEPT);
    id = null;
  }
  shown?.end();
  place.dataset.over = why || "over";
  byId("terminal-state").classList.remove("warned");
  say(byId("terminal-state"), words);
  const focused = place.contains(document.activeElement) || CONTROLS.some((name) => byId(`terminal-${name}`) === document.activeElement);
  for (const name of CONTROLS) byId(`terminal-${name}`).disabled = name !== "copy";
  byId("terminal-zone").disabled = false;
  byId("terminal-open").hidden = false;
  if (focused) byId("terminal-open").focus();
}

/** What the screen says after it is over is answered by a new one; what another tab took is taken back. */
function again() {
  return alone(async () => {
    const terminal = id;
    if (!terminal) return open();
    await show();
    follow(terminal);
    shown.focus();
  });
}

function typed(text) {
  if (!id || !source) return;
  if (outbox.typed.length + text.length > PASTE_MAX) return toast(t("terminal_too_long"), { failed: true });
  outbox.typed += text;
  flush();
}

// One request at a time: what is typed meanwhile goes with the next, so that nothing overtakes.
async function flush() {
  if (sending) return;
  sending = true;
  while (id && source && (outbox.typed || outbox.size || outbox.closes || seen - told >= SEEN_BYTES)) {
    const mine = id;
    const piece = [...outbox.typed].slice(0, page.terminal.typed_max).join("");
    const { size, closes } = outbox;
    outbox = { typed: outbox.typed.slice(piece.length), size: null, closes: false };
    told = seen;
    const tell = piece ? send : insist;
    const { ok, error } = await tell(page.terminal.one.replace("TERMINAL", mine), { typed: piece, ...(size && { size }), seen: told, close: closes });
    if (!ok && mine === id) {
      outbox.typed = "";
      if (closes) over(error);
      else toast(t("terminal_unsent", { reason: error }), { failed: true });
    }
  }
  sending = false;
}

async function copy() {
  const text = shown?.selection();
  if (!text) return toast(t("terminal_select"));
  try {
    await navigator.clipboard.writeText(text);
    toast(t("copied"));
  } catch {
    toast(t("terminal_copy_failed"), { failed: true });
  }
}

async function paste() {
  try {
    shown.paste(await navigator.clipboard.readText());
  } catch {
    toast(t("terminal_paste_failed"), { failed: true });
  }
  shown.focus();
}

function close() {
  outbox = { typed: "", size: null, closes: true };
  flush();
}

/** After a reload: the terminal that this tab had. Call it when its place can be seen. */
export async function resume() {
  if (coming || id || shown || !place) return shown?.fit();
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept) return;
  byId("terminal-zone").value = kept.zone;
  byId("terminal-open").disabled = true; // a click meanwhile would be for nothing
  await alone(async () => {
    try {
      await show();
      follow(kept.id);
    } catch {
      say(byId("terminal-state"), t("unreachable"));
    } finally {
      byId("terminal-open").disabled = false;
    }
  });
}

if (place) {
  byId("terminal-open").addEventListener("click", again);
  byId("terminal-copy").addEventListener("click", copy);
  byId("terminal-paste").addEventListener("click", paste);
  byId("terminal-close").addEventListener("click", close);
  addEventListener("pagehide", () => {
    source?.close();
    source = null;
  });
  addEventListener("pageshow", (event) => event.persisted && id && again());
  place.addEventListener("click", () => place.dataset.over && !shown.selection() && again());
  byId("terminal-open").disabled = false; // no click is lost before this module is there
}
