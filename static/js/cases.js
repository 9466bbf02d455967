// The list of cases: one box ticks all of the page, and the bar says how many are ticked.
const form = document.querySelector("[data-bulk]");

if (form) {
  const all = form.querySelector("[data-check-all]");
  const boxes = [...form.querySelectorAll("input[name=case]")];

  const count = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    form.querySelector("[data-ticked]").textContent = ticked;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    for (const box of boxes) {
      for (const name of ["ask", "blue"]) box.closest("tr").classList.toggle(name, box.checked);
    }
  };

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  form.addEventListener("change", (event) => event.target.name === "case" && count());
  addEventListener("pageshow", count);
}
