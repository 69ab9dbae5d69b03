// Answers about places of a picture: boxes around things, and a class for every pixel.

import { make, table } from "./elements.js";
import { NOT_JUDGED, frames, regions, tone } from "./stage.js";
import { say, share } from "./words.js";

const swatch = (index) => make("i", { class: "swatch", "aria-hidden": "true", look: { "--tone": tone(index) } });
const named = (index, name) => {
  return make("span", { class: "legend" }, index === NOT_JUDGED ? null : swatch(index), make("bdi", { text: name }));
};

/** A slider for how much is seen of what lies over the picture. */
export function opacity(layer, start = 60) {
  const input = make("input", { type: "range", min: "0", max: "100", value: String(start), label: () => say("opacity") });
  const set = () => (layer.style.opacity = String(input.valueAsNumber / 100));
  input.addEventListener("input", set);
  set();
  return make("label", { class: "slider" }, make("span", { text: () => say("opacity") }), input);
}

// --- boxes: [label, x0, y0, x1, y1] in fractions, `scores` beside them ---

const found = ({ boxes: rows, scores = [] }) => {
  const labels = [...new Set(rows.map(([label]) => label))];
  return rows.map(([label, ...place], row) => {
    return { label, place: place.slice(0, 4), score: place[4] ?? scores[row], index: labels.indexOf(label) };
  });
};

export const boxes = {
  brief: (answer) => (answer.boxes.length ? say("boxes_brief", { count: answer.boxes.length }) : say("boxes_none")),
  draw: (answer, view) => {
    const all = found(answer);
    if (!all.length) return make("div");
    const layer = view.stage?.lay(frames(all));
    const rows = all.map(({ label, place, score, index }) => {
      return [named(index, label), () => (score === undefined ? "" : share(score)), () => place.map(share).join(", ")];
    });
    const shown = table(() => say("boxes_table"), ["what", "certainty", "place"].map((key) => () => say(key)), rows);
    if (layer) lit(shown.querySelectorAll("tbody tr"), layer.children);
    return shown;
  },
};

/** The box of the row under the pointer stands out. */
function lit(rows, marks) {
  rows.forEach((row, place) => {
    row.addEventListener("pointerenter", () => marks[place].classList.add("lit"));
    row.addEventListener("pointerleave", () => marks[place].classList.remove("lit"));
  });
}

// --- mask: a grid of class ids (rows, columns), `classes` names them, 255 = not judged ---

function shares(grid) {
  const counts = new Map();
  for (const id of grid.flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
  const total = grid.length * grid[0].length;
  return [...counts].map(([id, count]) => [id, count / total]).sort(([, a], [, b]) => b - a);
}

const className = (id, classes) => (id === NOT_JUDGED ? say("not_judged") : String(classes?.[id] ?? id));

export const mask = {
  brief: ({ mask: grid, classes }) => {
    const [[id, part]] = shares(grid);
    return say("mask_brief", { label: className(id, classes), share: share(part) });
  },
  draw: ({ mask: grid, classes }, view) => {
    const rows = shares(grid).map(([id, part]) => [named(id, () => className(id, classes)), () => share(part)]);
    const shown = table(() => say("mask_table"), [() => say("what"), () => say("share")], rows);
    const layer = view.stage?.lay(regions(grid));
    return make("div", {}, shown, layer ? opacity(layer) : null);
  },
};
