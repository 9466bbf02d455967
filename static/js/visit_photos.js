// Photos of a visit: made small before they are sent, shown, and taken out again.
import { withPlaceOf } from "./photo_place.js";

const LONGEST_SIDE = 1600;
const QUALITY = 0.8;
const TILE = 240;

async function draw(source, longest) {
  const picture = await createImageBitmap(source, { imageOrientation: "from-image" });
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas;
}

// The photo made small; null where the file is no picture that a browser can read.
async function shrink(file) {
  try {
    const canvas = await draw(file, LONGEST_SIDE);
    const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return small && new File([await withPlaceOf(file, small)], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" });
  } catch {
    return null;
  }
}

async function tileOf(file, words, remove) {
  const tile = document.createElement("div");
  const button = document.createElement("button");
  const icon = document.createElement("i");
  button.type = "button";
  button.className = "rm";
  button.setAttribute("aria-label", words.remove);
  icon.className = "ti ti-x";
  button.append(icon);
  button.addEventListener("click", remove);
  const canvas = await draw(file, TILE);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words.photo);
  tile.append(canvas, button);
  return tile;
}

// Takes over the strip of photos; `changed(files)` is called after each change by hand, and waited for.
export function photoStrip(strip, changed) {
  const input = strip.querySelector("input[type=file]");
  const add = input.closest(".add");
  const note = document.querySelector("[data-photo-note]");
  const refused = document.querySelector("[data-photos-refused]");
  let files = [];
  let made = Promise.resolve();
  strip.classList.add("live");

  function hand() {
    const list = new DataTransfer();
    for (const file of files) list.items.add(file);
    input.files = list.files;
  }

  async function show() {
    const shown = [...files];
    const tiles = await Promise.all(shown.map((file) => tileOf(file, strip.dataset, () => drop(file))));
    if (shown.some((file, at) => file !== files[at]) || shown.length !== files.length) return; // changed meanwhile
    for (const tile of strip.querySelectorAll(":scope > :not(.add)")) tile.remove();
    add.before(...tiles); // which stays where it is, with the focus that may be on it
    add.hidden = files.length >= Number(strip.dataset.most);
    const size = Math.ceil(files.reduce((sum, file) => sum + file.size, 0) / 1024);
    const words = note.dataset.photoNote.replace("{number}", files.length).replace("{size}", size);
    note.textContent = files.length ? words : "";
  }

  async function drop(file) {
    files = files.filter((one) => one !== file);
    hand();
    await show();
    input.focus(); // its button has gone
    changed(files);
  }

  async function take(chosen) {
    files.push(...chosen);
    hand(); // what was chosen before stays, also if the form is sent at this moment
    const small = await Promise.all(chosen.map(shrink));
    files = files.map((file) => (chosen.includes(file) ? small[chosen.indexOf(file)] : file)).filter(Boolean);
    hand();
    const unreadable = chosen.filter((_file, at) => !small[at]).map((file) => file.name);
    refused.textContent = refused.dataset.photosRefused.replace("{names}", unreadable.join(", "));
    refused.hidden = !unreadable.length;
    await show();
    await changed(files);
  }

  input.addEventListener("change", () => {
    made = Promise.allSettled([made, take([...input.files])]);
  });

  return {
    made: () => made, // until all that was chosen is small and kept
    restore(kept) {
      files = [...kept];
      hand();
      return show();
    },
  };
}
