// The page's one stream: hx-sse connects it again after a break, but not when the very first attempt fails;
// that is done here. A break that lasts is said on the page.

const SAY_AFTER = 3000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const FOR_GOOD = [401, 403, 404];

let wait = FIRST_WAIT;
let saying = null;
let open = false;

/* Whether the stream is there now. */
export function isConnected() {
  return open;
}

function say(broken) {
  open = !broken;
  const note = document.getElementById("offline");
  if (!note) return;
  if (!broken) {
    clearTimeout(saying);
    saying = null;
    note.hidden = true;
  } else {
    saying ??= setTimeout(() => (note.hidden = false), SAY_AFTER);
  }
}

/* A fresh element in place of the one whose first attempt failed. */
function connectAgain(element) {
  if (!element.isConnected) return;
  const fresh = element.cloneNode(true);
  fresh.removeAttribute("data-htmx-powered");
  element.replaceWith(fresh);
  window.htmx.process(fresh);
}

function onFailure(event) {
  const element = event.target;
  if (!element.hasAttribute?.("hx-sse:connect")) return;
  say(true);
  if (FOR_GOOD.includes(event.detail.ctx?.response?.status)) return;
  setTimeout(connectAgain, wait, element);
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

export function watchStream() {
  document.addEventListener("htmx:error", onFailure);
  document.addEventListener("htmx:response:error", onFailure);
  document.addEventListener("htmx:sse:error", () => say(true));
  document.addEventListener("htmx:sse:after:connection", () => {
    wait = FIRST_WAIT;
    say(false);
    // hx-sse pauses in a tab that becomes hidden, not in one that was opened in the background; a browser has
    // six connections for a site. It reads from the next moment on, and only a reader can be told to pause.
    if (document.hidden) setTimeout(() => document.dispatchEvent(new Event("visibilitychange")));
  });
}
