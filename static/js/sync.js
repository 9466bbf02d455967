// Sends what waits on this phone, one visit after the other, each until the server has answered. Whatever goes wrong on
// the way leaves the visit where it is.
import { contentOf, markAttempted, settle, waitingOf } from "./queue.js";

export const VERSION = 1; // of the messages, see collection/syncing.py
const ANSWER_WITHIN_MS = 60_000;
const HELLO_WITHIN_MS = 10_000;
const MANY = new Set(["photos"]); // fields of the form that hold several values

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
    if (!MANY.has(name)) told[name] = value;
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
  return { state: answer.status === 403 ? "no_right" : "offline" };
}

const DONE = new Set(["recorded", "flagged", "deleted"]);

async function sendAll(person) {
  const waiting = await waitingOf(person);
  let sent = 0;
  const greeted = {};
  for (const { visit, project } of waiting) {
    const url = `/p/${project}/visits/sync/`;
    const greeting = (greeted[url] ??= await hello(url));
    if (greeting.state) return { state: greeting.state, sent };
    if (greeting.version !== VERSION) return { state: "outdated", sent };
    if (String(greeting.person) !== person) return { state: "other_person", sent };
    const record = await contentOf(person, visit);
    if (!record || record.state !== "waiting") continue;
    await markAttempted(visit, record.revision);
    const answer = await post(url, record, greeting.token).catch(() => ({ state: "offline" }));
    if (answer.state !== "refused" && !DONE.has(answer.state)) return { state: answer.state, sent };
    await settle(record, answer);
    if (DONE.has(answer.state)) sent += 1;
  }
  return { state: waiting.length ? "done" : "nothing", sent };
}

// One tab at a time sends; the others leave it to that one. Answers { state, sent }.
export async function sync(person) {
  if (!navigator.locks) return sendAll(person);
  return navigator.locks.request(`desk-sync-${person}`, { ifAvailable: true }, (lock) =>
    lock ? sendAll(person) : { state: "busy", sent: 0 },
  );
}
