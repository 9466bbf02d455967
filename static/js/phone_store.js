// What this phone keeps: drafts, visits that wait, today's round. All of it is sealed under a key of the signed-in
// person that no script can read out. Where the browser has no such key (plain http), nothing is kept.
import { openDB } from "../vendor/idb/index.js";

const CIPHER = "AES-GCM";
const STORES = [["keys", "drafts", "photos"], ["queue", "rounds"]]; // by the version that brought them

export const canKeep = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

let opened;
export function database() {
  opened ??= openDB("arrears-desk", STORES.length, {
    upgrade(db, from) {
      for (const store of STORES.slice(from).flat()) db.createObjectStore(store);
    },
    blocking(_from, _to, { target }) {
      target.close(); // a newer page needs the store
      opened = undefined;
    },
    terminated() {
      opened = undefined;
    },
  });
  opened.catch(() => (opened = undefined));
  return opened;
}

export function reopen() {
  opened?.then((db) => db.close(), () => null);
  opened = undefined;
}

export async function keyOf(person) {
  const db = await database();
  const kept = await db.get("keys", person);
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: CIPHER, length: 256 }, false, ["encrypt", "decrypt"]);
  await db.add("keys", made, person).catch((error) => {
    if (error.name !== "ConstraintError") throw error; // another tab was first: then its key counts
  });
  return db.get("keys", person);
}

export async function seal(key, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, sealed: await crypto.subtle.encrypt({ name: CIPHER, iv }, key, bytes) };
}

export const unseal = (key, { iv, sealed }) => crypto.subtle.decrypt({ name: CIPHER, iv }, key, sealed);

export const sealWords = (key, words) => seal(key, new TextEncoder().encode(JSON.stringify(words)));

export async function unsealWords(key, sealed) {
  return JSON.parse(new TextDecoder().decode(await unseal(key, sealed)));
}

export async function sealFile(key, name, file) {
  return { name, filename: file.name, type: file.type, ...(await seal(key, await file.arrayBuffer())) };
}

export async function unsealFile(key, kept) {
  return new File([await unseal(key, kept)], kept.filename, { type: kept.type });
}

// From asking the server to having kept its answer; a wipe waits for it, and the worker takes the same turns.
export const keeping = (work) =>
  navigator.locks ? navigator.locks.request("desk-kept", { mode: "shared" }, work) : work();

// The browser is asked not to throw any of it away when room gets scarce.
export const askToStay = () => navigator.storage?.persist?.().catch(() => false);

export const isFull = (error) =>
  error?.name === "QuotaExceededError" || error?.inner?.name === "QuotaExceededError";
