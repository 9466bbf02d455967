// The scan field: a scanner types a code and presses Enter. The field is free again at once; codes are sent one after
// the other, so that a quick hand loses none. Without JavaScript the form is sent like any other.
const form = document.querySelector("form[data-scan]");

if (form) {
  const field = form.elements.code;
  const queue = [];
  let busy = false;

  const read = (text) => new DOMParser().parseFromString(text, "text/html");

  function replace(id, source) {
    const part = source.getElementById(id);
    if (part) document.getElementById(id).replaceWith(document.adoptNode(part));
    return Boolean(part);
  }

  async function send(code) {
    const data = new FormData(form);
    data.set("code", code);
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { "HX-Request": "true" } });
    const known = answer.ok && !answer.redirected && replace("scan-state", read(await answer.text()));
    if (!known) throw new Error("not taken");
  }

  async function refreshList() {
    const list = document.getElementById("ems-list");
    if (list.querySelector("input:checked")) return;
    const answer = await fetch(location.pathname + location.search);
    if (answer.ok && !queue.length) replace("ems-list", read(await answer.text()));
  }

  async function work() {
    busy = true;
    while (queue.length) {
      try {
        await send(queue[0]);
        queue.shift();
      } catch {
        field.value = queue[0];
        queue.length = 0;
        document.getElementById("scan-offline").hidden = false;
        field.select();
        busy = false;
        return;
      }
    }
    document.getElementById("scan-offline").hidden = true;
    busy = false;
    refreshList();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = field.value.trim();
    field.value = "";
    field.focus();
    if (!code) return;
    queue.push(code);
    if (!busy) work();
  });
}
