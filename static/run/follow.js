// Follows the newest text, but only for a reader who is at the bottom already; the others get a button.

const NEAR = 90;

export function atBottom() {
  const page = document.documentElement;
  return window.innerHeight + window.scrollY >= page.scrollHeight - NEAR;
}

/* After something was added: stay at the bottom, or say that there is more. Only a page with the button follows. */
export function keepBottom(wasAtBottom) {
  const button = document.getElementById("follow");
  if (!button) return;
  if (wasAtBottom) window.scrollTo({ top: document.documentElement.scrollHeight });
  button.hidden = atBottom();
}

function hideAtBottom() {
  const button = document.getElementById("follow");
  if (button && atBottom()) button.hidden = true;
}

export function startFollowing() {
  const button = document.getElementById("follow");
  if (!button) return;
  button.addEventListener("click", () => keepBottom(true));
  document.addEventListener("scroll", hideAtBottom, { passive: true });
}
