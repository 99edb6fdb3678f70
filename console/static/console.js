// What every page does: ages that count on, menus that close, and a few words to htmx.
(() => {
  "use strict";

  const root = document.documentElement;
  const english = root.lang === "en";
  const started = Date.parse(document.querySelector('meta[name="server-time"]').content);
  // The server's clock counts: the browser's may be off.
  const ahead = Number.isNaN(started) ? 0 : started - Date.now();

  // The same words as console/times.py.
  function age(since) {
    const seconds = Math.max(0, Math.floor((Date.now() + ahead - since) / 1000));
    if (seconds < 60) return english ? `${seconds} s ago` : `${seconds} 秒前`;
    if (seconds < 3600) return english ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 60)} 分钟前`;
    if (seconds < 86400) return english ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 3600)} 小时前`;
    return english ? `${Math.floor(seconds / 86400)} d ago` : `${Math.floor(seconds / 86400)} 天前`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const text = age(Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  }
  setInterval(tick, 1000);

  document.addEventListener("click", (event) => {
    for (const drop of document.querySelectorAll("details[data-drop][open]")) {
      if (!drop.contains(event.target)) drop.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drop of document.querySelectorAll("details[data-drop][open]")) {
      drop.open = false;
      drop.querySelector("summary").focus();
    }
  });

  // Empty filters stay out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.elt.hasAttribute("data-clean")) return;
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // A banner that says the same again is left alone, or screen readers would read it out each time.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const same = event.detail.target.innerHTML.trim() === event.detail.xhr.responseText.trim();
    if (event.detail.target.id === "alarms" && same) event.detail.shouldSwap = false;
  });

  // Forms open in the dialog; their errors are shown in it, and without JavaScript they are pages of their own.
  const dialog = document.getElementById("dialog");
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "dialog-body") return;
    event.detail.shouldSwap = event.detail.xhr.status !== 204;
    event.detail.isError = false;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "dialog-body") return;
    if (!dialog.open) dialog.showModal();
    checkTyped(dialog);
    (dialog.querySelector("[role=alert]") || dialog.querySelector("input:not([type=hidden]), textarea, select"))?.focus();
  });
  document.addEventListener("click", (event) => {
    if (!dialog?.open) return;
    if (event.target === dialog || event.target.closest("[data-dialog-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  // What destroys is confirmed by typing; the server checks it too.
  function checkTyped(part) {
    for (const field of part.querySelectorAll("[data-expect]")) {
      const button = field.form.querySelector("button[type=submit]");
      button.disabled = field.value.trim() !== field.dataset.expect.trim();
    }
  }
  document.addEventListener("input", (event) => {
    if (event.target.dataset?.expect) checkTyped(event.target.form);
  });
  checkTyped(document);

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
  // Ticked rows: how many, and all of the page at once.
  function countTicked() {
    const count = document.querySelector("[data-bulk-count]");
    if (!count) return;
    const all = document.querySelector("[data-bulk-all]").checked;
    const ticked = document.querySelectorAll("[data-bulk-one]:checked").length;
    count.textContent = all || !ticked ? "" : `(${ticked})`;
    count.closest("button").disabled = !all && !ticked;
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-bulk-page]")) {
      for (const box of document.querySelectorAll("[data-bulk-one]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-bulk-page], [data-bulk-one], [data-bulk-all]")) countTicked();
  });
  document.addEventListener("htmx:afterSettle", countTicked);
  countTicked();

  // An address with an anchor opens what it names.
  function openTarget() {
    const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (named && named.tagName === "DETAILS") {
      named.open = true;
      named.scrollIntoView();
    }
  }
  addEventListener("hashchange", openTarget);
  openTarget();
})();
