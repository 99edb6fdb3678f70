// A part of the page marked data-live (its value: what its rows are, `device` unless said) moves by itself: told by the
// stream, or by looking every few seconds without it.
(() => {
  "use strict";

  const LEAST_MS = 1000; // between two looks
  const FOREIGN_MS = 3000; // something changed that is not on this page
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
    if (streaming !== on || !root.dataset.stream) root.dataset.stream = on ? "on" : "off";
    streaming = on;
    plan(on ? QUIET_MS : POLLING_MS);
  }

  document.addEventListener("htmx:sseOpen", () => stream(true));
  document.addEventListener("htmx:sseError", () => stream(false));
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault(); // the message names what changed; the page asks for it
    const { ids } = JSON.parse(event.detail.data);
    if (!part()) return; // what it showed is over
    const kind = part().dataset.live || "device"; // rows are named <kind>-<id>
    const shown = !ids || ids.some((id) => document.getElementById(`${kind}-${id}`));
    if (shown) plan(0);
    else if (!part().hasAttribute("data-live-alone")) plan(FOREIGN_MS);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) plan(0); });
  plan(POLLING_MS);

  // What a part says apart from ages, which only count on, and from what the reader opened.
  function substance(node) {
    const copy = node.cloneNode(true);
    copy.classList.remove("row-changed");
    if (!copy.classList.length) copy.removeAttribute("class");
    for (const time of copy.querySelectorAll("time")) {
      if (time.hasAttribute("data-age")) time.replaceChildren();
      time.removeAttribute("datetime");
      time.removeAttribute("title");
    }
    for (const opened of copy.querySelectorAll("details[open]")) opened.open = false;
    return copy.outerHTML;
  }

  // Takes over times without touching the rest: a selected text stays selected.
  function renewTimes(old, fresh) {
    const times = fresh.querySelectorAll("time");
    old.querySelectorAll("time").forEach((time, place) => {
      if (time.dateTime === times[place].dateTime) return;
      time.dateTime = times[place].dateTime;
      time.title = times[place].title;
      time.textContent = times[place].textContent;
    });
  }

  function replacePart(old, fresh) {
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    for (const ticked of old.querySelectorAll("input[type=checkbox]:checked")) {
      const same = fresh.querySelector(`input[value="${CSS.escape(ticked.value)}"]`);
      if (same) same.checked = true;
    }
    for (const opened of old.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector(`#${CSS.escape(opened.id)}`);
      if (same) same.open = true;
    }
    old.replaceWith(fresh);
    htmx.process(fresh); // what came in has links of its own
    if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  // Rows are matched by id: what did not change stays in place, what did is shown for a moment.
  function mergeRows(body, fresh) {
    let place = body.firstElementChild;
    for (const row of [...fresh.children]) {
      const old = body.querySelector(`:scope > #${CSS.escape(row.id)}`);
      if (old && old === place) place = place.nextElementSibling;
      else if (old) body.insertBefore(old, place);
      else {
        body.insertBefore(row, place);
        htmx.process(row);
      }
      if (old && substance(old) === substance(row)) {
        renewTimes(old, row);
        continue;
      }
      row.classList.add("row-changed");
      if (old) replacePart(old, row);
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }

  function mergeParts(target, fresh) {
    const names = (node) => [...node.querySelectorAll("[data-part], [data-rows]")].map((part) => part.id).join(" ");
    if (names(target) !== names(fresh)) {
      target.replaceChildren(...fresh.childNodes);
      htmx.process(target);
      return;
    }
    const rows = target.querySelector("[data-rows]");
    if (rows) mergeRows(rows, fresh.querySelector("[data-rows]"));
    for (const part of [...fresh.querySelectorAll("[data-part]")]) {
      const old = target.querySelector(`#${CSS.escape(part.id)}`);
      if (substance(old) === substance(part)) renewTimes(old, part);
      else replacePart(old, part);
    }
  }

  htmx.defineExtension("keyed", {
    isInlineSwap: (style) => style === "keyed",
    handleSwap: (style, target, fragment) => {
      if (style !== "keyed") return false;
      const fresh = fragment.getElementById(target.id);
      if (fresh) mergeParts(target, fresh);
      return true;
    },
  });
})();
