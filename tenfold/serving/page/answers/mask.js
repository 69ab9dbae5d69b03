// A class for every pixel, as runs: {classes, size: [height, width], runs: [class, length, ...], objects}.

import { make, table } from "../elements.js";
import { named, opacity } from "../parts/places.js";
import { rgb } from "../parts/stage.js";
import { saying, share } from "../words.js";

export const words = {
  en: {
    most: "{label} covers most: {share}",
    nothing: "No pixel has a class",
    counted: "Objects found: {count}",
    table: "Shares of the picture",
    share: "Share",
    objects: "Objects",
    no_class: "no class",
    plane: "Plane",
  },
  zh: {
    most: "{label} 占比最大：{share}",
    nothing: "没有像素带有类别",
    counted: "找到的目标：{count}",
    table: "各类别在图中的占比",
    share: "占比",
    objects: "目标数",
    no_class: "无类别",
    plane: "平面",
  },
};
const say = saying(words);

const NO_CLASS = 255; // the number of pixels without a class
const BACKGROUND = /^[_ ]*background[_ ]*$/i;

export const drawer = {
  brief: (answer) => {
    if (answer.numbers?.length) return say("counted", { count: answer.objects.length });
    const [first] = shares(answer).filter(({ id }) => id !== NO_CLASS);
    return first ? say("most", { label: first.label(), share: share(first.part) }) : say("nothing");
  },
  draw: (answer, view) => {
    const apart = Boolean(answer.numbers?.length);
    const head = ["what", "share", ...(apart ? ["objects"] : [])].map((key) => () => say(key));
    const rows = shares(answer).map(({ id, part, label }) => {
      const shown = [named(clear(id, answer.classes) ? null : id, label), () => share(part)];
      return apart ? [...shown, String(counted(answer, id))] : shown;
    });
    const shown = table(() => say("table"), head, rows);
    return make("div", {}, shown, ...(view.stage ? overlay(answer, view.stage) : []));
  },
};

/** The classes that occur, the largest first. */
function shares({ runs, classes }) {
  const counts = new Map();
  for (let at = 0; at < runs.length; at += 2) counts.set(runs[at], (counts.get(runs[at]) ?? 0) + runs[at + 1]);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const found = [...counts].map(([id, count]) => ({ id, part: count / total, label: () => className(id, classes) }));
  return found.sort((one, other) => other.part - one.part);
}

const className = (id, classes) => (id === NO_CLASS ? say("no_class") : String(classes?.[id] ?? id));

/** Whether a class is shown without a colour: the background, and what has no class. */
const clear = (id, classes) => id === NO_CLASS || (id === 0 && BACKGROUND.test(classes[0]));

const counted = ({ objects, classes }, id) => objects.filter((one) => one.class === classes[id]).length;

// --- over the picture ---

/** The layer on the picture with its sliders: how much is seen of it and, of a stack, which plane. */
function overlay(answer, stage) {
  const [height, width] = answer.size.slice(-2);
  const planes = answer.size.length > 2 ? answer.size[0] : 1;
  const canvas = make("canvas", { width, height, class: "hard" });
  const middle = Math.floor(planes / 2);
  paint(canvas, answer, middle);
  stage.lay(canvas);
  const choice = planes > 1 ? chooser(planes, middle, (plane) => paint(canvas, answer, plane)) : null;
  return [opacity(canvas), choice].map((slider) => make("div", {}, slider));
}

function chooser(planes, start, show) {
  const facts = { type: "range", min: "0", max: String(planes - 1), value: String(start) };
  const input = make("input", { ...facts, label: () => say("plane") });
  input.addEventListener("input", () => show(input.valueAsNumber));
  return make("label", { class: "slider" }, make("span", { text: () => say("plane") }), input);
}

/** One plane in the colours of its classes; the borders of objects are darker. */
function paint(canvas, { classes, runs, numbers }, plane) {
  const { width, height } = canvas;
  const shown = unrolled(runs, plane, width * height);
  const objects = unrolled(numbers ?? [], plane, width * height);
  const [light, dark] = [1, 0.5].map((part) => colours(classes, part));
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let at = 0; at < pixels.length; at += 1) {
    pixels[at] = (bordering(objects, at, width) ? dark : light)[shown[at]];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The values of the runs of one plane, one for each pixel. */
function unrolled(runs, plane, size) {
  const values = new Uint32Array(size);
  let from = -plane * size;
  for (let at = 0; at < runs.length && from < size; at += 2) {
    const end = from + runs[at + 1];
    if (end > 0) values.fill(runs[at], Math.max(0, from), Math.min(size, end));
    from = end;
  }
  return values;
}

/** The colour of each class as the bytes of a pixel; the background and what has no class are clear. */
function colours(classes, part) {
  const bytes = new Uint8ClampedArray(4 * (NO_CLASS + 1));
  classes.forEach((_, id) => {
    if (!clear(id, classes)) bytes.set([...rgb(id).map((value) => part * value), 255], 4 * id);
  });
  return new Uint32Array(bytes.buffer);
}

/** Whether the pixel to the right or below belongs to another object. */
function bordering(objects, at, width) {
  const right = (at + 1) % width ? objects[at + 1] : objects[at];
  return right !== objects[at] || (objects[at + width] ?? objects[at]) !== objects[at];
}
