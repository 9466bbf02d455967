// When and where a photo was taken, as its camera wrote it. A canvas keeps nothing of that, so it is read from the file
// of the camera and written into the small one, from which the server takes it out again. Device, owner, thumbnail and
// whatever else a camera writes do not leave the phone.
import "../vendor/exifreader/exif-reader.js";

const TIME = ["DateTimeOriginal", "OffsetTimeOriginal"];
const PLACE = ["GPSLatitudeRef", "GPSLatitude", "GPSLongitudeRef", "GPSLongitude"];
const ASCII = 2, LONG = 4, RATIONAL = 5; // kinds of values in EXIF
const EXIF_POINTER = 0x8769, GPS_POINTER = 0x8825;
const BEGIN = Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8); // the first directory stands right behind
const TIME_AT = BEGIN.length + 2 + 2 * 12 + 4; // that has two entries
const WORDS = /^[ -~]{1,40}$/;

// What the camera wrote, by the names of the tags; empty where it wrote nothing that can be read.
async function wordsOf(file) {
  try {
    const includeTags = { exif: [...TIME, ...PLACE] };
    return globalThis.ExifReader.load(await file.arrayBuffer(), { expanded: true, includeTags }).exif ?? {};
  } catch {
    return {};
  }
}

const longs = (numbers) => {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((number, at) => view.setUint32(4 * at, number));
  return new Uint8Array(view.buffer);
};

// An entry of a directory: a tag with one text, or with degrees, minutes and seconds; null for anything else.
function entryOf({ id, value } = {}) {
  if (!Array.isArray(value)) return null;
  if (typeof value[0] === "string") {
    if (!WORDS.test(value[0])) return null;
    const bytes = new TextEncoder().encode(`${value[0]}\0`);
    return { id, kind: ASCII, count: bytes.length, bytes };
  }
  const numbers = value.flat();
  const isAngle = value.length === 3 && numbers.length === 6 && numbers.every((one) => Number.isInteger(one) && one >= 0);
  return isAngle ? { id, kind: RATIONAL, count: 3, bytes: longs(numbers) } : null;
}

// A directory that begins at `at`, with its values behind it.
function directory(entries, at) {
  const head = new DataView(new ArrayBuffer(2 + 12 * entries.length + 4));
  const parts = [head.buffer];
  let free = at + head.byteLength;
  head.setUint16(0, entries.length);
  for (const [index, { id, kind, count, bytes }] of entries.entries()) {
    const place = 2 + 12 * index;
    head.setUint16(place, id);
    head.setUint16(place + 2, kind);
    head.setUint32(place + 4, count);
    if (bytes.length <= 4) {
      new Uint8Array(head.buffer).set(bytes, place + 8);
    } else {
      head.setUint32(place + 8, free);
      parts.push(bytes, new Uint8Array(bytes.length % 2)); // values begin at even places
      free += bytes.length + (bytes.length % 2);
    }
  }
  return { parts, end: free };
}

const pointer = (id, to) => ({ id, kind: LONG, count: 1, bytes: longs([to]) });

function exifOf(time, place) {
  const times = directory(time, TIME_AT);
  const places = directory(place, times.end);
  const first = directory([pointer(EXIF_POINTER, TIME_AT), pointer(GPS_POINTER, times.end)], BEGIN.length);
  return { parts: [BEGIN, ...first.parts, ...times.parts, ...places.parts], end: places.end };
}

// The JPEG that was made of a file, with when and where the camera took it, where it says so.
export async function withPlaceOf(file, jpeg) {
  const words = await wordsOf(file);
  const [time, place] = [TIME, PLACE].map((names) => names.map((name) => entryOf(words[name])).filter(Boolean));
  if (!time.length && !place.length) return jpeg;
  const name = new TextEncoder().encode("Exif\0\0");
  const { parts, end } = exifOf(time, place);
  const length = 2 + name.length + end;
  const segment = Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff);
  return new Blob([jpeg.slice(0, 2), segment, name, ...parts, jpeg.slice(2)], { type: jpeg.type });
}
