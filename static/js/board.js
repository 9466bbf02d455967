// Cards of the assignment board can be dragged to another column. The drop sends the card's own form, the one that the
// menu “移到…” sends, so that moving works the same with mouse, keyboard and without JavaScript.
let dragged = null;

const columnOf = (event) => event.target.closest?.("[data-board] [data-holder]");
const choiceFor = (column) => {
  const choice = dragged?.querySelector('select[name="to"]');
  return [...(choice?.options ?? [])].find((option) => option.value === column.dataset.holder);
};
const unmark = () => document.querySelectorAll(".ad-col.over").forEach((column) => column.classList.remove("over"));

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.('.ad-bcard[draggable="true"]') ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.innerText);
  dragged.classList.add("dragged");
});

document.addEventListener("dragover", (event) => {
  const column = columnOf(event);
  unmark();
  if (!column || !choiceFor(column)) return;
  event.preventDefault();
  column.classList.add("over");
});

document.addEventListener("drop", (event) => {
  const column = columnOf(event);
  const option = column && choiceFor(column);
  if (!option) return;
  event.preventDefault();
  option.selected = true;
  dragged.querySelector("form").requestSubmit();
});

document.addEventListener("dragend", () => {
  unmark();
  dragged?.classList.remove("dragged");
  dragged = null;
});
