// Pages of the round: the application installs itself, keeps today's round, sends what waits as soon as it is opened and
// when the network is back, and says how it stands.
import { canKeep, database, isFull, keeping, keyOf, sealWords } from "./phone_store.js";
import { listOf, tidy } from "./queue.js";
import { sync } from "./sync.js";

const place = document.querySelector("[data-phone]");
const { person, project } = place.dataset;
const AGAIN_MS = 3000; // there is a network, but the server does not answer; then twice as long, and so on
const LONGEST_MS = 15 * 60_000;
const ANSWER_WITHIN_MS = 60_000;
const TOLD = ["offline", "signed_out", "other_person", "no_right", "outdated", "failed"];
let timer;
let wait = AGAIN_MS;

function tell(state) {
  for (const one of TOLD) place.querySelector(`[data-status=${one}]`).hidden = one !== state;
}

async function countOnTab() {
  const { mine } = await listOf(person);
  const left = mine.filter((record) => record.state !== "sent").length;
  for (const link of document.querySelectorAll(`nav a[href="${place.dataset.queueUrl}"]`)) {
    link.querySelector(".n")?.remove();
    if (!left) continue;
    const badge = document.createElement("span");
    badge.className = "n";
    badge.textContent = left;
    link.append(badge);
  }
}

// The worker keeps the page that opens without a network; false where it could not.
async function keepShell() {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((done) => (port1.onmessage = ({ data }) => done(data)));
  active.postMessage({ keepShell: place.dataset.queueUrl }, [port2]);
  return kept;
}

// Today's round, in place of the one before; without a network the one that is here stays.
const download = () => keeping(keepRound);

async function keepRound() {
  const headers = { Accept: "application/json" };
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = await fetch(place.dataset.downloadUrl, { headers, redirect: "manual", signal });
  const db = await database();
  const name = `${person}-${project}`;
  if (answer.status === 403 || answer.status === 404) return db.delete("rounds", name);
  if (!answer.ok) return null;
  const round = await answer.json();
  if (String(round.person) !== person) return null; // somebody else has signed in meanwhile
  if (!round.to_visit) return db.delete("rounds", name);
  await db.put("rounds", { day: round.day, words: await sealWords(await keyOf(person), round) }, name);
}

const tellFull = (error) => {
  if (isFull(error)) place.querySelector("[data-round-not-kept]").hidden = false;
};

export async function send() {
  if (!navigator.onLine) return tell("offline");
  const { state, sent } = await sync(person);
  tell(state);
  if (state === "busy") return; // another tab sends, so there is a network
  clearTimeout(timer);
  if (state === "offline" || state === "failed") timer = setTimeout(send, wait);
  wait = state === "offline" || state === "failed" ? Math.min(wait * 2, LONGEST_MS) : AGAIN_MS;
  if (state === "done" || state === "nothing") {
    localStorage.setItem("desk-online", Date.now());
    document.dispatchEvent(new CustomEvent("queue-changed"));
  }
  if (sent) await download().catch(tellFull); // who was visited need not lie here any longer
}

async function start() {
  navigator.serviceWorker?.register(place.dataset.workerUrl, { updateViaCache: "none" });
  await tidy();
  await countOnTab();
  document.addEventListener("queue-changed", countOnTab);
  addEventListener("online", send);
  addEventListener("offline", () => tell("offline"));
  await send();
  if (!navigator.onLine) return;
  await download().catch(tellFull);
  await keepShell();
  place.dataset.ready = "yes"; // from here on it opens without a network
}

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-reload]")) location.reload();
  if (target.closest("[data-send]")) send().catch(() => null);
});

if (canKeep()) start().catch(tellFull); // a phone that cannot keep anything works as long as there is a network
else place.querySelector("[data-not-kept]").hidden = false;
