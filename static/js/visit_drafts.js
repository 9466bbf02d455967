// What is typed at a door and not sent yet. A draft is named `person-case`, or `person-visit` for one that waits
// already.
import { database, keyOf, seal, sealWords, unseal, unsealWords } from "./phone_store.js";

const personOf = (name) => name.split("-")[0];

export async function keepFields(name, visit, fields) {
  const sealed = await sealWords(await keyOf(personOf(name)), fields);
  await (await database()).put("drafts", { visit, fields: sealed }, name);
}

export async function keepPhotos(name, files) {
  const key = await keyOf(personOf(name));
  const sealed = await Promise.all(files.map(async (file) => seal(key, await file.arrayBuffer())));
  await (await database()).put("photos", sealed, name);
}

// { visit, fields, photos } of a draft, or null.
export async function recall(name) {
  const db = await database();
  const draft = await db.get("drafts", name);
  if (!draft) return null;
  const key = await keyOf(personOf(name));
  const fields = await unsealWords(key, draft.fields);
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
