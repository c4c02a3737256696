// An action that the server carries out and tells of while it goes on.

/**
 * Follow `url`. `onMessage(message)` for each, then `onEnd(last)` once: `{state: "done", …}`,
 * `{state: "failed", text}`, or null where there is nothing to follow. A link that broke is told from the
 * beginning again, after `onOpen()`.
 */
export function followRun(url, onMessage, onEnd, onOpen = () => {}) {
  const source = new EventSource(url);
  const end = (last) => {
    source.close();
    removeEventListener("pagehide", close);
    onEnd(last);
  };
  const close = () => source.close();
  source.addEventListener("open", onOpen);
  source.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.state === "done" || message.state === "failed") {
      // A device that is told has a state too, and a name.
      if (!message.device) return end(message);
    }
    onMessage(message);
  });
  source.addEventListener("idle", () => end(null));
  source.addEventListener("lost", () => end(null));
  addEventListener("pagehide", close);
}
