// A class for every pixel: {mask: a grid of class ids (rows, columns), classes: their names}.

import { make, table } from "../elements.js";
import { named, opacity } from "../parts/places.js";
import { painted, rgb } from "../parts/stage.js";
import { saying, share } from "../words.js";

export const words = {
  en: {
    most: "{label} covers most: {share}",
    table: "Shares of the picture",
    share: "Share",
    not_judged: "not judged",
  },
  zh: {
    most: "{label} 占比最大：{share}",
    table: "各类别在图中的占比",
    share: "占比",
    not_judged: "未判断",
  },
};
const say = saying(words);

const NOT_JUDGED = 255; // the id of pixels without a class

export const drawer = {
  brief: ({ mask, classes }) => {
    const [[id, part]] = shares(mask);
    return say("most", { label: className(id, classes), share: share(part) });
  },
  draw: ({ mask, classes }, view) => {
    const rows = shares(mask).map(([id, part]) => {
      return [named(id === NOT_JUDGED ? null : id, () => className(id, classes)), () => share(part)];
    });
    const shown = table(() => say("table"), [() => say("what"), () => say("share")], rows);
    const layer = view.stage?.lay(regions(mask));
    return make("div", {}, shown, layer ? opacity(layer) : null);
  },
};

function shares(grid) {
  const counts = new Map();
  for (const id of grid.flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
  const total = grid.length * grid[0].length;
  return [...counts].map(([id, count]) => [id, count / total]).sort(([, a], [, b]) => b - a);
}

const className = (id, classes) => (id === NOT_JUDGED ? say("not_judged") : String(classes?.[id] ?? id));

/** The grid in the tones of its classes; what is not judged stays clear. */
function regions(grid) {
  const canvas = painted(grid[0].length, grid.length, (x, y) => {
    const id = grid[y][x];
    return id === NOT_JUDGED ? [0, 0, 0, 0] : [...rgb(id), 255];
  });
  canvas.classList.add("hard");
  return canvas;
}
