// A picture: a file, or one taken with the camera.

import { photograph } from "../parts/capture.js";
import { stage } from "../parts/stage.js";
import { source, zone } from "../parts/zone.js";
import { saying } from "../words.js";

export const words = {
  en: {
    drop: "Drop a picture here, or choose one",
    paste: "Pasting works too. Several at once are answered in turn.",
    camera: "Camera",
    no_camera: "The browser gives no camera here: it needs permission, and https or localhost.",
    missing: "Choose a picture first.",
  },
  zh: {
    drop: "把图片拖到这里，或点击选择",
    paste: "也可以粘贴。可一次给多个文件，逐个回答。",
    camera: "摄像头",
    no_camera: "浏览器在这里不提供摄像头：需要授权，并且地址为 https 或 localhost。",
    missing: "请先选择一张图片。",
  },
};
const say = saying(words);

const FACTS = {
  type: "image",
  accept: "image/*,.pgm,.ppm,.tif,.tiff",
  drop: () => say("drop"),
  more: () => say("paste"),
  show: stage,
  live: camera,
};

export const drawer = {
  missing: () => say("missing"),
  field: (name, input, events) => zone(FACTS, events),
};

function camera(hand) {
  const start = async () => {
    const picture = await photograph();
    if (picture) hand([picture]);
  };
  return source(() => say("camera"), start, () => say("no_camera")).nodes;
}
