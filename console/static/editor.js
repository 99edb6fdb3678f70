// Line numbers beside a text, the lines with problems marked, and the way from a problem to its line.
(() => {
  const editor = document.querySelector("[data-editor]");
  if (!editor) return;
  const text = editor.querySelector("textarea");
  const gutter = editor.querySelector(".gutter");
  let marked = new Set();

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

  text.addEventListener("input", number);
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "plan") mark(); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-to-line]");
    if (button) goTo(Number(button.dataset.toLine));
  });
  mark();
})();
