// The visit form as the server gives it. Where it cannot be reached when the form is sent, the visit goes into the queue
// of this phone.
import { canKeep } from "./phone_store.js";
import { enqueue } from "./queue.js";
import { forgetVisit } from "./visit_drafts.js";
import { aboutOf, filesOf, notKept, startVisitForm, typed } from "./visit_form.js";

const form = document.querySelector("[data-visit]");
const recorded = document.querySelector("[data-recorded]");

async function queue({ strip }) {
  await strip.made();
  const { person, project, queueUrl } = document.querySelector("[data-phone]").dataset;
  const { draft, case: id } = form.dataset;
  const visit = form.elements.client_id.value;
  try {
    const entry = { case: id };
    const about = aboutOf(form);
    await enqueue({ person, project, entry, visit, about, fields: typed(form), files: filesOf(form) }, draft);
    location.assign(queueUrl);
  } catch (error) {
    delete form.dataset.sent;
    notKept(error);
  }
}

if (form) {
  const started = startVisitForm(form, form.dataset.draft);
  form.addEventListener("no-network", (event) => {
    if (!canKeep()) return;
    event.preventDefault();
    started.then(queue);
  });
}

if (recorded) forgetVisit(recorded.dataset.recorded).catch(() => null);
