// The two numbers of the navigation, on every page: asked for every 15 s, and by the doorbells that their
// element listens to. The tab's title says the first of them to those who may decide.

const EVERY = 15000;

function count() {
  return document.getElementById("pending-count");
}

/* Asks for them now. Signed out, or with the server gone, this is what finds it out. */
export function look() {
  const element = count();
  if (element) window.htmx?.trigger(element, "look");
}

const person = count()?.dataset.person;

/* A page that is fetched for a part of it brings its own title along, with the number of its own moment. */
function entitle() {
  const title = (count()?.dataset.title ?? "") + document.title.replace(/^\(\d+\) /, "");
  if (document.title !== title) document.title = title;
}

/* Who signed in again in another tab can send what they typed in this one. Somebody else must not. */
function renewTokens() {
  const { token, person: now } = count()?.dataset ?? {};
  if (!token || now !== person) return;
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
}

export function startCounts() {
  document.addEventListener("htmx:finally:swap", () => {
    entitle();
    renewTokens();
  });
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || look());
}
