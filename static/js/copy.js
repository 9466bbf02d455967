// `<button data-copy="id of a text" data-copied="Copied" hidden>` puts the text on the clipboard. Without a script, or
// where the browser gives no clipboard, the text is there to be selected.
function offer(root) {
  for (const button of root.querySelectorAll?.("[data-copy]") ?? []) button.hidden = false;
}

function select(text) {
  const range = document.createRange();
  range.selectNodeContents(text);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  select(text);
  try {
    await navigator.clipboard.writeText(text.textContent.trim());
    button.lastChild.textContent = button.dataset.copied;
  } catch {
    text.focus(); // selected, so that one more key or tap copies it
  }
});

offer(document);
document.addEventListener("htmx:afterSettle", () => offer(document));
