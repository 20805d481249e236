// A run, live. The stream brings `delta` (text), `row` (an event as HTML), `run` (a doorbell: fetch the
// fragments again) and `end`. The server's fragment is the truth as of its data-seq; text after it is kept
// here and put behind the fragment again whenever one arrives.

import { hiddenMarks } from "../base/marks.js";
import { isConnected } from "../base/stream.js";
import { atBottom, keepBottom, startFollowing } from "./follow.js";

const FRAGMENTS = "[data-live]";
const REFRESH_EVERY = 250;
const MOST_ROWS = 500;
const LOOK_EVERY = 10000;
const MOST_PIECES = 5000;
const ARMED_AFTER = 1000;

const panel = document.getElementById("panel");
let deltas = [];
let seen = 0;

/* The element that takes streamed text; none while the run waits for a person. */
function streaming() {
  return document.querySelector("[data-streaming]");
}

function renderedSequence() {
  return Number(streaming()?.closest("[data-seq]").dataset.seq ?? 0);
}

/* Shows one piece of text behind what stands there; a new model call starts afresh. */
function show(delta) {
  const stream = streaming();
  if (!stream) return false;
  if (Number(stream.dataset.call) !== delta.call) {
    stream.replaceChildren();
    stream.dataset.call = delta.call;
  }
  const last = stream.lastChild;
  stream.append(hiddenMarks(delta.text, last?.nodeType === Node.TEXT_NODE ? last.data.slice(-2) : ""));
  if (stream.childNodes.length > MOST_PIECES) leaveOut(stream, stream.childNodes.length - MOST_PIECES);
  return true;
}

/* The beginning of a very long stream goes; the note before it says so. */
function leaveOut(stream, count) {
  for (let left = count; left > 0; left--) stream.firstChild.remove();
  stream.previousElementSibling.hidden = false;
}

function onDelta(event) {
  const delta = JSON.parse(event.detail.data);
  if (delta.seq <= seen) return;
  seen = delta.seq;
  deltas.push(delta);
  const follow = atBottom();
  if (show(delta)) keepBottom(follow);
  else refresh();
}

function onRow(event) {
  const list = document.getElementById("events");
  const number = event.detail.id;
  if (!list || document.getElementById(`e-${number}`)) return;
  list.insertAdjacentHTML("beforeend", event.detail.data);
  while (list.children.length > MOST_ROWS) list.firstElementChild.remove();
  const count = document.getElementById("event-count");
  if (count) count.textContent = Number(number).toLocaleString("en");
}

let waiting = null;
let again = false;

/* At once, and at most every REFRESH_EVERY ms after that. */
function refresh() {
  if (waiting) {
    again = true;
    return;
  }
  for (const element of document.querySelectorAll(FRAGMENTS)) window.htmx.trigger(element, "refresh");
  waiting = setTimeout(() => {
    waiting = null;
    if (!again) return;
    again = false;
    refresh();
  }, REFRESH_EVERY);
}

let follow = false;
document.addEventListener("htmx:before:swap", () => {
  follow = atBottom();
});
document.addEventListener("htmx:before:settle", (event) => {
  if (event.target.id === "transcript") {
    const sequence = renderedSequence();
    deltas = deltas.filter((delta) => delta.seq > sequence);
    deltas.forEach(show);
    seen = Math.max(seen, sequence);
  }
  keepBottom(follow);
});

/* Some of what is wrong is no event: a lost worker says nothing. Times in the sentence go on, too. */
function look() {
  if (panel && isConnected() && !document.hidden) window.htmx.trigger(panel, "refresh");
}

/* Read aloud when the cause is another one, not whenever a time in it is. */
let cause = document.getElementById("diagnosis")?.dataset.cause;
function announce() {
  const sentence = document.getElementById("diagnosis");
  if (!sentence || sentence.dataset.cause === cause) return;
  cause = sentence.dataset.cause;
  document.getElementById("said").textContent = sentence.textContent;
}
document.addEventListener("htmx:after:settle", announce);
const looking = setInterval(look, LOOK_EVERY);

/* Another act in the place of one, or one in another place: a click meant for what stood there a moment ago,
   such as "Cancel", must not do it. */
let acts = places();
let arming = null;
function places() {
  const buttons = [...(panel?.querySelectorAll(".button") ?? [])];
  return buttons.map((button) => `${button.textContent} ${button.offsetTop}`).join();
}
function arm() {
  const now = places();
  if (now === acts) return;
  acts = now;
  panel.classList.add("arming");
  clearTimeout(arming);
  arming = setTimeout(() => panel.classList.remove("arming"), ARMED_AFTER);
}
document.addEventListener("htmx:after:settle", arm);
document.addEventListener("click", (event) => {
  if (event.target.closest(".arming .button")) event.preventDefault(); // by a key
});

let connections = 0;
document.addEventListener("htmx:sse:after:connection", () => {
  // Doorbells are not repeated after a pause: look again.
  if (connections++ > 0) refresh();
});

document.addEventListener("delta", onDelta);
document.addEventListener("row", onRow);
document.addEventListener("run", refresh);
document.addEventListener("end", () => {
  refresh();
  clearInterval(looking);
  document.getElementById("follow")?.setAttribute("hidden", "");
});

seen = renderedSequence();
startFollowing();
