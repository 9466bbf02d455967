// The visit form from this phone: for a door of today's round, or for a visit of the queue that is to be corrected.
import { errorText } from "./phone_queue.js";
import { keptRound, nowThere } from "./phone_round.js";
import { contentOf, enqueue } from "./queue.js";
import { aboutOf, fill, filesOf, notKept, offerAlso, startVisitForm, typed } from "./visit_form.js";

const { person, project, queueUrl } = document.querySelector("[data-phone]").dataset;
const words = document.querySelector("[data-words]").dataset;
const NOBODY_MET = ["no_answer", "vacant"];

// What has to be there before the visit waits, in the order of the form: the server would send it back.
const RULES = [
  ["promise_date", (of) => of("payment") === "promised" && of("promise_day") === "other" && !NOBODY_MET.includes(of("outcome"))],
  ["promise_other", (of) => of("payment") === "promised" && of("promise_amount") === "other" && !NOBODY_MET.includes(of("outcome"))],
  ["request_text", (of) => of("request_kind")],
  ["new_number", (of) => of("number_news") === "changed"],
  ["cash_amount", (of) => of("cash_taken")],
  ["cash_receipt", (of) => of("cash_taken")],
  ["happened_at", () => true],
  ["next_date", (of) => of("next_contact") === "other"],
];

function missingIn(form) {
  const told = new FormData(form);
  const of = (name) => told.get(name);
  if (!of("outcome")) return form.querySelector("input[name=outcome]");
  const rule = RULES.find(([name, applies]) => form.elements[name] && applies(of) && !of(name));
  return rule && form.elements[rule[0]];
}

function point(form, field) {
  location.hash = field.closest(".ad-step").id; // the other steps are folded away
  field.setCustomValidity(form.dataset.needed);
  field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
  for (const twin of form.elements[field.name] instanceof RadioNodeList ? form.elements[field.name] : []) {
    twin.addEventListener("input", () => field.setCustomValidity(""), { once: true });
  }
  field.reportValidity();
}

function head(view, { unit, party, about = "" }) {
  view.querySelector("[data-unit]").textContent = unit;
  view.querySelector("[data-about]").textContent = [party, about].filter(Boolean).join(words.comma);
  Object.assign(view.querySelector("form").dataset, { unit, party });
}

function talk(view, row) {
  const lists = [[".ad-talk:not(.no)", row?.say], [".ad-talk.no", row?.never]];
  view.querySelector("[data-talk]").hidden = !row;
  view.querySelector("#talk-title small").textContent = row ? `　${row.reason}` : "";
  for (const [selector, lines] of lists) {
    view.querySelector(selector).replaceChildren(
      ...(lines ?? []).map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
  }
}

async function rowOf(id) {
  const round = await keptRound();
  return round?.entrances.flatMap(({ rows }) => rows).find((row) => String(row.case) === String(id) && row.party !== undefined);
}

function say(element, text) {
  element.querySelector("div").textContent = text;
  element.hidden = false;
}

// Why it came back, and the step in which that is mended.
function sentBack(view, form, answer) {
  say(view.querySelector("[data-why]"), answer.map(errorText).join("\n"));
  const wrong = answer.map(({ field }) => field && form.querySelector(`[name="${field}"]`)).find(Boolean);
  if (!wrong) return;
  location.replace(`#${wrong.closest(".ad-step").id}`);
  scrollTo(0, 0); // the reason stands above the steps
}

// A visit of the queue as it was left: its fields, its photos, and why it came back.
async function takeUp(view, form, record, { restored, strip, showSignature }) {
  const gone = record.fields.filter(([name, value]) => !form.elements[name] && value && name !== "client_id");
  if (!restored) {
    fill(form, record.fields);
    showSignature();
    await strip.restore(record.files.filter(([name]) => name === "photos").map(([, file]) => file));
  }
  form.elements.client_id.value = record.visit;
  if (record.answer) sentBack(view, form, record.answer);
  const lost = view.querySelector("[data-no-place]");
  if (gone.length) say(lost, lost.dataset.noPlace.replace("{what}", gone.map(([, value]) => value).join(words.comma)));
}

// The visit of the queue that may still be corrected; null where it has arrived or is being removed.
async function correctable(visit) {
  const record = await contentOf(person, visit);
  return record?.state === "sent" || record?.removed ? null : record;
}

// The other units of the person: as they were ticked, and those that only the round knows unticked.
function alsoFor(record, row) {
  if (!record) return row.also ?? []; // a round of before had none
  const told = record.about.also;
  const known = new Set(told.map((unit) => unit.case));
  return [...told, ...(row?.also ?? []).filter((unit) => !known.has(unit.case)).map((unit) => ({ ...unit, ticked: false }))];
}

async function entryOf(view, form, { id, visit }) {
  const record = visit && (await correctable(visit));
  const key = record ? record.entry.case : id;
  const row = await rowOf(key);
  if (!record && !row) return null;
  head(view, record ? { ...record.about, about: row?.band } : { unit: row.unit, party: row.party, about: row.band });
  offerAlso(form, alsoFor(record, row));
  talk(view, row);
  if (!record) {
    form.elements.client_id.value = crypto.randomUUID();
    form.elements.responsible_id.value = row.responsible ?? "";
    form.elements.happened_at.value = nowThere();
  }
  return { record, key };
}

export async function showVisit(view, wanted) {
  const form = view.querySelector("form");
  form.inert = true; // what is typed before all has been read would be overwritten, or leave by the address
  const entry = await entryOf(view, form, wanted);
  if (!entry) {
    form.hidden = true;
    view.querySelector("[data-talk]").hidden = true;
    view.querySelector(wanted.visit ? "[data-unknown-visit]" : "[data-unknown-case]").hidden = false;
    return;
  }
  const { record, key } = entry;
  const draft = `${person}-${record ? record.visit : key}`;
  const started = await startVisitForm(form, draft);
  if (record) await takeUp(view, form, record, started);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const missing = missingIn(form);
    if (missing) return point(form, missing);
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    await started.strip.made(); // all that is kept of the draft comes before it is taken away, not after
    await started.keep();
    const kept = { person, project, entry: { case: String(key) }, visit: form.elements.client_id.value };
    try {
      await enqueue({ ...kept, about: aboutOf(form), fields: typed(form), files: filesOf(form) }, draft);
      location.assign(queueUrl);
    } catch (error) {
      delete form.dataset.sent;
      notKept(error);
    }
  });
  form.inert = false;
}
