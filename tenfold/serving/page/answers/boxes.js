// Things in a picture: {boxes: [label, x0, y0, x1, y1] in fractions, scores} beside each other, and
// the confidence `threshold` from which a box counts as found. A slider hides the less certain ones.

import { make, table } from "../elements.js";
import { named, slider } from "../parts/places.js";
import { tone } from "../parts/stage.js";
import { saying, share, tell } from "../words.js";

export const words = {
  en: {
    count: "Objects found: {count}",
    none: "Nothing was found",
    table: "What was found, where",
    place: "Place (left, top, right, bottom)",
    confidence: "Least confidence",
    shown: "{least}: {shown} of {count}",
  },
  zh: {
    count: "找到的物体：{count}",
    none: "没有找到物体",
    table: "找到的物体及其位置",
    place: "位置（左、上、右、下）",
    confidence: "最低置信度",
    shown: "{least}：显示 {shown} 个，共 {count} 个",
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
    const lines = [...shown.querySelectorAll("tbody tr")];
    if (layer) lit(lines, layer.children);
    return make("div", {}, filtered(all, [lines, [...(layer?.children ?? [])]]), shown);
  },
};

/** The boxes; each class has a number, in the order of the names, and with it a colour. */
function found({ boxes, scores = [] }) {
  const labels = [...new Set(boxes.map(([label]) => label))].sort();
  return boxes.map(([label, ...place], row) => {
    return { label, place: place.slice(0, 4), score: place[4] ?? scores[row], index: labels.indexOf(label) };
  });
}

/** A slider that hides what is less certain, in each of `lists`; null where nothing has a score. */
function filtered(all, lists) {
  const scores = all.map(({ score }) => score).filter((score) => score !== undefined);
  if (!scores.length) return null;
  const least = Math.floor(100 * Math.min(...scores));
  const beside = make("output", { class: "soft" });
  const set = (percent) => {
    const hidden = all.map(({ score = 1 }) => score < percent / 100);
    for (const nodes of lists) nodes.forEach((node, row) => (node.hidden = hidden[row]));
    const shown = hidden.filter((one) => !one).length;
    tell(beside, () => say("shown", { least: (percent / 100).toFixed(2), shown, count: all.length }));
  };
  return slider(() => say("confidence"), least, set, { least, beside });
}

/** Frames with their names; places are fractions of the picture's sides. */
function frames(boxes) {
  return make("div", { class: "boxes" }, boxes.map(({ label, place, score, index }) => {
    const [x0, y0, x1, y1] = place.map((value) => 100 * Math.min(1, Math.max(0, value)));
    const look = { left: `${x0}%`, top: `${y0}%`, width: `${x1 - x0}%`, height: `${y1 - y0}%` };
    const text = () => (score === undefined ? label : `${label} ${score.toFixed(2)}`);
    const name = make("span", { class: y0 < 8 ? "inside" : "", text });
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
