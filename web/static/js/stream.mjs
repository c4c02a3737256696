// The lab's snapshots: one stream a page, closed while the page is hidden, merged from the changes sent.

import { page } from "./words.mjs";

const SILENCE_MS = 6000;
const RETRY_MS = 3000;

/**
 * Follow `url`. `onSnapshot(whole)` comes once a second; `onState(state, detail)` when the link changes:
 * connecting, live, lost, or the state of the lab that the server tells (failed, starting, gone, busy).
 */
export function follow(url, onSnapshot, onState) {
  let source = null;
  let whole = null;
  let told = false; // the server said why there is nothing to see: a broken link says less
  let silence = 0;
  let retry = 0;

  function open() {
    close();
    if (document.hidden) return;
    whole = null;
    source = new EventSource(url);
    source.addEventListener("snapshot", (event) => take(JSON.parse(event.data)));
    source.addEventListener("lost", (event) => {
      const { state, detail } = JSON.parse(event.data);
      whole = null;
      told = true;
      onState(state === "running" ? "lost" : state, detail);
    });
    source.addEventListener("error", refused);
    watch();
  }

  function close() {
    clearTimeout(silence);
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function take(changes) {
    if (whole === null && !("t_s" in changes)) return;
    const tags = { ...whole?.tags, ...changes.tags };
    whole = { ...whole, ...changes, tags };
    told = false;
    onState("live");
    onSnapshot(whole);
    watch();
  }

  function watch() {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  }

  function lost() {
    if (!told) onState("lost");
  }

  // A browser asks again by itself after a break, but not after a refusal.
  async function refused() {
    whole = null;
    if (source?.readyState !== EventSource.CLOSED) return lost();
    close();
    retry = setTimeout(open, RETRY_MS);
    try {
      const answer = await fetch(location.href, { method: "HEAD" });
      if (answer.status !== 401) return lost();
      close();
      onState("session_over");
    } catch {
      onState("unreachable");
    }
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  onState("connecting");
  open();
  return {
    /** Follow another address from now on. */
    change(other) {
      url = other;
      open();
    },
  };
}
