// What lies on this phone for the way from door to door goes when its owner signs out, or when somebody else signs in.
// Visits that wait are never touched: they are sealed under the key of whoever recorded them.
const { person } = document.body.dataset;
const WHO = "desk-person";
const GO = "desk-wipe";

async function clear() {
  const names = (await globalThis.caches?.keys()) ?? [];
  await Promise.all(names.filter((name) => name.startsWith("shells-")).map((name) => caches.delete(name)));
  const { canKeep, database } = await import("./phone_store.js");
  if (canKeep()) await (await database()).clear("rounds");
}

// At once, and once more after what is on its way onto the phone at this moment, in another tab or in the worker, lies
// there: both keep in a turn of their own. This turn is asked for before anything else: what this very page keeps comes
// after it, and stays.
async function wipe() {
  const cleared = clear();
  await navigator.locks?.request("desk-kept", () => cleared.then(clear));
  await cleared;
  localStorage.removeItem(GO);
}

try {
  const before = localStorage.getItem(WHO);
  const isAnother = person && before && before !== person;
  if (person) localStorage.setItem(WHO, person);
  if (isAnother) localStorage.setItem(GO, "yes");
  if (localStorage.getItem(GO)) wipe().catch(() => null); // what could not be finished is tried again on the next page
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (!target.hasAttribute("data-sign-out") || defaultPrevented) return; // forms.js asks first whether it can be sent
    localStorage.setItem(GO, "yes"); // until the page after this one: what is asked for now is still answered
    clear().catch(() => null);
  });
} catch {
  // a browser without a store of its own has nothing to wipe either
}
