// Camera and microphone: pictures as JPEG, sound as 16-bit WAV at the microphone's own rate.

import { button, make } from "../elements.js";
import { clock, say } from "../words.js";

// As it was heard: what makes calls pleasant changes what a model hears.
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** A picture taken by a person, or null where they cancel; throws where there is no camera. */
export async function photograph() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const video = make("video", { autoplay: true, muted: true, playsInline: true });
  video.srcObject = stream;
  try {
    return await asked(video);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
  }
}

function asked(video) {
  const title = () => say("camera_title");
  const dialog = make("dialog", { class: "camera", label: title }, make("h2", { text: title }), video);
  let picture = null;
  const take = async () => {
    picture = await still(video);
    dialog.close();
  };
  const strong = button(() => say("take"), take, { class: "strong", disabled: true });
  const cancel = button(() => say("cancel"), () => dialog.close());
  video.addEventListener("loadeddata", () => {
    strong.disabled = false;
    strong.focus();
  });
  dialog.append(make("div", { class: "buttons" }, strong, cancel));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((settled) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      settled(picture);
    });
  });
}

async function still(video) {
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((settled) => canvas.toBlob(settled, "image/jpeg", 0.92));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}

/** Starts recording; `stop()` gives the file. Throws where there is no microphone. */
export async function record(tick) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
  const listener = new AudioWorkletNode(context, "recorder");
  const blocks = [];
  listener.port.onmessage = ({ data }) => {
    blocks.push(data);
    tick(clock((blocks.length * data.length) / context.sampleRate));
  };
  context.createMediaStreamSource(stream).connect(listener).connect(context.destination);
  const stop = async () => {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    return wav(blocks, context.sampleRate);
  };
  return { stop };
}

/** Blocks of samples from -1 to 1 as a mono WAV file. */
export function wav(blocks, rate) {
  const samples = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  header(view, samples, rate);
  let place = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(place, Math.round(32767 * Math.min(1, Math.max(-1, sample))), true);
      place += 2;
    }
  }
  return new File([view.buffer], "recording.wav", { type: "audio/wav" });
}

/** RIFF, one channel, 16 bits. */
function header(view, samples, rate) {
  const text = (place, word) => [...word].forEach((c, i) => view.setUint8(place + i, c.charCodeAt(0)));
  const long = (place, value) => view.setUint32(place, value, true);
  const short = (place, value) => view.setUint16(place, value, true);
  text(0, "RIFF"), long(4, 36 + 2 * samples), text(8, "WAVEfmt ");
  long(16, 16), short(20, 1), short(22, 1), long(24, rate), long(28, 2 * rate), short(32, 2), short(34, 16);
  text(36, "data"), long(40, 2 * samples);
}
