// The forms of a card together: what is typed in one is not lost by sending another, nor by somebody else's
// decision; and what was meant for the card before this one does not decide about this one.

import { restOf, showRest, watchSeen } from "./seen.js";

const SENTENCES = {
  edit: "You changed the arguments: approve the edit, or discard the change.",
  reject: "You wrote why not: reject, or discard the reason.",
  respond: "You wrote an answer: send it, or discard it.",
};
const FIELDS = "textarea, select, input.input";

function isChanged(field) {
  if (!(field instanceof HTMLSelectElement)) {
    return field.value !== field.defaultValue.replaceAll(/\r\n?/g, "\n");
  }
  const options = [...field.options];
  return field.value !== (options.find((option) => option.defaultSelected) ?? options[0])?.value;
}

function changes(form) {
  return [...form.querySelectorAll(FIELDS)].filter(isChanged);
}

/* `data-typed`: the server gave back what was typed, as the fields' defaults; there is the card without it. */
function isTyped(form) {
  return "typed" in form.dataset || changes(form).length > 0;
}

/* The other forms of the card that hold something. */
function inTheWay(form) {
  return [...form.closest(".decide").querySelectorAll("form")].filter((one) => one !== form && isTyped(one));
}

function look(decide) {
  for (const form of decide.querySelectorAll("form")) {
    const [first] = inTheWay(form);
    const button = form.querySelector("button[name='decision']");
    if (!button) continue; // says what happened, decides nothing
    const words = first ? SENTENCES[first.dataset.act] : form.dataset.act === "approve" ? restOf(decide) : "";
    if (button.title === words && button.hasAttribute("aria-disabled")) continue;
    button.setAttribute("aria-disabled", String(Boolean(words)));
    button.title = words;
  }
  const hint = decide.querySelector("[data-unchanged]");
  if (hint) hint.hidden = isTyped(hint.closest("form"));
  const note = decide.querySelector(".decide-typed");
  if (note && ![...decide.querySelectorAll("form")].some(isTyped)) note.remove();
}

function discard(form) {
  if (form.dataset.typed) {
    location.assign(form.dataset.typed);
    return;
  }
  const decide = form.closest(".decide");
  form.reset();
  decide.querySelector(".decide-typed")?.remove();
  remember(decide);
  decide.querySelector("button[name='decision']").focus();
}

function refuse(decide, forms) {
  decide.querySelector(".decide-typed")?.remove();
  const note = document.createElement("div");
  note.className = "note care decide-typed";
  note.setAttribute("role", "alert");
  for (const form of forms) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = "Discard";
    button.addEventListener("click", () => discard(form));
    note.append(SENTENCES[form.dataset.act], button);
    const fold = form.closest("details");
    if (fold) fold.open = true;
  }
  decide.querySelector(".decide-main").after(note);
}

/* Before the browser asks for a tick: that may stand where nobody has looked yet. */
document.addEventListener(
  "click",
  (event) => {
    const form = event.target.closest?.("button[name='decision']")?.form;
    if (form?.dataset.act !== "approve" || inTheWay(form).length) return;
    if (showRest(form.closest(".decide"), event.timeStamp)) event.preventDefault();
  },
  true,
);

/* In the capture: before the form counts as sent. */
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const decide = form.closest(".decide");
    if (!decide) return;
    const forms = inTheWay(form);
    // Enter in a field of what cannot be undone: the button for it does nothing.
    if (event.submitter?.formMethod === "dialog") {
      event.preventDefault();
      return;
    }
    // Not armed yet (the style sheet says how long): a key is no more meant for this card than a click.
    const button = form.querySelector("button[name='decision']");
    if (decide.matches(".arrived") && getComputedStyle(button).pointerEvents === "none") {
      event.preventDefault();
    } else if (forms.length) {
      event.preventDefault();
      refuse(decide, forms);
    } else if (form.dataset.act === "approve" && showRest(decide, event.timeStamp)) {
      event.preventDefault();
    } else {
      drafts.delete(decide.id);
    }
  },
  true,
);

/* What is being typed, by the id of the forms' element: that goes when somebody else decides, the text stays. */
const drafts = new Map();
let focused = "";

function textOf(form) {
  const edits = form.dataset.act === "edit";
  return changes(form)
    .map((field) => (edits ? `${field.name.replace("arg.", "")}: ${field.value}` : field.value))
    .join("\n");
}

function remember(decide) {
  look(decide);
  const text = [...decide.querySelectorAll("form")].map(textOf).filter(Boolean).join("\n\n");
  if (text) drafts.set(decide.id, { call: decide.closest("[id^='c-']").id, text });
  else drafts.delete(decide.id);
}

function keep(id, draft) {
  const card = document.getElementById(draft.call);
  const noteId = `kept-${draft.call}`;
  if (!card || document.getElementById(noteId)) return;
  const note = document.createElement("div");
  note.id = noteId;
  note.className = "note care kept";
  note.tabIndex = -1;
  if (!draft.said) note.setAttribute("role", "alert");
  draft.said = true;
  const decided = card.querySelector(".decided")?.cloneNode(true);
  const words = document.createElement("p");
  words.textContent = "This was settled meanwhile. What you typed was not sent:";
  const text = document.createElement("div");
  text.className = "block";
  text.textContent = draft.text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small";
  button.textContent = "Put it away";
  button.addEventListener("click", () => {
    drafts.delete(id);
    note.remove();
  });
  note.append(...[decided, words, text, button].filter(Boolean));
  card.after(note);
  if (focused === id && document.activeElement === document.body) note.focus();
}

/* A refresh takes the note away as well, since the server does not know it: it is put back each time. */
function keepDrafts() {
  for (const [id, draft] of drafts) if (!document.getElementById(id)) keep(id, draft);
}

document.addEventListener("input", (event) => {
  const decide = event.target.closest(".decide");
  if (decide) remember(decide);
});
document.addEventListener("focusin", (event) => {
  focused = event.target.closest(".decide")?.id ?? "";
});
document.addEventListener("htmx:before:settle", keepDrafts);
document.addEventListener("htmx:after:settle", keepDrafts);

/* After a decision on a run's page: on to the next card there, or back to the one that was decided. */
function goOn() {
  const before = location.hash.startsWith("#c-") && document.getElementById(location.hash.slice(1));
  if (!before || document.activeElement !== document.body) return;
  const cards = [...document.querySelectorAll(".asking:has(.arrived)")];
  const follows = (card) => before.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING;
  const next = cards.find(follows) ?? cards[0] ?? before;
  next.querySelector("h2[tabindex], summary")?.focus();
}

watchSeen(look);

// Not before: the browser fills in what was typed before a reload, and puts the focus where the address says.
window.addEventListener("pageshow", () => {
  document.querySelectorAll(".decide").forEach(remember);
  setTimeout(goOn);
});
