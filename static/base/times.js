// Relative times that stay true, with the exact one of the viewer's zone on hover. Says what tags.relative says.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function words(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

/* The time of day in the viewer's zone, with the date when that is another day. */
function clock(moment, now, form) {
  const exactly = { hour: "2-digit", minute: "2-digit", second: form === "seconds" ? "2-digit" : undefined };
  const time = moment.toLocaleTimeString("en-GB", exactly);
  const [day, today] = [moment, now].map((each) => each.toLocaleDateString("sv"));
  return day === today ? time : `${day} ${time}`;
}

export function relative(moment, now, form) {
  if (form === "clock" || form === "seconds") return clock(moment, now, form);
  const seconds = (now - moment) / 1000;
  const distance = Math.abs(seconds);
  if (form === "age") return words(distance);
  if (distance < 5) return "just now";
  if (distance >= 14 * 86400) return moment.toISOString().slice(0, 10);
  return seconds > 0 ? `${words(distance)} ago` : `in ${words(distance)}`;
}

function refresh() {
  const now = new Date();
  for (const element of document.querySelectorAll("time[data-form]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const text = relative(moment, now, element.dataset.form);
    if (element.textContent !== text) element.textContent = text;
    if (!element.dataset.local) {
      element.title = exact.format(moment);
      element.dataset.local = "1";
    }
  }
}

export function startTimes() {
  refresh();
  setInterval(refresh, 1000);
  document.addEventListener("htmx:after:settle", refresh);
}
