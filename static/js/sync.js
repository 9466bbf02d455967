// Sends what waits on this phone, one visit after the other, each until the server has answered. Whatever goes wrong on
// the way leaves the visit where it is.
import { isFull } from "./phone_store.js";
import { contentOf, markAttempted, settle, waitingOf } from "./queue.js";

export const VERSION = 1; // of the messages, see collection/syncing.py
const ANSWER_WITHIN_MS = 60_000;
const HELLO_WITHIN_MS = 10_000;
const MANY = new Set(["also"]); // fields of the form that hold several values

const json = { Accept: "application/json" };

async function hello(url) {
  try {
    const answer = await fetch(url, { headers: json, redirect: "manual", signal: AbortSignal.timeout(HELLO_WITHIN_MS) });
    if (answer.type === "opaqueredirect" || answer.status === 401) return { state: "signed_out" };
    if (answer.status === 403 || answer.status === 404) return { state: "no_right" };
    if (!answer.ok) return { state: "offline" };
    return await answer.json();
  } catch {
    return { state: "offline" };
  }
}

function messageOf(record) {
  const told = { client_id: record.visit, revision: record.revision, case: Number(record.entry.case) };
  if (record.removed) return { ...told, deleted: true };
  for (const [name, value] of record.fields) {
    if (MANY.has(name)) (told[name] ??= []).push(value);
    else told[name] = value;
  }
  return { ...told, client_id: record.visit };
}

async function post(url, record, token) {
  const body = new FormData();
  body.append("version", VERSION);
  body.append("person", record.person);
  body.append("visit", JSON.stringify(messageOf(record)));
  for (const [name, file] of record.files) body.append(name, file, file.name);
  const headers = { ...json, "X-CSRFToken": token };
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
  if (answer.type === "opaqueredirect") return { state: "signed_out" };
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) return answer.json();
  if (answer.status === 413) return { state: "refused", errors: [{ field: "photos", key: "too_large" }] };
  if (answer.status === 403 || answer.status === 404) return { state: "no_right" };
  return { state: AWAY.has(answer.status) ? "offline" : "failed" };
}

const DONE = new Set(["recorded", "flagged", "deleted"]);
const AWAY = new Set([408, 429, 502, 503, 504]); // of the way there; anything else is about this one visit
const OF_ALL = new Set(["offline", "signed_out", "other_person", "outdated"]); // these end the round of sending

// A phone without room for the mark sends all the same: only what has arrived makes room again.
function unlessFull(error) {
  if (!isFull(error)) throw error;
  return true;
}

async function sendAll(person) {
  const waiting = await waitingOf(person);
  let sent = 0;
  let worst = "done";
  const greeted = {};
  for (const { visit, project } of waiting) {
    const url = `/p/${project}/visits/sync/`;
    const greeting = (greeted[url] ??= await hello(url));
    if (OF_ALL.has(greeting.state)) return { state: greeting.state, sent };
    if (greeting.state) {
      worst = greeting.state; // this project's visits wait, those of others go on
      continue;
    }
    if (greeting.version !== VERSION) return { state: "outdated", sent };
    if (String(greeting.person) !== person) return { state: "other_person", sent };
    const record = await contentOf(person, visit);
    if (!record || record.state !== "waiting") continue;
    const isThere = await markAttempted(visit, record.revision).catch(unlessFull);
    if (!isThere) continue; // removed or corrected while it was read
    const answer = await post(url, record, greeting.token).catch(() => ({ state: "offline" }));
    if (OF_ALL.has(answer.state)) return { state: answer.state, sent };
    if (answer.state !== "refused" && !DONE.has(answer.state)) {
      worst = answer.state;
      continue;
    }
    await settle(record, answer);
    if (DONE.has(answer.state)) sent += 1;
  }
  return { state: waiting.length ? worst : "nothing", sent };
}

// One tab at a time sends; the others leave it to that one. Answers { state, sent }.
export async function sync(person) {
  if (!navigator.locks) return sendAll(person);
  return navigator.locks.request(`desk-sync-${person}`, { ifAvailable: true }, (lock) =>
    lock ? sendAll(person) : { state: "busy", sent: 0 },
  );
}
