// Lists with acts on what is ticked: one box ticks all of the page, and the bar says how many are ticked. The name of
// the boxes stands in `data-bulk`, “case” where it is empty.
const boxesOf = (form) => [...form.querySelectorAll(`input[type=checkbox][name=${form.dataset.bulk || "case"}]`)];

function count(form) {
  const boxes = boxesOf(form);
  const all = form.querySelector("[data-check-all]");
  const ticked = boxes.filter((box) => box.checked).length;
  form.querySelector("[data-ticked]").textContent = ticked;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  for (const box of boxes) {
    for (const mark of ["ask", "blue"]) box.closest("tr").classList.toggle(mark, box.checked);
  }
}

document.addEventListener("change", ({ target }) => {
  const form = target.closest?.("form[data-bulk]");
  if (!form) return;
  if (target.matches("[data-check-all]")) {
    for (const box of boxesOf(form)) box.checked = target.checked;
  }
  if (target.type === "checkbox") count(form);
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-bulk]")) {
    if (form.querySelector("[data-check-all]")) count(form);
  }
});
