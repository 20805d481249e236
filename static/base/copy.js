// A button that copies a command, a result, code or an id, as it is shown: hidden characters as their marks.
// Only where the browser lets a page write to the clipboard.

const TEXTS = ".block, .prose pre, .copyable";
const SAID_FOR = 1500;

const use = (name) => `<svg class="icon" aria-hidden="true"><use href="#i-${name}"/></svg>`;

function offer() {
  for (const text of document.querySelectorAll(TEXTS)) {
    if (!text.textContent.trim() || text.querySelector(":scope > .copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.setAttribute("aria-label", "Copy");
    button.title = "Copy";
    button.innerHTML = use("copy");
    text.prepend(button);
  }
}

function tell(button, word, icon) {
  button.setAttribute("aria-label", word);
  button.innerHTML = use(icon);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button.copy");
  if (!button) return;
  try {
    // The button itself is a picture without text.
    await navigator.clipboard.writeText(button.parentElement.textContent);
    tell(button, "Copied", "check");
  } catch {
    tell(button, "Not copied: the browser forbids it", "x");
  }
  setTimeout(() => tell(button, "Copy", "copy"), SAID_FOR);
});

if (navigator.clipboard) {
  offer();
  document.addEventListener("htmx:after:settle", offer);
}
