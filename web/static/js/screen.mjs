// The screen of a terminal: xterm.js with the pages' colours, keys that do not belong to the shell, and a size that follows its place.

import { html } from "./dom.mjs";
import { t } from "./words.mjs";

const SCROLLBACK = 2000;
const REST_MS = 150;
const THEME = {
  background: "#fbfbfb", foreground: "#1b2126", cursor: "#12344f", cursorAccent: "#fbfbfb", selectionBackground: "#b9cfe0",
  black: "#1b2126", red: "#a0152a", green: "#2b6338", yellow: "#6b5900", blue: "#17456b", magenta: "#6b3f96", cyan: "#0e5f6c", white: "#59626a",
  brightBlack: "#59626a", brightRed: "#c4122f", brightGreen: "#2f6b3c", brightYellow: "#8a5a00", brightBlue: "#0b5cad", brightMagenta: "#7b4aa8",
  brightCyan: "#0f6674", brightWhite: "#3f484f",
};

/**
 * A screen in `place`. `on`: `typed(text)`, `sized(columns, rows)`, `left()` (the keys that leave it), `copied()`.
 * Returns `{columns, rows, write(bytes, done), clear(), selection(), paste(text), focus(), fit(), end()}`.
 */
export async function screen(library, place, on) {
  const { Terminal, FitAddon } = await import(library);
  Terminal.strings.promptLabel = place.dataset.label;
  Terminal.strings.tooMuchOutput = t("terminal_too_much");
  const term = new Terminal({
    screenReaderMode: true, minimumContrastRatio: 4.5, scrollback: SCROLLBACK, theme: THEME,
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Consolas, monospace', fontSize: 14,
    // What a program shows must not lead elsewhere.
    linkHandler: { activate() {} },
  });
  const fitter = new FitAddon();
  term.loadAddon(fitter);
  const inner = html("div", { class: "terminal-inner" });
  place.replaceChildren(inner);
  term.open(inner);
  term.textarea.setAttribute("aria-describedby", "terminal-help");
  const fit = () => place.clientWidth > 0 && fitter.fit();
  fit();
  term.attachCustomKeyEventHandler((event) => key(event, on));
  term.onData(on.typed);
  term.onResize(({ cols, rows }) => on.sized(cols, rows));
  let resting = 0;
  const watcher = new ResizeObserver(() => {
    clearTimeout(resting);
    resting = setTimeout(fit, REST_MS);
  });
  watcher.observe(place);
  return {
    get columns() { return term.cols; },
    get rows() { return term.rows; },
    write: (bytes, done) => term.write(bytes, done),
    clear: () => term.reset(),
    selection: () => term.getSelection(),
    paste: (text) => term.paste(text),
    focus: () => term.focus(),
    fit,
    end() {
      watcher.disconnect();
      clearTimeout(resting);
      term.options.disableStdin = true;
      term.options.cursorInactiveStyle = "none";
      term.blur();
    },
    remove() {
      watcher.disconnect();
      term.dispose();
    },
  };
}

// True for what is the shell's.
function key(event, on) {
  if (!event.ctrlKey || !event.shiftKey) return true;
  const pressed = event.type === "keydown";
  switch (event.key.toLowerCase()) {
    case "enter":
      event.preventDefault();
      if (pressed) on.left();
      return false;
    case "c":
      event.preventDefault();
      if (pressed) on.copied();
      return false;
    case "v": // the browser pastes
      return false;
    default:
      return true;
  }
}
