// What is typed at a door and not sent yet, kept on this phone: sealed under a key of the signed-in person that no
// script can read out. Where the browser has no such key (plain http), nothing is kept.
import { openDB } from "../vendor/idb/index.js";

const CIPHER = "AES-GCM";

const database = () =>
  openDB("arrears-desk", 1, {
    upgrade(db) {
      for (const store of ["keys", "drafts", "photos"]) db.createObjectStore(store);
    },
  });

async function keyOf(db, person) {
  const kept = await db.get("keys", person);
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: CIPHER, length: 256 }, false, ["encrypt", "decrypt"]);
  await db.add("keys", made, person).catch(() => null); // another tab was first: then its key counts
  return db.get("keys", person);
}

async function seal(key, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, sealed: await crypto.subtle.encrypt({ name: CIPHER, iv }, key, bytes) };
}

const unseal = (key, { iv, sealed }) => crypto.subtle.decrypt({ name: CIPHER, iv }, key, sealed);

// A draft is named `person-case`.
const personOf = (name) => name.split("-")[0];

export async function keepFields(name, visit, fields) {
  const db = await database();
  const bytes = new TextEncoder().encode(JSON.stringify(fields));
  await db.put("drafts", { visit, fields: await seal(await keyOf(db, personOf(name)), bytes) }, name);
}

export async function keepPhotos(name, files) {
  const db = await database();
  const key = await keyOf(db, personOf(name));
  const sealed = await Promise.all(files.map(async (file) => seal(key, await file.arrayBuffer())));
  await db.put("photos", sealed, name);
}

// { visit, fields, photos } of a draft, or null.
export async function recall(name) {
  const db = await database();
  const draft = await db.get("drafts", name);
  if (!draft) return null;
  const key = await keyOf(db, personOf(name));
  const fields = JSON.parse(new TextDecoder().decode(await unseal(key, draft.fields)));
  const sealed = (await db.get("photos", name)) ?? [];
  const photos = await Promise.all(
    sealed.map(async (one, at) => new File([await unseal(key, one)], `${at + 1}.jpg`, { type: "image/jpeg" })),
  );
  return { visit: draft.visit, fields, photos };
}

export async function forget(name) {
  const db = await database();
  await Promise.all([db.delete("drafts", name), db.delete("photos", name)]);
}

// The draft of a visit that the server has recorded.
export async function forgetVisit(visit) {
  const db = await database();
  for (const name of await db.getAllKeys("drafts")) {
    if ((await db.get("drafts", name)).visit === visit) await forget(name);
  }
}
