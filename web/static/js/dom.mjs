// Elements made in one expression.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes (`on…` are listeners) and children (elements or text). */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Set the text of `element` if it differs: screen readers and layout then see only real changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A symbol of the page (`priority-1`, `lamp-ok`) with words for those who do not see it. */
export function symbol(name, label) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return svg("svg", { class: name.startsWith("lamp") ? "lamp" : "priority", ...named }, svg("use", { href: `#${name}` }));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
