// One text editor: CodeMirror where it was built in, a plain text area elsewhere; both keep the same verbs.

import { html } from "../dom.mjs";
import { page } from "../words.mjs";

const CHECK_MS = 500;

/**
 * Edit in `place`. `options`: `yaml`; `changed(text)` at every change; `check(text)` → promise of
 * `{line, text}` or null, asked when the typing rests; `complete(text, position)` → `{from, options}` or null.
 * Returns `{text(), set(text), focus()}`.
 */
export async function editor(place, options) {
  const made = await library();
  return made ? rich(made, place, options) : plain(place, options);
}

async function library() {
  if (!page.editor) return null;
  try {
    return await import(page.editor);
  } catch {
    return null;
  }
}

function rich({ EditorView, EditorState, basicSetup, keymap, indentWithTab, yaml, linter, lintGutter, autocompletion }, place, options) {
  const state = (text) => EditorState.create({
    doc: text,
    extensions: [
      basicSetup,
      ...(options.yaml ? [yaml()] : []),
      keymap.of([indentWithTab]),
      lintGutter(),
      linter((view) => problems(view.state, options), { delay: CHECK_MS }),
      autocompletion({ override: [(context) => options.complete?.(context.state.doc.toString(), context.pos, context.explicit) ?? null] }),
      EditorView.cspNonce.of(document.querySelector("script[nonce]").nonce),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": place.dataset.label, spellcheck: "false" }),
      EditorView.updateListener.of((update) => update.docChanged && options.changed(update.state.doc.toString())),
    ],
  });
  const view = new EditorView({ state: state(""), parent: place });
  return {
    text: () => view.state.doc.toString(),
    set: (text) => view.setState(state(text)),
    focus: () => view.focus(),
  };
}

async function problems(state, options) {
  const found = await options.check(state.doc.toString());
  if (!found?.line) return []; // what is about no line is said below, and marks none
  const line = state.doc.line(Math.min(Math.max(found.line, 1), state.doc.lines));
  return [{ from: line.from, to: Math.max(line.to, line.from), severity: "error", message: found.text }];
}

function plain(place, options) {
  const area = html("textarea", { rows: 18, spellcheck: "false", autocapitalize: "none", "aria-label": place.dataset.label });
  let resting = 0;
  area.addEventListener("input", () => {
    options.changed(area.value);
    clearTimeout(resting);
    resting = setTimeout(() => options.check(area.value), CHECK_MS);
  });
  place.replaceChildren(area);
  return {
    text: () => area.value,
    set: (text) => (area.value = text),
    focus: () => area.focus(),
  };
}
