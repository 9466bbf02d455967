// Forms of our pages.
// - `data-autosubmit` on a form sends it when a filter changes.
// - A file larger than `data-most-bytes` is refused when it is chosen, in the words of `data-too-big`, and never sent.
// - A form that posts asks first whether the session still lives. If it does not, or is somebody else's by now, nothing is
//   sent and what was typed stays; if it was renewed in another window, the form gets the new token. It is sent once,
//   however often pressed. Without a network the form may take care of itself: it hears `no-network` and prevents the
//   default; else it stays as it is.
const REOPEN_AFTER_MS = 4000; // an answer that is a download leaves the page, and its form, where they are
const ANSWER_WITHIN_MS = 10_000;
const ended = document.getElementById("session-dialog");

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-autosubmit]")) form.requestSubmit();
});

document.addEventListener("change", (event) => {
  const { dataset, files } = event.target;
  if (!files || !dataset.mostBytes) return;
  const isTooBig = [...files].some((file) => file.size > Number(dataset.mostBytes));
  event.target.setCustomValidity(isTooBig ? dataset.tooBig : "");
  event.target.reportValidity();
});

async function session() {
  if (!navigator.onLine) return null;
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const answer = await fetch(ended.dataset.url, { headers: { Accept: "application/json" }, signal });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function renewToken(token) {
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
}

function tellWhy(why) {
  for (const one of ended.querySelectorAll("[data-why]")) one.hidden = one.dataset.why !== why;
  ended.querySelector("a").hidden = why === "no_network";
  ended.showModal();
}

// What keeps the form from being sent, or null. Whoever has signed in meanwhile may be signed out from an older page.
function obstacle(form, state) {
  if (!state) return navigator.onLine ? null : "no_network";
  if (!state.signed_in) return "signed_out";
  const { person } = document.body.dataset;
  const isOthers = person && String(state.person) !== person;
  return isOthers && !form.hasAttribute("data-sign-out") ? "other_person" : null;
}

async function check(form, submitter) {
  const state = await session();
  if (!state && !form.dispatchEvent(new CustomEvent("no-network", { cancelable: true }))) return;
  const why = obstacle(form, state);
  if (why) {
    delete form.dataset.sent;
    tellWhy(why);
    return;
  }
  if (state) renewToken(state.token);
  form.dataset.checked = "yes";
  form.requestSubmit(submitter ?? undefined);
  delete form.dataset.checked;
  setTimeout(() => delete form.dataset.sent, REOPEN_AFTER_MS);
}

if (ended) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // not form.method: where a field is called “method”, that is the field
    const method = form.getAttribute("method")?.toLowerCase();
    if (event.defaultPrevented || method !== "post" || form.dataset.checked) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    check(form, event.submitter);
  });

  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  document.addEventListener("session-ended", () => tellWhy("signed_out"));
}
