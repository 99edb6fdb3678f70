// Line numbers beside a text, the lines with problems marked, the way from a problem to its line, and a form beside the
// text that is drawn anew after each change without losing what somebody is just typing.
(() => {
  "use strict";

  const editor = document.querySelector("[data-editor]");
  if (!editor) return;
  const text = editor.querySelector("textarea");
  const gutter = editor.querySelector(".gutter");
  const form = document.getElementById("policy-form");
  let marked = new Set();
  let sent = null;

  function number() {
    const count = text.value.split("\n").length;
    const fresh = document.createDocumentFragment();
    for (let line = 1; line <= count; line++) {
      const mark = document.createElement("span");
      mark.textContent = line;
      if (marked.has(line)) mark.className = "marked";
      fresh.append(mark);
    }
    gutter.replaceChildren(fresh);
    gutter.scrollTop = text.scrollTop;
  }

  function mark() {
    marked = new Set([...document.querySelectorAll("#plan [data-line]")].map((item) => Number(item.dataset.line)));
    number();
  }

  function goTo(line) {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] || "").length);
    text.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(text).lineHeight));
  }

  // The value of each input of the form, by its id.
  function values() {
    const inputs = [...form.querySelectorAll("input[id], select[id]")];
    return new Map(inputs.map((input) => [input.id, input.type === "checkbox" ? input.checked : input.value]));
  }

  function fill(id, value) {
    const input = document.getElementById(id);
    if (!input) return;
    if (input.type === "checkbox") input.checked = value;
    else input.value = value;
    // What was being typed while the answer came is sent once it is finished.
    input.addEventListener("blur", () => input.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
  }

  // After an act of a button the focus goes on where its effect is.
  function moveFocus(button, section) {
    const again = document.getElementById(button);
    const added = again?.previousElementSibling?.querySelector("input:not([type=hidden]), select");
    if (button.startsWith("do-add-") && added) added.focus();
    else if (!again) document.querySelector(`#${CSS.escape(section)} > summary`)?.focus();
  }

  document.addEventListener("htmx:configRequest", (event) => {
    if (!form || event.detail.path !== form.getAttribute("hx-post")) return;
    const button = event.detail.triggeringEvent?.target.closest?.("[data-form-act]");
    if (button) event.detail.parameters.set("do", button.value);
    sent = { text: text.value, values: values(), button: button?.id, section: button?.closest("details")?.id };
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== form || !sent) return;
    // The text went on meanwhile: its own request follows, with all that was changed in the form.
    if (text.value !== sent.text) event.detail.shouldSwap = false;
    sent.typed = [...values()].filter(([id, value]) => sent.values.get(id) !== value);
    sent.open = [...form.querySelectorAll("details[open]")].map((part) => part.id);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "plan") mark();
    if (event.detail.target !== form || !sent) return;
    const written = document.getElementById("written-text");
    if (written && written.value !== text.value) {
      const top = text.scrollTop;
      text.value = written.value;
      text.scrollTop = top;
    }
    for (const id of sent.open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, value] of sent.typed) fill(id, value);
    if (sent.button) moveFocus(sent.button, sent.section);
    mark();
  });
  // With htmx at work, the buttons of the form and Enter in its inputs send nothing of their own.
  document.addEventListener("submit", (event) => {
    if (event.submitter?.matches("[data-form-act], [data-form-apply]")) event.preventDefault();
  });

  text.addEventListener("input", number);
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-to-line]");
    if (button) goTo(Number(button.dataset.toLine));
  });
  mark();
})();
