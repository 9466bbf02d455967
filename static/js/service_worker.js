// Opens the round, the visit form and the queue without a network: static files from what was kept when this worker was
// installed, pages as one shell without personal data, which the phone fills from its own store. `DESK` is written by
// the address that serves the worker.
/* global workbox, DESK */
const SHELLS = "shells-";
const MINE = SHELLS + DESK.build;
const PATIENCE_MS = 6000; // so long a page of the round may take before what is kept on the phone is shown
const ANSWER_WITHIN_MS = 60_000;
const AT_THE_DOOR = /^\/p\/[\w-]+\/(?:round|visits\/queue|cases\/\d+\/visit)\/$/;
const NO_SERVER = [502, 503, 504];

workbox.setConfig({ debug: false, modulePathCb: (name) => DESK.workbox[name] });
const { precaching, core, routing } = workbox;

precaching.precache(DESK.files);
precaching.cleanupOutdatedCaches();
if (DESK.hashed) {
  precaching.addRoute({ ignoreURLParametersMatching: [/./], cleanURLs: false, directoryIndex: null });
} else {
  // names without a hash: the newest first, and what is kept where there is no network
  routing.registerRoute(
    ({ url, sameOrigin }) => sameOrigin && precaching.getCacheKeyForURL(url.origin + url.pathname),
    ({ request, url }) => fetch(request).catch(() => precaching.matchPrecache(url.pathname)),
  );
}
core.skipWaiting();
core.clientsClaim();

// A shell needs the very files that this worker keeps: one of another build is not taken.
async function keepInTurn(url) {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = await fetch(url, { redirect: "manual", cache: "no-store", signal });
  if (answer.status === 403 || answer.status === 404) return; // no longer this person's
  if (!answer.ok || answer.headers.get("X-Desk-Build") !== DESK.build) throw new Error("no shell");
  const whole = new Response(await answer.blob(), answer); // before the one that is here goes: the network may break off
  const cache = await caches.open(MINE);
  await cache.delete(url);
  await cache.put(url, whole);
}

// A wipe waits for it, see phone_guard.js.
const keepShell = (url) =>
  navigator.locks ? navigator.locks.request("desk-kept", { mode: "shared" }, () => keepInTurn(url)) : keepInTurn(url);

async function othersShells() {
  return (await caches.keys()).filter((name) => name.startsWith(SHELLS) && name !== MINE);
}

// What an older worker kept is fetched for the new files first; without that the older one goes on.
async function takeOver() {
  for (const name of await othersShells()) {
    for (const request of await (await caches.open(name)).keys()) await keepShell(request.url);
  }
}

async function shellFor({ pathname, origin }) {
  if (!(await caches.has(MINE))) return undefined;
  const cache = await caches.open(MINE);
  const [project] = pathname.match(/^\/p\/[\w-]+\//) ?? [];
  if (project) return cache.match(`${origin}${project}visits/queue/`);
  const [latest] = (await cache.keys()).reverse();
  return latest && cache.match(latest);
}

function timeout(ms) {
  return new Promise((_done, fail) => setTimeout(() => fail(new Error("slow")), ms));
}

async function open(request) {
  const url = new URL(request.url);
  const mayWait = request.method === "GET" && AT_THE_DOOR.test(url.pathname);
  const network = fetch(request);
  network.catch(() => null);
  try {
    const answer = await (mayWait ? Promise.race([network, timeout(PATIENCE_MS)]) : network);
    return (NO_SERVER.includes(answer.status) && (await shellFor(url))) || answer;
  } catch {
    return (await shellFor(url)) ?? network;
  }
}

addEventListener("install", (event) => event.waitUntil(takeOver()));
addEventListener("activate", (event) =>
  event.waitUntil(othersShells().then((names) => Promise.all(names.map((name) => caches.delete(name))))),
);
addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(open(event.request));
});
addEventListener("message", (event) => {
  const { keepShell: url } = event.data ?? {};
  if (!url) return;
  const [port] = event.ports;
  const kept = keepShell(new URL(url, location.origin).href).then(() => true, () => false);
  event.waitUntil(kept.then((done) => port?.postMessage(done)));
});
