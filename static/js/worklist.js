// The day's list by keyboard: j and k walk through the rows, Enter folds one out to log, v and o lead to visit and
// case, Esc folds. While something is typed the keys belong to the field. A row that was swapped in keeps the focus.
const rows = () => [...document.querySelectorAll("[data-work]")];
const rowOf = (element) => element?.closest?.("[data-work]") ?? null;
const typing = (element) => element?.matches?.("input:not([type=radio], [type=checkbox]), textarea, select");
let focusNext = null;

function walk(step) {
  const all = rows();
  const here = all.indexOf(rowOf(document.activeElement));
  const there = all[Math.min(Math.max(here + step, 0), all.length - 1)];
  there?.focus();
  there?.scrollIntoView({ block: "nearest" });
}

function press(row, selector) {
  row?.querySelector(selector)?.click();
}

const KEYS = {
  j: () => walk(1),
  k: () => walk(-1),
  v: (row) => press(row, "[data-visit-link]"),
  o: (row) => press(row, ".u a"),
};

document.addEventListener("keydown", (event) => {
  const row = rowOf(document.activeElement);
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && row) return press(row, "[data-fold]");
  if (typing(document.activeElement)) return;
  if (event.key === "Enter" && document.activeElement === row) {
    event.preventDefault();
    return press(row, "[data-log]");
  }
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key](row);
  }
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  focusNext = rowOf(detail.target)?.id ?? null;
});

document.addEventListener("htmx:afterSettle", () => {
  const row = focusNext && document.getElementById(focusNext);
  if (!row) return;
  focusNext = null;
  const first = row.querySelector("[aria-invalid=true], .fold input[type=radio]:checked");
  (first ?? row).focus({ preventScroll: Boolean(first) });
  if (first) row.scrollIntoView({ block: "nearest" });
});
