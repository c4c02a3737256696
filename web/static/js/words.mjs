// The page's data and words, which the server wrote in the reader's language.

export const page = JSON.parse(document.getElementById("page-data").textContent);

/** The words under `key`, with `{name}` replaced by `values.name`. */
export function t(key, values = {}) {
  return (page.words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The reader's words of a `{fr, en}` text. */
export function words(text) {
  return text ? (text[page.language] ?? text.fr) : "";
}
