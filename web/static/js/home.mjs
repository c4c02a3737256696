// The first page: the state of the lines is asked for again while they run and the page is seen.

import { byId } from "./dom.mjs";
import { time } from "./format.mjs";

const EVERY_MS = 2500;
const place = byId("lines");

async function refresh() {
  if (document.hidden) return;
  let fresh = null;
  try {
    const answer = await fetch(place.dataset.url, { headers: { Accept: "text/html" } });
    if (answer.status === 401) return location.reload(); // the session is over: the page says what to do
    if (answer.ok) fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  } catch {
    // Said below; the next one may do better.
  }
  byId("lines-lost").hidden = fresh !== null;
  if (fresh) put(fresh);
}

function put(fresh) {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  place.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  if (focused) byId(focused)?.focus();
  times();
}

function times() {
  for (const one of place.querySelectorAll("time[data-unix]")) one.textContent = time(Number(one.dataset.unix));
}

times();
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
