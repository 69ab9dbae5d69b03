// A sound: a file, or one recorded with the microphone.

import { record } from "../parts/capture.js";
import { played, source, zone } from "../parts/zone.js";
import { saying, tell } from "../words.js";

export const words = {
  en: {
    drop: "Drop a recording here, or choose one",
    record: "Record",
    stop_record: "Stop ({time})",
    no_microphone: "The browser gives no microphone here: it needs permission, and https or localhost.",
    missing: "Choose or record a sound first.",
  },
  zh: {
    drop: "把录音拖到这里，或点击选择",
    record: "录音",
    stop_record: "停止（{time}）",
    no_microphone: "浏览器在这里不提供麦克风：需要授权，并且地址为 https 或 localhost。",
    missing: "请先选择或录制一段声音。",
  },
};
const say = saying(words);

const FACTS = {
  type: "audio",
  accept: "audio/*",
  drop: () => say("drop"),
  show: played("audio"),
  live: microphone,
  low: true,
};

export const drawer = {
  missing: () => say("missing"),
  field: (name, input, events) => zone(FACTS, events),
};

function microphone(hand) {
  let running = null;
  const toggle = async () => {
    if (running) {
      const file = await running.stop();
      running = null;
      tell(press, () => say("record"));
      hand([file]);
    } else {
      running = await record((time) => tell(press, () => say("stop_record", { time })));
    }
  };
  const { press, nodes } = source(() => say("record"), toggle, () => say("no_microphone"));
  return nodes;
}
