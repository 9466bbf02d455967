// The page of the queue. Kept by the worker it is also the round and the visit form where there is no network: the
// address says which of them is wanted, and what stands in them comes from this phone.
import { showQueue } from "./phone_queue.js";
import { showRound } from "./phone_round.js";
import { canKeep } from "./phone_store.js";
import { showVisit } from "./phone_visit.js";
import { show } from "./visit_form.js";

const { queueUrl, roundUrl, visitUrl } = document.querySelector("[data-phone]").dataset;
const [before, after] = visitUrl.split("/0/");
const { pathname, search } = location;

function wanted() {
  const correcting = new URLSearchParams(search).get("visit");
  if (correcting) return ["visit", (view) => showVisit(view, { visit: correcting })];
  if (pathname === queueUrl) return ["queue", showQueue];
  const id = pathname.startsWith(before) && pathname.endsWith(`/${after}`) && pathname.slice(before.length + 1, -after.length - 1);
  if (id) return ["visit", (view) => showVisit(view, { id })];
  return ["round", (view) => showRound(view, { elsewhere: pathname !== roundUrl && pathname !== "/" })];
}

const [name, fillIn] = wanted();
const view = document.querySelector(`[data-view=${name}]`);
for (const other of document.querySelectorAll("[data-view]")) {
  if (other !== view) other.remove(); // a name of a field or of a step stands once in a page
}
view.hidden = false;
for (const link of document.querySelectorAll("nav a[aria-current]")) link.removeAttribute("aria-current");
const current = name === "queue" ? queueUrl : roundUrl;
for (const link of document.querySelectorAll(`nav a[href="${current}"]`)) link.setAttribute("aria-current", "page");
document.body.classList.toggle("at-door", name === "visit");

async function fillInOrTell() {
  try {
    await fillIn(view);
  } catch (error) {
    console.error(error);
    show("[data-unread]");
  }
}

if (canKeep()) fillInOrTell();
