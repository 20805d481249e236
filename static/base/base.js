// What every page does: relative times, open folds that stay open, toasts that leave, one menu.

import { watchStream } from "./stream.js";
import { startTimes } from "./times.js";

/* A morph copies the server's attributes. Whether a fold is open is the reader's business, not the server's. */
window.htmx?.registerExtension("harness", {
  htmx_before_morph_attr: (element, detail) =>
    !(detail.attrName === "open" && element instanceof HTMLDetailsElement),
});

startTimes();
watchStream();

/* What went wrong stays, until it is put away: it may cover what it speaks of. */
for (const toast of document.querySelectorAll(".toast.bad")) {
  const close = document.createElement("button");
  close.className = "close";
  close.textContent = "×";
  close.setAttribute("aria-label", "Put this message away");
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
}

/* Messages leave by themselves, but not while they are read. */
for (const toast of document.querySelectorAll(".toast.good")) {
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
  setTimeout(leave, 7000);
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/* A form is sent once: the second click of a double click is no second decision, no second run. A server that
   takes its time is waited for in the open. */
const AGAIN_AFTER = 5000;
const SAY_SENDING_AFTER = 300;
let sent = new WeakMap();
let busy = [];

function say(button) {
  button.setAttribute("aria-busy", "true");
  const words = button.lastChild;
  if (words?.nodeType !== Node.TEXT_NODE) return;
  const said = words.data;
  const timer = setTimeout(() => (words.data = "Sending …"), SAY_SENDING_AFTER);
  busy.push(() => {
    clearTimeout(timer);
    words.data = said;
    button.removeAttribute("aria-busy");
  });
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (event.timeStamp - (sent.get(event.target) ?? -AGAIN_AFTER) < AGAIN_AFTER) {
    event.preventDefault();
    return;
  }
  const button = event.submitter ?? event.target.querySelector("button:not([type='button'])");
  if (button?.matches(".button:not([aria-busy])")) say(button);
  sent.set(event.target, event.timeStamp);
});

/* Gone back to, a form is a new one: what it sends is meant once more. */
window.addEventListener("pageshow", (event) => {
  sent = new WeakMap();
  busy.forEach((stop) => stop());
  busy = [];
  const [came] = performance.getEntriesByType("navigation");
  if (!event.persisted && came?.type !== "back_forward") return;
  for (const key of document.querySelectorAll("[data-key]")) key.value = `${key.defaultValue}.${Date.now()}`;
});

/* Chips that put an example into a field. */
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-fill]");
  const field = chip && document.getElementById(chip.dataset.fill);
  if (!field) return;
  event.preventDefault();
  field.value = chip.textContent.trim();
  field.focus();
});

/* Ctrl+Enter (Cmd+Enter) sends the form of a field that says so, as its button would. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("[data-send]")) {
    event.preventDefault();
    event.target.form.requestSubmit(event.target.form.querySelector("button:not([type='button'])"));
  }
});
