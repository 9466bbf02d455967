// Visits that wait on this phone. A record is named by the visit's id; what was said and photographed is sealed, and what
// the server said of it too. In the clear are only whose it is and how far it has come: waiting, refused or sent.
import { askToStay, database, isFull, keyOf, reopen, sealFile, sealWords, unsealFile, unsealWords } from "./phone_store.js";

const tabs = globalThis.BroadcastChannel && new BroadcastChannel("desk-queue"); // what one tab does the others show too
const tell = () => document.dispatchEvent(new CustomEvent("queue-changed"));
if (tabs) tabs.onmessage = tell;
const dayOf = (at) => new Date(at).toDateString();

function changed() {
  tell();
  tabs?.postMessage("changed");
}

// Puts a visit into the queue, or corrects the one that waits there: then its revision rises. `about` is what the list
// shows of it, `fields` are [name, value] pairs, `files` [name, file] pairs. The draft goes in the same step.
export async function enqueue(told, draft) {
  try {
    return await write(told, draft);
  } catch (error) {
    if (isFull(error)) throw error;
    reopen(); // the browser closes a store of its own accord now and then: once more on a new connection
    return write(told, draft);
  }
}

async function write({ person, project, entry, visit, about, fields, files }, draft) {
  const key = await keyOf(person);
  const words = await sealWords(key, { about, fields });
  const photos = await Promise.all(files.map(([name, file]) => sealFile(key, name, file)));
  askToStay();
  const db = await database();
  const at = db.transaction(["queue", "drafts", "photos"], "readwrite");
  const before = await at.objectStore("queue").get(visit);
  const record = {
    visit, person, project, entry,
    revision: before ? before.revision + 1 : 1,
    attempted: before?.attempted ?? false,
    state: "waiting",
    savedAt: Date.now(),
    size: files.reduce((sum, [, file]) => sum + file.size, 0),
    count: files.length,
    words, photos,
  };
  await at.objectStore("queue").put(record, visit);
  await at.objectStore("drafts").delete(draft);
  await at.objectStore("photos").delete(draft);
  await at.done;
  changed();
  return record;
}

// What a record is about and says. What an older page put here names no other units.
async function wordsOf(key, record) {
  const words = await unsealWords(key, record.words);
  return { ...words, about: { also: [], ...words.about } };
}

async function recordsOf(person) {
  const all = await (await database()).getAll("queue");
  return all.filter((record) => record.person === person).sort((one, other) => one.savedAt - other.savedAt);
}

export const waitingOf = async (person) => (await recordsOf(person)).filter((record) => record.state === "waiting");

// All records of a person with what they are about; those of others are only counted.
export async function listOf(person) {
  const key = await keyOf(person);
  const mine = await recordsOf(person);
  const others = (await (await database()).getAll("queue")).filter(
    (record) => record.person !== person && record.state !== "sent",
  );
  const shown = await Promise.all(
    mine.map(async (record) => ({ ...record, ...(await wordsOf(key, record)), photos: undefined })),
  );
  return { mine: shown, others: others.length };
}

// What a record says: its fields and files; null where it is gone or belongs to somebody else.
export async function contentOf(person, visit) {
  const record = await (await database()).get("queue", visit);
  if (!record || record.person !== person) return null;
  const key = await keyOf(person);
  const words = await wordsOf(key, record);
  const files = await Promise.all(record.photos.map(async (one) => [one.name, await unsealFile(key, one)]));
  return { ...record, ...words, files };
}

// Answers whether the record was there as it is meant.
async function change(visit, revision, alter) {
  const at = (await database()).transaction("queue", "readwrite");
  const record = await at.store.get(visit);
  const isMeant = record?.revision === revision;
  if (isMeant) await alter(record, at.store);
  await at.done;
  changed();
  return isMeant;
}

// From now on the server may have it, whether or not an answer comes. False where it was removed or corrected meanwhile.
export const markAttempted = (visit, revision) =>
  change(visit, revision, (record, store) => store.put({ ...record, attempted: true }, visit));

// What the server said of a record that `contentOf` gave. One that was corrected meanwhile goes on waiting with its
// higher revision. What is sent leaves nothing here but that it was sent.
export async function settle({ visit, revision, person, about, fields }, { state, errors, flags, url }) {
  const key = await keyOf(person);
  const refused = { refused: errors, deleted: [{ key: "removed_before" }] }[state];
  const words = await sealWords(key, refused ? { about, fields, answer: refused } : { about, fields: [], flags, url });
  return change(visit, revision, (record, store) => {
    if (record.removed && state !== "refused") return store.delete(visit);
    if (refused) return store.put({ ...record, words, state: "refused" }, visit);
    return store.put({ ...record, words, photos: [], size: 0, state: "sent", sentAt: Date.now() }, visit);
  });
}

// Takes a record off the phone. Where the server may have it, its removal waits to be sent instead.
export const remove = (visit, revision) =>
  change(visit, revision, (record, store) => {
    if (!record.attempted || (record.removed && record.state === "refused")) return store.delete(visit);
    const removal = { removed: true, revision: revision + 1, state: "waiting", photos: [], size: 0, count: 0 };
    return store.put({ ...record, ...removal }, visit);
  });

// Of what was sent before today nothing is left.
export async function tidy() {
  const db = await database();
  for (const record of await db.getAll("queue")) {
    if (record.state === "sent" && dayOf(record.sentAt) !== dayOf(Date.now())) await db.delete("queue", record.visit);
  }
}
