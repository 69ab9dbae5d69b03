// Things in a picture: {boxes: [label, x0, y0, x1, y1] in fractions, scores} beside each other.

import { make, table } from "../elements.js";
import { named } from "../parts/places.js";
import { tone } from "../parts/stage.js";
import { saying, share } from "../words.js";

export const words = {
  en: {
    count: "Objects found: {count}",
    none: "Nothing was found",
    table: "What was found, where",
    place: "Place (left, top, right, bottom)",
  },
  zh: {
    count: "找到的物体：{count}",
    none: "没有找到物体",
    table: "找到的物体及其位置",
    place: "位置（左、上、右、下）",
  },
};
const say = saying(words);

export const drawer = {
  brief: ({ boxes }) => (boxes.length ? say("count", { count: boxes.length }) : say("none")),
  draw: (answer, view) => {
    const all = found(answer);
    if (!all.length) return make("div");
    const layer = view.stage?.lay(frames(all));
    const rows = all.map(({ label, place, score, index }) => {
      return [named(index, label), () => (score === undefined ? "" : share(score)), () => place.map(share).join(", ")];
    });
    const shown = table(() => say("table"), ["what", "certainty", "place"].map((key) => () => say(key)), rows);
    if (layer) lit(shown.querySelectorAll("tbody tr"), layer.children);
    return shown;
  },
};

function found({ boxes, scores = [] }) {
  const labels = [...new Set(boxes.map(([label]) => label))];
  return boxes.map(([label, ...place], row) => {
    return { label, place: place.slice(0, 4), score: place[4] ?? scores[row], index: labels.indexOf(label) };
  });
}

/** Frames with their names; places are fractions of the picture's sides. */
function frames(boxes) {
  return make("div", { class: "boxes" }, boxes.map(({ label, place, index }) => {
    const [x0, y0, x1, y1] = place.map((value) => 100 * Math.min(1, Math.max(0, value)));
    const look = { left: `${x0}%`, top: `${y0}%`, width: `${x1 - x0}%`, height: `${y1 - y0}%` };
    const name = make("span", { class: y0 < 8 ? "inside" : "", text: label });
    return make("div", { class: "box", look: { ...look, "--tone": tone(index) } }, name);
  }));
}

/** The box of the row under the pointer stands out. */
function lit(rows, marks) {
  rows.forEach((row, place) => {
    row.addEventListener("pointerenter", () => marks[place].classList.add("lit"));
    row.addEventListener("pointerleave", () => marks[place].classList.remove("lit"));
  });
}
