// What of a card was on the screen. Approve is for who had all of it there at some time: the parts of
// `data-what`, each with the vertical stretches of it that were in view.

const NEAR = 2; // pixels that may be missing at an edge
const HELD = 700; // ms after a refusal: a key that is held, or a second click, does not approve either
const DONE = "All of it was on your screen.";
const NOT_YET = "Not approved: this part of what will run was not on your screen yet.";
const OVERLAYS = ".bar, .nav, .toast, .follow";

const cards = new Map(); // approval → { parts, refused }
const sizes = new ResizeObserver(soon);
let changed = () => {};
let asked = 0;

/* The smallest blocks: a line of a comparison, or what has text of its own. */
function blocks(element) {
  const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (own || !element.children.length || element.matches(".line")) return [element];
  return [...element.children].flatMap(blocks);
}

/* After a refresh: what has the same text in the same place was seen. */
function read(what) {
  const before = cards.get(what.dataset.what);
  const parts = blocks(what).map((element, index) => {
    const text = element.textContent;
    const same = before?.parts[index];
    const fresh = { text, seen: [], letters: [], whole: false };
    return Object.assign(same?.text === text ? same : fresh, { element });
  });
  cards.set(what.dataset.what, { what, parts, refused: before?.refused ?? -HELD });
}

function readAll() {
  document.querySelectorAll("[data-what]").forEach((what) => {
    read(what);
    sizes.observe(what);
  });
  for (const [id, card] of cards) if (!card.what.isConnected) cards.delete(id);
}

/* Where one can look at an element: in the window, in every box that cuts it off, and below nothing. */
function opening(element, rect) {
  const { offsetTop, height } = window.visualViewport; // less than the window when zoomed by hand
  let [top, bottom] = [offsetTop, offsetTop + height];
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
    if (getComputedStyle(box).overflowY === "visible") continue;
    const edge = box.getBoundingClientRect();
    [top, bottom] = [Math.max(top, edge.top + box.clientTop), Math.min(bottom, edge.bottom - box.clientTop)];
  }
  for (const over of document.querySelectorAll(OVERLAYS)) {
    const edge = over.getBoundingClientRect();
    const fixed = ["fixed", "sticky"].includes(getComputedStyle(over.closest(".toasts") ?? over).position);
    if (!fixed || !edge.height || edge.right <= rect.left || edge.left >= rect.right) continue;
    if (edge.top <= 0) top = Math.max(top, edge.bottom);
    else bottom = Math.min(bottom, edge.top);
  }
  return [top, bottom];
}

function add(seen, from, to) {
  const kept = seen.filter(([start, end]) => {
    if (end < from - NEAR || start > to + NEAR) return true;
    [from, to] = [Math.min(from, start), Math.max(to, end)];
    return false;
  });
  return [...kept, [from, to]].sort(([one], [other]) => one - other);
}

function isFolded(element) {
  return element.closest("details:not([open])") !== null;
}

/* How many letters of the element stand before a point in the window. */
function lettersBefore(element, x, y) {
  const found = document.caretPositionFromPoint?.(x, y);
  if (!found || !element.contains(found.offsetNode)) return NaN;
  const range = document.createRange();
  range.setStart(element, 0);
  range.setEnd(found.offsetNode, found.offset);
  return range.toString().length;
}

/* Which letters were in view, in whole lines: in a window of another width they lie elsewhere. */
function remember(part, rect, top, bottom, fromStart) {
  const at = (y) => [rect.left + 1, rect.right - 1].map((x) => lettersBefore(part.element, x, y));
  const first = fromStart ? 0 : Math.max(...at(top + 1));
  const last = Math.min(...at(bottom - 1));
  if (last > first) part.letters = add(part.letters, first, last);
}

/* Where these letters stand now, in pixels from the element's top. */
function placesOf(element, [first, last], zero) {
  return [first && topOf(element, first) - zero, topOf(element, last) - zero];
}

function topOf(element, letters) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = letters;
  for (let node = texts.nextNode(); node; left -= node.length, node = texts.nextNode()) {
    if (left >= node.length) continue;
    const range = document.createRange();
    range.setStart(node, left);
    range.setEnd(node, left + 1);
    return range.getBoundingClientRect().top;
  }
  return element.getBoundingClientRect().bottom;
}

function look(part) {
  const { element } = part;
  if (part.whole) return;
  // What is shown to nobody, such as a hidden field of a form, is not waited for; what is folded is.
  part.absent = element.checkVisibility?.() === false && !isFolded(element);
  if (part.absent || isFolded(element)) return;
  const rect = element.getBoundingClientRect();
  const scrolls = getComputedStyle(element).overflowY !== "visible";
  const height = scrolls ? element.scrollHeight : rect.height;
  const size = `${Math.round(rect.width)} ${Math.round(height)}`;
  const start = scrolls ? rect.top + element.clientTop : rect.top;
  const zero = start - (scrolls ? element.scrollTop : 0);
  if (part.size && part.size !== size) part.seen = part.letters.map((pair) => placesOf(element, pair, zero));
  part.size = size;
  if (rect.bottom < 0 || rect.top > window.innerHeight) return;
  const end = scrolls ? start + element.clientHeight : rect.bottom;
  const [above, below] = opening(element, rect);
  const [top, bottom] = [Math.max(above, start), Math.min(below, end)];
  if (bottom < top) return;
  part.seen = add(part.seen, top - zero, bottom - zero);
  part.whole = part.seen.some(([from, to]) => from <= NEAR && to >= height - NEAR);
  if (!part.whole) remember(part, rect, top, bottom, top - zero <= NEAR);
}

/* Where the first stretch begins that was not on the screen, in pixels from the part's top. */
function gap(part) {
  const [first] = part.seen;
  return first && first[0] <= NEAR ? first[1] : 0;
}

function decideOf(what) {
  return what.closest("[id^='c-']")?.querySelector(".decide:has(form[data-act='approve'])");
}

function cardOf(decide) {
  const what = decide.closest("[id^='c-']")?.querySelector("[data-what]");
  return what && cards.get(what.dataset.what);
}

function firstUnseen(card) {
  return card?.parts.find((part) => !part.whole && !part.absent);
}

/* What has to be done before this may be approved; nothing once all was on the screen. */
export function restOf(decide) {
  const part = firstUnseen(cardOf(decide));
  if (!part) return "";
  const from = part.element.getBoundingClientRect().top + gap(part);
  return `Scroll through all of it first: the rest is ${from < window.innerHeight / 2 ? "above" : "below"}.`;
}

function say(decide, sentence) {
  const line = decide.querySelector("[data-said]");
  line.textContent = "";
  setTimeout(() => (line.textContent = sentence), 50); // the same words once more are news, too
}

/* The line below the buttons keeps its place once it is there: nothing moves when the button comes alive. */
function tell(decide) {
  const rest = restOf(decide);
  const field = decide.querySelector("input[name='all']");
  const line = decide.querySelector("[data-rest]");
  if (!rest && field.value !== "yes" && !line.hidden) say(decide, DONE);
  field.value = rest ? "" : "yes";
  const words = rest || DONE;
  if (rest) line.hidden = false;
  if (!line.hidden && line.textContent !== words) line.textContent = words;
  changed(decide);
}

function measure() {
  asked = 0;
  if (document.hidden) return;
  for (const { what, parts } of cards.values()) {
    parts.forEach(look);
    const decide = decideOf(what);
    if (decide) tell(decide);
  }
}

function soon() {
  asked ||= requestAnimationFrame(measure);
}

/* Goes to what was not on the screen yet, in place of approving. True: it did, or just before. */
export function showRest(decide, time) {
  const card = cardOf(decide);
  const part = firstUnseen(card);
  if (!card || (!part && time - card.refused > HELD)) return false;
  card.refused = time;
  if (!part) return true;
  const { element } = part;
  const fold = element.closest("details:not([open])");
  if (fold) fold.open = true;
  const from = gap(part);
  element.scrollIntoView({ block: "start", behavior: "instant" });
  if (element.scrollHeight > element.clientHeight && getComputedStyle(element).overflowY !== "visible") {
    element.scrollTop = from;
  } else {
    boxOf(element).scrollBy({ top: from, behavior: "instant" });
  }
  say(decide, NOT_YET);
  return true;
}

/* What has to be scrolled to move the element. */
function boxOf(element) {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
    const scrolls = /auto|scroll/.test(getComputedStyle(box).overflowY);
    if (scrolls && box.scrollHeight > box.clientHeight) return box;
  }
  return window;
}

/* `callback` is told of every card's forms, now and whenever something of it may have come into view. */
export function watchSeen(callback) {
  changed = callback;
  document.addEventListener("scroll", soon, { passive: true, capture: true });
  for (const name of ["resize", "pageshow"]) window.addEventListener(name, soon);
  for (const name of ["resize", "scroll"]) window.visualViewport.addEventListener(name, soon);
  document.addEventListener("visibilitychange", soon);
  document.addEventListener("toggle", soon, true);
  document.addEventListener("htmx:after:settle", () => {
    readAll();
    soon(); // not at once: others put something into the blocks, too, such as the buttons to copy them
  });
  const everything = { attributes: true, childList: true, subtree: true };
  const toasts = document.querySelector(".toasts");
  if (toasts) new MutationObserver(soon).observe(toasts, everything);
  readAll();
  measure();
}
