// Drawers by name: answers/<answer>.js and media/<medium>.js, loaded as the served models need them.
//
// Such a file exports its `drawer` (outputs.js and inputs.js state what it has) and its `words`,
// the sentences that no other file uses. It may import what lies in parts/, elements.js and words.js.

const NAME = /^[a-z0-9-]+$/; // a name becomes part of an address
const PARTS = { answers: ["brief", "draw"], media: ["field"] }; // what a drawer must have

const loading = new Map(); // path: a promise that settles once the file is loaded or has failed
const drawers = new Map(); // path: drawer

/** Loads the drawers of the inputs and the declared answer of each model. */
export function loadModels(models) {
  const media = models.flatMap(({ inputs }) => Object.values(inputs).map(({ medium }) => medium));
  return Promise.all([...loadAll("media", media), ...loadAll("answers", models.map(({ answer }) => answer))]);
}

/** Loads the drawers of predictions, which may be of a kind that their model does not declare. */
export const loadAnswers = (predictions) => Promise.all(loadAll("answers", predictions.map(({ answer }) => answer)));

/** The drawer of that name; undefined where it has no file, or one that could not be loaded. */
export const drawerOf = (folder, name) => drawers.get(`${folder}/${name}`);

const loadAll = (folder, names) => names.filter(isName).map((name) => load(folder, name));

const isName = (name) => typeof name === "string" && NAME.test(name);

function load(folder, name) {
  const path = `${folder}/${name}`;
  if (!loading.has(path)) loading.set(path, imported(folder, path));
  return loading.get(path);
}

/** Never fails: without its own file an answer or an input is shown generically. */
async function imported(folder, path) {
  try {
    const { drawer } = await import(`./${path}.js`);
    const missing = PARTS[folder].filter((part) => typeof drawer?.[part] !== "function");
    if (missing.length) throw new TypeError(`its drawer lacks ${missing.join(", ")}`);
    drawers.set(path, drawer);
  } catch (error) {
    console.warn(`${path}.js cannot be used: ${error.message}`);
  }
}
