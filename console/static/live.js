// A part of the page marked data-live moves by itself: told by the stream, or by looking every few seconds without it.
(() => {
  const LEAST_MS = 1000; // between two looks
  const FOREIGN_MS = 5000; // something changed that is not on this page
  const QUIET_MS = 20000; // with a stream: ages and what the stream does not tell
  const POLLING_MS = 4000; // without one
  const root = document.documentElement;
  let streaming = false;
  let last = 0;
  let due = Infinity;
  let timer = 0;

  const part = () => document.querySelector("[data-live]");
  if (!part()) return;

  function plan(delay) {
    const at = Math.max(Date.now() + delay, last + LEAST_MS);
    if (at >= due) return;
    due = at;
    clearTimeout(timer);
    timer = setTimeout(look, at - Date.now());
  }

  function look() {
    due = Infinity;
    if (document.hidden) return; // visibilitychange plans the next
    last = Date.now();
    if (part()) htmx.trigger(part(), "live-refresh");
    plan(streaming ? QUIET_MS : POLLING_MS);
  }

  function stream(on) {
    if (streaming !== on || !root.dataset.live) root.dataset.live = on ? "on" : "off";
    streaming = on;
    plan(on ? QUIET_MS : POLLING_MS);
  }

  document.addEventListener("htmx:sseOpen", () => stream(true));
  document.addEventListener("htmx:sseError", () => stream(false));
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault(); // the message names what changed; the page asks for it
    const { ids } = JSON.parse(event.detail.data);
    const shown = !ids || ids.some((id) => document.getElementById(`device-${id}`));
    plan(shown ? 0 : FOREIGN_MS);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) plan(0); });
  plan(POLLING_MS);

  // Takes over times without touching the rest of the row: a selected text stays selected.
  function renewTimes(old, fresh) {
    const times = fresh.querySelectorAll("time");
    old.querySelectorAll("time").forEach((time, place) => {
      const now = times[place];
      if (!now || now.dateTime === time.dateTime) return;
      time.dateTime = now.dateTime;
      time.title = now.title;
      time.textContent = now.textContent;
    });
  }

  function sameForm(old, fresh) {
    return old.dataset.version === fresh.dataset.version &&
      old.querySelectorAll("time").length === fresh.querySelectorAll("time").length;
  }

  // Rows are matched by id: what did not change stays in place, what did is shown for a moment.
  function mergeRows(body, fresh) {
    let place = body.firstElementChild;
    for (const row of [...fresh.children]) {
      const old = document.getElementById(row.id);
      if (old && body.contains(old) && sameForm(old, row)) {
        renewTimes(old, row);
        if (old === place) place = place.nextElementSibling;
        else body.insertBefore(old, place);
        continue;
      }
      const known = old && body.contains(old);
      const focused = known && old.contains(document.activeElement);
      if (known && old === place) place = place.nextElementSibling;
      if (known) old.remove();
      row.classList.add("row-changed");
      body.insertBefore(row, place);
      if (focused) row.querySelector("a")?.focus({ preventScroll: true });
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }

  htmx.defineExtension("keyed", {
    isInlineSwap: (style) => style === "keyed",
    handleSwap: (style, target, fragment) => {
      if (style !== "keyed") return false;
      const fresh = fragment.getElementById(target.id);
      const rows = fresh && fresh.querySelector("tbody");
      const body = target.querySelector("tbody");
      if (!fresh) return true;
      if (!rows || !body) {
        target.replaceChildren(...fresh.childNodes);
        return true;
      }
      mergeRows(body, rows);
      const foot = target.querySelector(".list-foot");
      const freshFoot = fresh.querySelector(".list-foot");
      if (foot && freshFoot && !foot.contains(document.activeElement) && !foot.isEqualNode(freshFoot)) {
        foot.replaceWith(freshFoot);
      }
      return true;
    },
  });
})();
