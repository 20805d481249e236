// The connection: a page's one stream, and what every other request meets. hx-sse connects a stream again
// after a break, but not when the very first attempt fails; that is done here. A break that lasts is said on
// the page: the server is not there, only the stream is not, or the person is signed out.

import { look, startCounts } from "./counts.js";

const SAY_AFTER = 3000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const FOR_GOOD = [401, 403, 404];
const STREAM = "[hx-sse\\:connect]";

let wait = FIRST_WAIT;
let open = false;
let broken = false; // the stream
let met = ""; // what the last request met: "server" (no answer), "out" (signed out), or nothing of the kind
let silent = false; // it was no answer at all, not one that the server is in trouble
let looking = null;
let late = false;

/* Whether the stream is there now. */
export function isConnected() {
  return open;
}

/* Says what is wrong once it lasts, and looks again as long as it does. */
function tell() {
  const trouble = met || (broken ? "stream" : "");
  if (!trouble) {
    clearInterval(looking);
    looking = null;
    late = false;
  } else {
    looking ??= setInterval(lookAgain, SAY_AFTER);
  }
  const note = document.getElementById("offline");
  if (!note) return;
  for (const text of note.querySelectorAll("[data-trouble]")) text.hidden = text.dataset.trouble !== trouble;
  note.hidden = !(trouble === "out" || (trouble && late));
}

function lookAgain() {
  late = true;
  tell();
  if (met !== "out") look(); // signed out, the page's usual look is often enough
}

function hear(what) {
  const back = met === "out" && what === "";
  met = what;
  tell();
  if (back) document.querySelectorAll(STREAM).forEach(connectAgain);
}

function sayStream(there) {
  open = there;
  broken = !there;
  if (there) {
    met = "";
    silent = false;
  }
  tell();
}

/* A fresh element in place of the one whose first attempt failed. */
function connectAgain(element) {
  if (!element.isConnected) return;
  const fresh = element.cloneNode(true);
  fresh.removeAttribute("data-htmx-powered");
  element.replaceWith(fresh);
  window.htmx.process(fresh);
}

function onAnswer(event) {
  const { status } = event.detail.ctx.response;
  silent = false;
  if (status === 401) hear("out");
  else if (status < 500) hear("");
  else if (event.target.id === "pending-count") hear("server"); // or only that fragment is broken
}

function onFailure(event) {
  const { ctx } = event.detail;
  if (ctx) silent = !ctx.response;
  if (ctx && silent) hear("server");
  const element = event.target;
  if (!element.hasAttribute?.("hx-sse:connect")) return;
  sayStream(false);
  if (FOR_GOOD.includes(ctx?.response?.status)) return;
  setTimeout(connectAgain, wait, element);
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

/* What is sent now would end on the browser's own page, with what was typed: it stays here, until there is a
   server again. Before all others hear of it: nothing counts as sent. */
function hold(event) {
  if (!silent || met !== "server" || event.target.method !== "post") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  late = true;
  tell();
  const note = document.getElementById("offline");
  note?.scrollIntoView({ block: "nearest" });
  look();
}

export function watchStream() {
  window.addEventListener("submit", hold, true);
  startCounts();
  document.addEventListener("htmx:after:request", onAnswer);
  document.addEventListener("htmx:error", onFailure);
  document.addEventListener("htmx:response:error", onFailure);
  document.addEventListener("htmx:sse:error", (event) => {
    if (event.detail.status === 401) met = "out";
    sayStream(false);
  });
  document.addEventListener("htmx:sse:after:connection", () => {
    wait = FIRST_WAIT;
    sayStream(true);
    // hx-sse pauses in a tab that becomes hidden, not in one that was opened in the background; a browser has
    // six connections for a site. It reads from the next moment on, and only a reader can be told to pause.
    if (document.hidden) setTimeout(() => document.dispatchEvent(new Event("visibilitychange")));
  });
}
