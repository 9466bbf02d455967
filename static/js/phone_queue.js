// The list of what waits on this phone, what was sent back and what has arrived today.
import { listOf, remove } from "./queue.js";

const { person, queueUrl } = document.querySelector("[data-phone]").dataset;
const words = document.querySelector("[data-words]")?.dataset;
const clock = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour: "numeric", minute: "2-digit", hour12: false });
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_whole, name) => values[name]);

function whenOf(at) {
  const moment = new Date(at);
  const options = { month: "long", day: "numeric" };
  const day = moment.toDateString() === new Date().toDateString() ? "" : `${moment.toLocaleDateString(document.documentElement.lang, options)} `;
  return day + clock(at);
}

function toldOf({ about, count, size }) {
  const photos = count ? put(words.photos, { number: count, size: Math.max(1, Math.round(size / 1024)) }) : "";
  const units = about.also.filter((unit) => unit.ticked).map((unit) => unit.unit);
  const also = units.length ? put(words.also, { units: units.join(words.listed) }) : "";
  return [`${whenOf(about.at)} ${about.words.join(words.comma)}`, also, size && photos].filter(Boolean).join(words.comma);
}

const KEYED = { too_large: words.tooLarge, removed_before: words.removedBefore };
export const errorText = ({ label, text, key }) => KEYED[key] ?? (label ? `${label}：${text}` : text);

function stateOf(record) {
  if (record.state === "refused") return ["red", words.refused];
  if (record.state === "sent") return [record.flags?.length ? "amber" : "green", put(words.sent, { time: clock(record.sentAt) })];
  return ["blue", record.removed ? words.removing : navigator.onLine ? words.today : words.waiting];
}

function rowOf(record) {
  const row = document.getElementById("queue-row").content.cloneNode(true).firstElementChild;
  const at = (name) => row.querySelector(`[data-${name}]`);
  const [colour, word] = stateOf(record);
  row.dataset.visit = record.visit;
  at("unit").textContent = record.about.unit;
  at("party").textContent = record.about.party;
  at("state").classList.add(colour);
  at("state").textContent = word;
  at("told").textContent = toldOf(record);
  const why = record.state === "refused" ? record.answer?.map(errorText) : record.flags?.map(({ text }) => text);
  at("why").textContent = why?.join("\n") ?? "";
  at("why").hidden = !why?.length;
  at("why").classList.toggle("ad-red", record.state === "refused");
  at("why").classList.toggle("ad-amber", record.state === "sent");
  if (record.state === "sent") {
    row.querySelector(".q2").remove();
    if (record.url) link(at("unit"), record.url);
    return row;
  }
  at("correct").href = `${queueUrl}?visit=${record.visit}`;
  at("correct").hidden = Boolean(record.removed);
  at("remove").hidden = Boolean(record.removed) && record.state !== "refused";
  at("remove").addEventListener("submit", (event) => {
    event.preventDefault();
    remove(record.visit, record.revision);
  });
  return row;
}

function link(element, url) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.textContent = element.textContent;
  element.replaceChildren(anchor);
}

async function render(view) {
  const { mine, others } = await listOf(person);
  for (const group of view.querySelectorAll("[data-group]")) {
    const rows = mine.filter((record) => record.state === group.dataset.group);
    group.querySelector(".qi").replaceChildren(...rows.map(rowOf));
    group.querySelector("h2 small").textContent = put(group.dataset.about, { number: rows.length });
    group.hidden = !rows.length;
  }
  const left = mine.filter((record) => record.state !== "sent").length;
  const online = Number(localStorage.getItem("desk-online"));
  const kept = view.querySelector("[data-kept]");
  kept.textContent = put(kept.dataset.kept, { number: left, time: online ? whenOf(online) : "–" });
  view.querySelector("[data-nothing]").hidden = mine.length > 0;
  const foot = view.querySelector("[data-others]");
  foot.textContent = put(foot.dataset.others, { number: others });
  foot.hidden = !others;
}

export function showQueue(view) {
  const again = () => render(view);
  for (const event of ["queue-changed"]) document.addEventListener(event, again);
  for (const event of ["online", "offline"]) addEventListener(event, again);
  return again();
}
