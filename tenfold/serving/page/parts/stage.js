// The picture that was handed over, with layers drawn over it, and colours of classes.

import { make } from "../elements.js";
import { bytes, say, tell } from "../words.js";

const WARM = [222, 98, 18];
const COOL = [38, 104, 196];
const SMALL = 128; // below this many pixels a side, a picture is shown with hard edges
const SMOOTH = 96; // pixels a side of a drawn heat map

/** Colours of classes, told apart by colour-blind people too (M. Okabe and K. Ito 2008). */
const TONES = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167],
  [86, 180, 233], [213, 94, 0], [240, 228, 66], [130, 130, 130],
];

const SHADES = [[0, 1], [255, 0.5], [0, 0.6]];

/** "r g b" of the class with this number. */
export const tone = (index) => rgb(index).join(" ");

/** [r, g, b] of the class with this number; after the last tone lighter ones follow, then darker ones. */
export function rgb(index) {
  const [white, part] = SHADES[Math.floor(Math.max(0, index) / TONES.length) % SHADES.length];
  const own = TONES[((index % TONES.length) + TONES.length) % TONES.length];
  return own.map((value) => Math.round(white * (1 - part) + part * value));
}

/** A frame with one picture; `shown` settles once it is drawn, with whether the browser could. */
export function stage(file) {
  const address = URL.createObjectURL(file);
  const image = make("img", { alt: () => say("picture_alt", { name: file.name }), draggable: "false" });
  const frame = make("div", { class: "frame" }, image);
  const facts = make("figcaption", { text: () => say("file_facts", named(file)) });
  const element = make("figure", { class: "stage" }, make("div", { class: "room" }, frame), facts);
  const shown = loaded(image, address).then((could) => settle(could, { image, frame, facts, file }));
  return { element, shown, frame, close: () => URL.revokeObjectURL(address), ...layers(frame) };
}

const named = (file) => ({ name: file.name, size: bytes(file.size) });

function loaded(image, address) {
  return new Promise((settled) => {
    image.addEventListener("load", () => settled(true));
    image.addEventListener("error", () => settled(false));
    image.src = address;
  });
}

function settle(could, { image, frame, facts, file }) {
  if (!could) {
    frame.replaceChildren(make("p", { class: "soft", text: () => say("no_preview") }));
    frame.classList.add("blank");
    return false;
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  frame.style.setProperty("--ratio", String(width / height));
  frame.classList.toggle("coarse", Math.max(width, height) < SMALL);
  tell(facts, () => say("picture_facts", { ...named(file), width, height }));
  return true;
}

function layers(frame) {
  const clear = () => {
    frame.querySelectorAll(".layer").forEach((layer) => layer.remove());
    frame.classList.remove("grey");
  };
  const lay = (node) => {
    node.classList.add("layer");
    node.setAttribute("aria-hidden", "true"); // the answer beside it says the same in words
    frame.append(node);
    return node;
  };
  return { clear, lay, grey: (on) => frame.classList.toggle("grey", on) };
}

// --- heat ---

/** A smooth map of a grid of weights (rows, columns): warm speaks for the answer, blue against. */
export function heat(grid) {
  const most = Math.max(...grid.flat().map(Math.abs), 1e-12);
  return painted(SMOOTH, SMOOTH, (x, y) => {
    const weight = between(grid, (y + 0.5) / SMOOTH, (x + 0.5) / SMOOTH) / most;
    const strength = Math.min(1, Math.abs(weight)) ** 0.8;
    return [...(weight > 0 ? WARM : COOL), Math.round(235 * strength)];
  });
}

/** The value of a grid at a place in fractions: Catmull and Rom's spline in both directions. */
function between(grid, down, across) {
  const column = (row) => spline(grid[row], across);
  return spline(grid.map((_, row) => row), down, column);
}

function spline(values, place, read = (value) => value) {
  const exact = place * values.length - 0.5;
  const at = Math.floor(exact);
  const t = exact - at;
  const near = [-1, 0, 1, 2].map((step) => {
    return read(values[Math.min(values.length - 1, Math.max(0, at + step))]);
  });
  const [a, b, c, d] = near;
  const value = b + (t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))) / 2;
  return Math.min(Math.max(...near), Math.max(Math.min(...near), value)); // never beyond its neighbours
}

/** A canvas of [r, g, b, a] by place. */
export function painted(width, height, colour) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) image.data.set(colour(x, y), 4 * (y * width + x));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
