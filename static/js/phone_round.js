// Today's round from this phone. A round of another day is not shown: nobody has verified its cases since.
import { database, keyOf, unsealWords } from "./phone_store.js";
import { listOf } from "./queue.js";

const { person, project, visitUrl } = document.querySelector("[data-phone]").dataset;
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_whole, name) => values[name]);
const ESTATE = "Asia/Shanghai";

// Day and minute at the estate, wherever the phone thinks it is: `2025-11-23T10:40`.
export const nowThere = () => new Date().toLocaleString("sv-SE", { timeZone: ESTATE }).replace(" ", "T").slice(0, 16);

// The round of today, or null; an older one goes.
export async function keptRound() {
  const db = await database();
  const name = `${person}-${project}`;
  const kept = await db.get("rounds", name);
  if (!kept) return null;
  if (kept.day === nowThere().slice(0, 10)) return unsealWords(await keyOf(person), kept.words);
  await db.delete("rounds", name);
  return null;
}

function aboutOf(row, words) {
  const same = row.same.length ? put(words.same, { units: row.same.join(words.listed) }) : "";
  const last = row.last ? put(words.last, { what: row.last }) : words.never;
  return [row.age, row.reason, last, same].filter(Boolean).join(words.comma);
}

function rowOf(row, words, waiting) {
  const isOff = row.stop !== "to_visit";
  const element = document.getElementById(isOff ? "round-row-off" : "round-row").content.cloneNode(true).firstElementChild;
  const at = (name) => element.querySelector(`[data-${name}]`);
  at("room").textContent = row.room;
  if (isOff) {
    at("stop").textContent = { visited: words.visited, paid: words.paid }[row.stop] ?? words.notToday;
    at("why").textContent = row.why ?? "";
    element.classList.toggle("paid", row.stop === "paid");
    return element;
  }
  at("party").textContent = row.party;
  at("band").textContent = row.band;
  at("about").textContent = aboutOf(row, words);
  element.href = visitUrl.replace("/0/", `/${row.case}/`);
  const isQueued = waiting.has(String(row.case));
  at("go").hidden = isQueued;
  at("queued").hidden = !isQueued;
  element.classList.toggle("done", isQueued);
  return element;
}

function entranceOf({ title, rows }, words, waiting) {
  const section = document.getElementById("round-entrance").content.cloneNode(true).firstElementChild;
  section.querySelector("[data-title]").textContent = title;
  const left = rows.filter((row) => row.stop === "to_visit" && !waiting.has(String(row.case))).length;
  section.querySelector("small").textContent = put(words.count, { number: left });
  section.querySelector(".ad-card").append(...rows.map((row) => rowOf(row, words, waiting)));
  return section;
}

// The cases that a visit of the queue is for.
const casesOf = ({ entry, about }) =>
  [entry.case, ...about.also.filter((unit) => unit.ticked).map((unit) => unit.case)].map(String);

export async function showRound(view, { elsewhere }) {
  const round = await keptRound();
  view.querySelector("[data-no-round]").hidden = Boolean(round);
  view.querySelector("[data-elsewhere]").hidden = !round || !elsewhere;
  if (!round) return;
  const words = document.querySelector("[data-round-words]").dataset;
  const { mine } = await listOf(person);
  const kept = mine.filter((record) => !record.removed);
  const waiting = new Set(kept.flatMap(casesOf));
  const made = view.querySelector("[data-made]");
  const time = new Date(round.made_at).toLocaleTimeString("zh-CN", { hour: "numeric", minute: "2-digit", hour12: false });
  made.textContent = put(made.dataset.made, { time });
  view.querySelector("[data-unticked]").hidden = round.ticked;
  view.querySelector("[data-entrances]").replaceChildren(...round.entrances.map((one) => entranceOf(one, words, waiting)));
}
