// Follows the newest text, but only for a reader who is at the bottom already; the others get a button.

const NEAR = 90;

export function atBottom() {
  const page = document.documentElement;
  return window.innerHeight + window.scrollY >= page.scrollHeight - NEAR;
}

export function keepBottom(wasAtBottom) {
  if (wasAtBottom) window.scrollTo({ top: document.documentElement.scrollHeight });
  update();
}

function update() {
  const button = document.getElementById("follow");
  if (button) button.hidden = atBottom();
}

export function startFollowing() {
  const button = document.getElementById("follow");
  if (!button) return;
  button.addEventListener("click", () => keepBottom(true));
  document.addEventListener("scroll", update, { passive: true });
  update();
}
