// Lists that follow the doorbell. A row never moves under the cursor or the focus, and
// what is ticked stays: then a note waits instead.

const EVERY = 1000;

let waiting = null;
let again = false;

function busy(element) {
  if (element.querySelector("input:checked")) return true;
  return element.matches(":hover") || element.contains(document.activeElement);
}

function refresh() {
  for (const element of document.querySelectorAll("[data-list]")) {
    const note = document.getElementById(element.dataset.list);
    if (note && busy(element)) {
      note.hidden = false;
    } else {
      if (note) note.hidden = true;
      window.htmx.trigger(element, "refresh");
    }
  }
}

/* At once, and at most every second after that. */
function onDoorbell() {
  if (waiting) {
    again = true;
    return;
  }
  refresh();
  waiting = setTimeout(() => {
    waiting = null;
    if (!again) return;
    again = false;
    onDoorbell();
  }, EVERY);
}

let connections = 0;
document.addEventListener("htmx:sse:after:connection", () => {
  if (connections++ > 0) onDoorbell();
});
document.addEventListener("inbox", onDoorbell);
document.addEventListener("click", (event) => {
  const note = event.target.closest?.("[data-show-new]");
  if (!note) return;
  event.preventDefault();
  note.hidden = true;
  const element = document.querySelector(`[data-list="${note.id}"]`);
  if (element) window.htmx.trigger(element, "refresh");
});
