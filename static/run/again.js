// The steps and the events of a run: fetched again every few seconds until the answer says that it has ended.

const EVERY = 3000;

const looking = setInterval(() => {
  if (!document.getElementById("under-way")) clearInterval(looking);
  else if (!document.hidden) window.htmx.trigger("#part", "refresh");
}, EVERY);
