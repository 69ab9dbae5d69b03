// Draws the OpenAPI document of this server: its routes, what each takes and what it gives.

const at = (id) => document.getElementById(id);

/** An element with text or children; text is never read as HTML. */
function make(tag, content = "", attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

const resolved = (schema, all) => (schema.$ref ? all[schema.$ref.split("/").at(-1)] : schema);

/** A schema in a few words: `array of string`, `number or null`. */
function words(schema, all) {
  const plain = resolved(schema, all) ?? {};
  if ("const" in plain) return JSON.stringify(plain.const);
  if (plain.enum) return plain.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (plain.anyOf) return plain.anyOf.map((one) => words(one, all)).join(" or ");
  if (plain.type === "array") return plain.items?.contentMediaType ? "several files" : `array of ${plain.items ? words(plain.items, all) : "values"}`;
  if (plain.contentEncoding) return `${plain.contentEncoding} of ${plain.contentMediaType}`;
  if (plain.contentMediaType) return "a file";
  if (plain.type === "object" && !plain.properties && plain.additionalProperties) {
    return `object of ${words(plain.additionalProperties, all)} by name`;
  }
  return [plain.type ?? "value"].flat().join(" or ");
}

function remarks(schema) {
  const found = schema.description ? [schema.description] : [];
  if (schema.minimum !== undefined) found.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) found.push(`to ${schema.maximum}`);
  if (schema.default !== undefined) found.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.maxItems) found.push(`at most ${schema.maxItems}`);
  if (schema.examples) found.push(`such as ${schema.examples.slice(0, 8).join(", ")}`);
  return found.join(", ");
}

/** Rows of an object's keys as deep as it goes, names joined by dots. */
function rows(schema, all, prefix = "", depth = 0) {
  const plain = resolved(schema, all) ?? {};
  if (plain.anyOf && depth < 6) return plain.anyOf.flatMap((one) => rows(one, all, prefix, depth + 1));
  if (plain.type === "array" && plain.items) return rows(plain.items, all, `${prefix}[]`, depth + 1);
  if (!plain.properties || depth > 6) return [];
  return Object.entries(plain.properties).flatMap(([name, one]) => {
    const path = prefix ? `${prefix}.${name}` : name;
    const needed = plain.required?.includes(name) ? "" : "optional";
    const inner = resolved(one, all) ?? {};
    const note = [needed, remarks(inner)].filter(Boolean).join(", ");
    return [[path, words(one, all), note], ...rows(one, all, path, depth + 1)];
  });
}

function table(schema, all) {
  const head = make("tr", ["key", "type", "remarks"].map((text) => make("th", text, { scope: "col" })));
  const seen = new Set();
  const body = rows(schema, all)
    .filter(([path, type]) => !seen.has(path + type) && seen.add(path + type))
    .map(([path, type, note]) => make("tr", [make("td", make("code", path)), make("td", type), make("td", note)]));
  if (!body.length) return make("p", words(schema, all));
  return make("div", make("table", [make("thead", head), make("tbody", body)]), { class: "table" });
}

/** A command that asks the route, with a placeholder for every file. */
function command(path, body, all, secured) {
  const address = new URL(`.${path}`, document.baseURI).href;
  const parts = ["curl"];
  if (secured) parts.push('-H "Authorization: Bearer $TENFOLD_TOKEN"');
  const form = body?.content?.["multipart/form-data"]?.schema;
  for (const [name, one] of Object.entries(form?.properties ?? {})) {
    if (!form.required?.includes(name)) continue;
    const part = one.type === "array" && one.items ? one.items : one;
    parts.push(part.contentMediaType ? `-F ${name}=@FILE` : `-F '${name}=...'`);
  }
  return make("pre", make("code", [...parts, address].join(" ")));
}

function operation(path, method, one, document_) {
  const all = document_.components?.schemas ?? {};
  const title = make("h3", [make("span", method.toUpperCase(), { class: "method" }), make("code", path)]);
  const found = [title, make("p", one.summary ?? ""), command(path, one.requestBody, all, document_.security)];
  for (const [type, { schema }] of Object.entries(one.requestBody?.content ?? {})) {
    found.push(make("h4", `Takes ${type}`), table(schema, all));
  }
  for (const [status, answer] of Object.entries(one.responses)) {
    const schema = answer.content?.["application/json"]?.schema;
    if (!schema) continue;
    const name = status === "default" ? "Any other status: a code and a request id" : `Gives ${status}`;
    found.push(make("details", [make("summary", name), table(schema, all)], status === "200" ? { open: "" } : {}));
  }
  return make("section", found);
}

function draw(document_) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const name = one.tags?.[0] ?? "models";
      groups.set(name, [...(groups.get(name) ?? []), operation(path, method, one, document_)]);
    }
  }
  const sections = [...groups].map(([name, each]) => make("section", [make("h2", name, { id: `model-${name}` }), ...each]));
  at("routes").replaceChildren(...sections);
  const links = [...groups.keys()].map((name) => make("li", make("a", name, { href: `#model-${name}` })));
  at("contents").replaceChildren(make("ul", links));
}

async function load(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch("openapi.json", { headers });
  at("unlock").hidden = answer.status !== 401;
  if (answer.ok) draw(await answer.json());
  else at("routes").replaceChildren(make("p", answer.status === 401 ? "Nothing is shown without it." : `The server answers ${answer.status}.`));
}

at("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  load(at("token").value);
});
load();
