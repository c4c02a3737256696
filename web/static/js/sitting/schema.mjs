// Completions from a JSON Schema for YAML in block style: keys where one begins, values after a colon.

/** `{from, options}` for CodeMirror at `position` of `text`, null where the schema says nothing. */
export function completions(schema, text, position, explicit) {
  const begin = text.lastIndexOf("\n", position - 1) + 1;
  const typed = text.slice(begin, position);
  if (typed.includes("#")) return null;
  const value = /^(\s*(?:- )*)([\w.-]+):\s+(\S*)$/.exec(typed);
  if (value) {
    const at = under(schema, path(text.slice(0, begin), value[1].length));
    const of = resolve(schema, property(schema, at, value[2]));
    return offer(position - value[3].length, values(schema, of));
  }
  const key = /^(\s*(?:- )*)([\w.-]*)$/.exec(typed);
  if (!key || (!key[2] && !explicit)) return null;
  return offer(position - key[2].length, keys(schema, under(schema, path(text.slice(0, begin), key[1].length))));
}

function offer(from, options) {
  return options.length ? { from, options, validFor: /^[\w.-]*$/ } : null;
}

// The keys above the place, from the outermost: each is indented less than the one below it.
function path(before, indent) {
  const found = [];
  let limit = indent;
  for (const line of before.split("\n").reverse()) {
    const known = /^(\s*(?:- )*)([\w.-]+):/.exec(line);
    if (!known || known[1].length >= limit) continue;
    found.unshift(known[2]);
    limit = known[1].length;
  }
  return found;
}

function under(schema, keysAbove) {
  return keysAbove.reduce((at, key) => resolve(schema, property(schema, at, key)), resolve(schema, schema));
}

function property(schema, at, key) {
  for (const one of branches(schema, at)) {
    if (one.properties?.[key]) return one.properties[key];
    if (typeof one.additionalProperties === "object") return one.additionalProperties;
  }
  return null;
}

// References followed, list items entered, alternatives spread out.
function branches(schema, at) {
  const one = resolve(schema, at);
  if (!one) return [];
  const inner = [...(one.anyOf ?? []), ...(one.oneOf ?? []), ...(one.allOf ?? []), ...(one.items ? [one.items] : [])];
  return [one, ...inner.flatMap((other) => branches(schema, other))];
}

function resolve(schema, at) {
  let one = at;
  for (let depth = 0; one?.$ref && depth < 10; depth++) {
    one = one.$ref.split("/").slice(1).reduce((part, name) => part?.[name], schema);
  }
  return one;
}

function keys(schema, at) {
  const found = new Map();
  for (const one of branches(schema, at)) for (const [key, of] of Object.entries(one.properties ?? {})) found.set(key, of);
  return [...found].map(([key, of]) => ({ label: key, type: "property", apply: `${key}: `, detail: about(schema, of) }));
}

function values(schema, at) {
  const found = new Map();
  for (const one of branches(schema, at)) {
    for (const value of one.enum ?? ("const" in one ? [one.const] : one.type === "boolean" ? [true, false] : [])) {
      found.set(String(value), { label: String(value), type: "enum" });
    }
  }
  return [...found.values()];
}

function about(schema, of) {
  const said = of?.description ?? resolve(schema, of)?.description ?? "";
  return said.length > 60 ? `${said.slice(0, 57)}…` : said;
}
