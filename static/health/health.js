// The report is asked for every few seconds. When none comes, the page says since when it is old.

import { relative } from "../base/times.js";

const note = document.getElementById("stale");
let last = new Date();

function fail(event) {
  if (event.target.id !== "report") return;
  const time = note.querySelector("time");
  time.dateTime = last.toISOString();
  time.textContent = relative(last, new Date(), time.dataset.form);
  note.hidden = false;
}

document.addEventListener("htmx:error", fail);
document.addEventListener("htmx:response:error", fail);
document.addEventListener("htmx:after:request", (event) => {
  if (event.target.id !== "report" || event.detail.ctx.response.status >= 400) return;
  last = new Date();
  note.hidden = true;
});
