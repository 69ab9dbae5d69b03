// A film, as a file.

import { played, zone } from "../parts/zone.js";
import { saying } from "../words.js";

export const words = {
  en: { drop: "Drop a clip here, or choose one", missing: "Choose a clip first." },
  zh: { drop: "把视频拖到这里，或点击选择", missing: "请先选择一段视频。" },
};
const say = saying(words);

const FACTS = { type: "video", accept: "video/*", drop: () => say("drop"), show: played("video"), low: true };

export const drawer = {
  missing: () => say("missing"),
  field: (name, input, events) => zone(FACTS, events),
};
