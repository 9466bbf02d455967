// The visit form keeps what is typed and photographed on this phone until the server has recorded it or the queue has
// taken it. What comes back keeps its id, so that a visit whose answer was lost is sent again as the same visit.
import { forget, keepFields, keepPhotos, recall } from "./visit_drafts.js";
import { isFull } from "./phone_store.js";
import { photoStrip } from "./visit_photos.js";
import { signing } from "./visit_signature.js";

const PAUSE_MS = 300;
const NOT_KEPT = "csrfmiddlewaretoken";
const TYPED = { promise_day: "promise_date", promise_amount: "promise_other", next_contact: "next_date" };

export function typed(form) {
  return [...new FormData(form)].filter(([name, value]) => name !== NOT_KEPT && typeof value === "string");
}

export function filesOf(form) {
  return [...new FormData(form)].filter(([, value]) => value instanceof File && value.size);
}

// What another page offered and this one does not, is typed: a day or an amount of a draft is not lost.
function asTyped(form, fields) {
  const offers = ([name, value]) => [...form.querySelectorAll(`input[name=${name}]`)].some((one) => one.value === value);
  const gone = fields.filter((field) => TYPED[field[0]] && !offers(field));
  const typedInstead = gone.flatMap(([name, value]) => [[name, "other"], [TYPED[name], value]]);
  const replaced = new Set(typedInstead.map(([name]) => name));
  return [...fields.filter(([name]) => !replaced.has(name)), ...typedInstead];
}

export function fill(form, kept) {
  const fields = asTyped(form, kept);
  for (const field of form.elements) {
    const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (!field.name || field.name === NOT_KEPT || field.type === "file") continue;
    if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
    else if (values.length) field.value = values.at(-1);
  }
  for (const details of form.querySelectorAll("details")) {
    details.open ||= [...details.querySelectorAll("input, select")].some((field) => field.name !== "phone" && field.value);
  }
}

export const show = (selector) => {
  for (const message of document.querySelectorAll(selector)) message.hidden = false;
};

async function restore(form, name, strip) {
  const draft = await recall(name);
  if (!draft) return false;
  const answered = "answered" in form.dataset;
  if (answered && draft.visit !== form.elements.client_id.value) return false;
  if (!answered) {
    fill(form, draft.fields);
    show("[data-restored]");
  }
  if (!draft.photos.length) return true;
  await strip.restore(draft.photos);
  for (const message of document.querySelectorAll("[data-photos-lost]")) message.hidden = true;
  return true;
}

function keepFrom(form, name) {
  let waiting;
  const keep = () => keepFields(name, form.elements.client_id.value, typed(form)).catch(() => null);
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, PAUSE_MS);
  });
  const keepNow = () => {
    clearTimeout(waiting);
    waiting = null;
    return keep();
  };
  form.addEventListener("change", keepNow);
  form.addEventListener("submit", keepNow); // none waits that would be written after the visit is recorded
  document.addEventListener("visibilitychange", () => document.hidden && waiting && keep());
  return keepNow;
}

function askForOutcome(form, event) {
  const outcomes = [...form.querySelectorAll("input[name=outcome]")];
  if (!event.target.closest("[data-next]") || outcomes.some((one) => one.checked)) return;
  event.preventDefault();
  outcomes[0].required = true;
  outcomes[0].reportValidity();
}

// Starts the form under the name of its draft; answers whether a draft came back, and what keeps it up to date.
export async function startVisitForm(form, name) {
  const keep = keepFrom(form, name);
  const strip = photoStrip(form.querySelector("[data-photos]"), async (files) => {
    await keep();
    await keepPhotos(name, files).catch(() => show("[data-no-room]"));
  });
  const showSignature = signing(form);
  form.addEventListener("click", (event) => askForOutcome(form, event));
  document.addEventListener("click", async (event) => {
    const anew = event.target.closest("[data-start-anew]");
    if (!anew) return;
    event.preventDefault();
    await forget(name).catch(() => null);
    location.assign(anew.href);
  });
  // no room or no key for drafts: the form works without
  const restored = await restore(form, name, strip).catch(() => false);
  showSignature();
  return { restored, strip, keep, showSignature };
}

// Says why a visit could not be put into the queue; it stays in the form.
export function notKept(error) {
  if (!isFull(error)) console.error(error);
  const said = isFull(error) ? "[data-no-room]" : "[data-failed]";
  for (const message of document.querySelectorAll("[data-no-room], [data-failed]")) message.hidden = !message.matches(said);
  document.querySelector(said).scrollIntoView({ block: "center" }); // the button is at the other end of the form
}

// What the list of the queue shows of a visit: the words of what was chosen.
export function aboutOf(form) {
  const chosen = ["outcome", "payment"].map((name) => form.querySelector(`input[name=${name}]:checked`));
  const words = chosen.filter((input) => input && input.value !== "not_discussed").map(labelOf);
  if (form.elements.slip_posted?.checked) words.push(form.dataset.slip);
  const { unit, party } = form.dataset;
  return { unit, party, at: form.elements.happened_at.value, words, also: alsoOf(form) };
}

// The other units of the person as they are ticked, each with why the visit is not meant for it: { case, unit, why, ticked }.
function alsoOf(form) {
  return [...form.querySelectorAll("input[name=also]")].map((box) => ({
    case: Number(box.value), unit: labelOf(box), why: hintOf(box), ticked: box.checked,
  }));
}

// Offers other units of the person; what is ticked there is what this visit served too.
export function offerAlso(form, units) {
  const fieldset = form.querySelector("[data-also]");
  const made = units.map((unit) => {
    const label = document.getElementById("also-unit").content.cloneNode(true).firstElementChild;
    Object.assign(label.querySelector("input"), { value: unit.case, checked: unit.ticked });
    label.querySelector("[data-code]").textContent = unit.unit;
    label.querySelector("[data-held]").textContent = unit.why ?? ""; // an older round says nothing of it
    return label;
  });
  fieldset.querySelector("div").replaceChildren(...made);
  fieldset.hidden = !made.length;
}

const hintOf = (input) => input.closest("label").querySelector("small")?.textContent ?? "";

function labelOf(input) {
  const label = input.closest("label").cloneNode(true);
  for (const hint of label.querySelectorAll("small")) hint.remove();
  return label.textContent.trim();
}
