// What is typed and not applied yet, kept in this browser: a reload or a crash loses nothing.

import { page } from "../words.mjs";

const name = (what) => `draft:${page.sitting}:${what}`;

export function draft(what) {
  return localStorage.getItem(name(what));
}

/** Keep `text`, or forget the draft if it is what is in force. */
export function keep(what, text, inForce) {
  try {
    if (text === inForce) localStorage.removeItem(name(what));
    else localStorage.setItem(name(what), text);
  } catch {
    // A full or forbidden store: the text is still in the editor.
  }
}
