// What hangs under the search box: arrows walk through it, Enter opens what is marked, Escape closes it.
const field = document.querySelector(".ad-search [role=combobox]");
const list = document.getElementById("search-typed");

const options = () => [...list.querySelectorAll("[role=option]")];
const marked = () => list.querySelector("[aria-selected=true]");

function mark(option) {
  marked()?.removeAttribute("aria-selected");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}

function close() {
  list.replaceChildren();
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  if (!all.length) return;
  const at = all.indexOf(marked());
  mark(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
}

if (field && list) {
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // an input method uses the same keys to choose characters
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && marked()) {
      event.preventDefault();
      marked().click();
    } else if (event.key === "Escape") {
      htmx.trigger(field, "htmx:abort");
      close();
    }
  });
  list.addEventListener("htmx:afterSwap", () => {
    field.setAttribute("aria-expanded", String(options().length > 0));
    if (document.activeElement !== field) close();
  });
  document.addEventListener("click", (event) => event.target.closest(".ad-search") || close());
  field.form.addEventListener("focusout", (event) => field.form.contains(event.relatedTarget) || setTimeout(close, 150));
}
