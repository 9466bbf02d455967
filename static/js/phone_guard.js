// What lies on this phone for the way from door to door goes when its owner signs out, or when somebody else signs in.
// Visits that wait are never touched: they are sealed under the key of whoever recorded them.
const { person } = document.body.dataset;
const WHO = "desk-person";
const GO = "desk-wipe";

async function wipe() {
  const names = (await globalThis.caches?.keys()) ?? [];
  await Promise.all(names.filter((name) => name.startsWith("shells-")).map((name) => caches.delete(name)));
  const { canKeep, database } = await import("./phone_store.js");
  if (canKeep()) await (await database()).clear("rounds");
  localStorage.removeItem(GO);
}

try {
  const before = localStorage.getItem(WHO);
  const isAnother = person && before && before !== person;
  if (person) localStorage.setItem(WHO, person);
  if (isAnother) localStorage.setItem(GO, "yes");
  if (localStorage.getItem(GO)) wipe().catch(() => null); // what could not be finished is tried again on the next page
  document.addEventListener("submit", ({ target }) => {
    if (!target.hasAttribute("data-sign-out")) return;
    localStorage.setItem(GO, "yes");
    wipe().catch(() => null);
  });
} catch {
  // a browser without a store of its own has nothing to wipe either
}
