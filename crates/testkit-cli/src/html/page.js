"use strict";
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const one = (id) => document.getElementById(id);
  const cards = all(".card");
  const sections = all(".turn, .between");
  const found = one("found"), query = one("search");
  let shown = cards, current = null, texts = null, opened = [];

  function go(card) {
    if (!card) return;
    current?.classList.remove("current");
    current = card;
    card.classList.add("current");
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "center" });
  }

  // From the card where the reader is, or from what is to be seen.
  function step(by, list) {
    if (!list.length) return;
    let at = list.indexOf(current);
    if (at < 0) {
      const here = current ? cards.indexOf(current) : -1;
      const next = list.findIndex((card) => cards.indexOf(card) > here);
      at = by > 0 ? (next < 0 ? list.length : next) - 1 : next < 0 ? list.length : next;
    }
    go(list[(at + by + list.length) % list.length]);
  }

  function search() {
    const words = query.value.trim().toLowerCase();
    texts ??= cards.map((card) => card.textContent.toLowerCase());
    for (const details of opened) details.open = false;
    opened = [];
    shown = words ? cards.filter((_, i) => texts[i].includes(words)) : cards;
    const visible = new Set(shown);
    for (const card of cards) card.hidden = !visible.has(card);
    const withHits = new Set(shown.map((card) => card.closest(".turn, .between")));
    for (const section of sections) section.hidden = words !== "" && !withHits.has(section);
    found.textContent = words ? `${shown.length} of ${cards.length}` : "";
    paint(words);
  }

  function paint(words) {
    const ranges = [];
    if (words) {
      for (const card of shown.slice(0, 500)) {
        const walk = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
        for (let node; (node = walk.nextNode());) {
          const text = node.data.toLowerCase();
          for (let at = text.indexOf(words); at >= 0 && ranges.length < 5000; at = text.indexOf(words, at + words.length)) {
            if (text.length === node.data.length) {
              const range = new Range();
              range.setStart(node, at);
              range.setEnd(node, at + words.length);
              ranges.push(range);
            }
            const folded = node.parentElement.closest("details:not([open])");
            if (folded && !node.parentElement.closest("summary")) {
              folded.open = true;
              opened.push(folded);
            }
          }
        }
      }
    }
    if (window.Highlight) CSS.highlights.set("hit", new Highlight(...ranges));
  }

  function theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  }

  const marked = () => shown.filter((card) => card.matches(".problem, .asked, :has(> header .bad)"));
  let timer;
  query.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 120); });
  query.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { clearTimeout(timer); search(); step(event.shiftKey ? -1 : 1, shown); }
    if (event.key === "Escape") { query.value = ""; search(); query.blur(); }
  });
  one("theme").addEventListener("click", theme);
  one("marks").addEventListener("click", () => step(1, marked()));
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      "/": () => query.focus(),
      j: () => step(1, shown),
      k: () => step(-1, shown),
      e: () => step(1, marked()),
      t: theme,
      Escape: () => { query.value = ""; search(); },
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  for (const card of cards) card.tabIndex = -1;
  one("tools").hidden = false;
})();
