// Dates in the reader's own zone and words.

import { moment, time } from "../format.mjs";

/** Put every `time[data-unix]` under `root` into words; with `data-brief`, the time alone if it is of today. */
export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-unix]")) {
    const unix_s = Number(element.dataset.unix);
    element.textContent = "brief" in element.dataset && today(unix_s) ? time(unix_s) : moment(unix_s);
    element.title = moment(unix_s);
  }
}

function today(unix_s) {
  return new Date(unix_s * 1000).toDateString() === new Date().toDateString();
}

showTimes();
