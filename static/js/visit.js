// The visit form keeps what is typed and photographed on this phone until the server has recorded it. What comes back
// keeps its id, so that a visit whose answer was lost is sent again as the same visit.
import { forget, forgetVisit, keepFields, keepPhotos, recall } from "./visit_drafts.js";
import { photoStrip } from "./visit_photos.js";

const PAUSE_MS = 300;
const NOT_KEPT = "csrfmiddlewaretoken";
const form = document.querySelector("[data-visit]");
const recorded = document.querySelector("[data-recorded]");

function typed() {
  return [...new FormData(form)].filter(([name, value]) => name !== NOT_KEPT && typeof value === "string");
}

function fill(fields) {
  for (const field of form.elements) {
    const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (!field.name || field.name === NOT_KEPT || field.type === "file") continue;
    if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
  for (const details of form.querySelectorAll("details")) {
    details.open ||= [...details.querySelectorAll("input, select")].some((field) => field.name !== "phone" && field.value);
  }
}

const show = (selector) => {
  for (const message of document.querySelectorAll(selector)) message.hidden = false;
};

async function restore(name, strip) {
  const draft = await recall(name);
  if (!draft) return;
  const answered = "answered" in form.dataset;
  if (answered && draft.visit !== form.elements.client_id.value) return;
  if (!answered) {
    fill(draft.fields);
    show("[data-restored]");
  }
  if (!draft.photos.length) return;
  await strip.restore(draft.photos);
  for (const message of document.querySelectorAll("[data-photos-lost]")) message.hidden = true;
}

function keepFrom(name) {
  let waiting;
  const keep = () => keepFields(name, form.elements.client_id.value, typed()).catch(() => null);
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, PAUSE_MS);
  });
  const keepNow = () => {
    clearTimeout(waiting);
    waiting = null;
    keep();
  };
  form.addEventListener("change", keepNow);
  form.addEventListener("submit", keepNow); // none waits that would be written after the visit is recorded
  document.addEventListener("visibilitychange", () => document.hidden && waiting && keep());
  return keep;
}

function askForOutcome(event) {
  const outcomes = [...form.querySelectorAll("input[name=outcome]")];
  if (!event.target.closest("[data-next]") || outcomes.some((one) => one.checked)) return;
  event.preventDefault();
  outcomes[0].required = true;
  outcomes[0].reportValidity();
}

if (form) {
  const name = form.dataset.draft;
  const keep = keepFrom(name);
  const strip = photoStrip(form.querySelector("[data-photos]"), async (files) => {
    await keep();
    keepPhotos(name, files).catch(() => show("[data-not-kept]"));
  });
  restore(name, strip).catch(() => null); // no room or no key for drafts: the form works without
  form.addEventListener("click", askForOutcome);
  document.addEventListener("click", async (event) => {
    const anew = event.target.closest("[data-start-anew]");
    if (!anew) return;
    event.preventDefault();
    await forget(name).catch(() => null);
    location.assign(anew.href);
  });
}

if (recorded) forgetVisit(recorded.dataset.recorded).catch(() => null);
