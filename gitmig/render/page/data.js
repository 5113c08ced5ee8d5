"use strict";
// What the page knows: facets, schemas, points. Everything that is text stays text.

const DATA = JSON.parse(document.getElementById("data").textContent);
const POINTS = DATA.points;
const KIND = 0, TABLE = 1, NAME = 2, DEFINITION = 3, LABEL = 4, BODY = 5;
const KINDS = ["schema", "table", "column", "primary key", "foreign key", "unique", "check", "index", "enum",
  "sequence", "comment"];

/** An element with attributes (`on…` are listeners) and children: elements, or text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const code = (text) => make("code", {}, text);
const note = (text) => make("p", { class: "empty" }, text);
/** A button that looks like a link and leads somewhere else on the page. */
const link = (text, goal) =>
  make("button", { type: "button", class: "link", onclick: () => follow(goal) }, text);

const byId = (id) => document.getElementById(id);
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const minute = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
const label = (facet) => facet[LABEL] ?? facet[NAME];
const body = (facet) => (facet[BODY] ?? facet[DEFINITION]).replace(/\s+/g, " ").trim();
const keyOf = (facet) => `${facet[KIND]}\0${facet[TABLE]}\0${facet[NAME]}`;

/** The databases that are at a point. */
const databasesAt = (point) =>
  DATA.databases.filter((database) => point.kind === "revision" && database.heads.includes(point.id));

/** What tells a point from others: its name, its day, its author. */
function factsOf(place) {
  const point = POINTS[place];
  return [named(place), point.time && day(point.time), point.author].filter(Boolean);
}

/** A point as people name it. */
function named(place) {
  const point = POINTS[place];
  return { commit: point.id.slice(0, 8), revision: point.id }[point.kind] ?? point.kind;
}

const known = new Map();
/** The facets of a schema by their keys: the one before it, and what differs. */
function facetsOf(schema) {
  if (schema === null || schema === undefined) return null;
  if (!known.has(schema)) {
    let base = schema;
    while (base >= 0 && !known.has(base)) base--;
    const numbers = new Set(base >= 0 ? known.get(base).numbers : []);
    for (let one = base + 1; one <= schema; one++) {
      DATA.schemas[one].del.forEach((number) => numbers.delete(number));
      DATA.schemas[one].add.forEach((number) => numbers.add(number));
    }
    const facets = new Map([...numbers].map((number) => [keyOf(DATA.facets[number]), number]));
    known.set(schema, { numbers, facets });
  }
  return known.get(schema).facets;
}

const order = (number) => {
  const facet = DATA.facets[number], rank = KINDS.indexOf(facet[KIND]);
  return [facet[KIND] === "schema" ? 0 : facet[TABLE] ? 1 : 2, facet[TABLE], rank, facet[NAME]];
};
const compare = (one, other) => {
  const [a, b] = [order(one), order(other)];
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return a[n] < b[n] ? -1 : 1;
  return 0;
};

/** What leads from one schema to another: pairs of facets, before and after, -1 for none. */
function differenceOf(from, to) {
  const [old, now] = [from === null ? new Map() : facetsOf(from), to === null ? new Map() : facetsOf(to)];
  const changes = [];
  for (const [key, number] of old) {
    const after = now.get(key) ?? -1;
    const same = after !== -1 && DATA.facets[after][DEFINITION] === DATA.facets[number][DEFINITION];
    if (!same) changes.push([number, after]);
  }
  for (const [key, number] of now) if (!old.has(key)) changes.push([-1, number]);
  return changes.sort((one, other) => compare(Math.max(...one), Math.max(...other)));
}

const signOf = ([before, after]) => (before === -1 ? "+" : after === -1 ? "-" : "~");
const facetOf = ([before, after]) => DATA.facets[after === -1 ? before : after];

/** One change as text below its table's name. */
function lineOf(change) {
  const facet = facetOf(change);
  if (signOf(change) !== "~") return `${label(facet)} ${body(facet)}`.trim();
  const [old, now] = change.map((number) => DATA.facets[number]);
  const bodies = [body(old), body(now)];
  const plain = bodies[0] !== bodies[1] && bodies[0] && bodies[1];
  const [before, after] = plain ? bodies : [old[DEFINITION], now[DEFINITION]];
  return `${label(facet)} ${before || "nothing"} → ${after || "nothing"}`;
}

/** The changes in groups, a table each; its sign says whether the table comes or goes. */
function byTable(changes) {
  const groups = new Map();
  for (const change of changes) {
    const facet = facetOf(change);
    const group = groups.get(facet[TABLE]) ?? { table: facet[TABLE], sign: "~", changes: [] };
    groups.set(facet[TABLE], group);
    if (facet[KIND] === "table" && signOf(change) !== "~") group.sign = signOf(change);
    else group.changes.push(change);
  }
  return [...groups.values()];
}

const columnsOf = (group, sign) => group.changes.filter((change) => signOf(change) === sign).map(facetOf)
  .filter((facet) => facet[KIND] === "column");

/** Pairs of which exactly one goes and one comes with the same definition. */
function pairs(old, now) {
  const once = (list, what) => list.filter(([, other]) => other === what);
  const sure = ([, what]) => once(old, what).length === 1 && once(now, what).length === 1;
  return old.filter(sure)
    .map(([name, what]) => [name, once(now, what)[0][0]]);
}

/** What may be renames, as text. */
function renamesIn(changes) {
  const groups = byTable(changes), found = [];
  const listed = (group, sign) => columnsOf(group, sign).map((facet) => [facet[NAME], facet[DEFINITION]]);
  const whole = (sign) => groups.filter((group) => group.table && group.sign === sign)
    .map((group) => [group.table, listed(group, sign).map((column) => column.join(" ")).sort().join("\n")])
    .filter(([, columns]) => columns);
  for (const [old, now] of pairs(whole("-"), whole("+"))) found.push(`${old} → ${now}`);
  for (const group of groups.filter((one) => one.sign === "~" && one.table)) {
    for (const [one, other] of pairs(listed(group, "-"), listed(group, "+")))
      found.push(`${group.table}.${one} → ${group.table}.${other}`);
  }
  return found;
}

/** The tables of a schema: columns, keys, references and the rest, by name. */
function tablesOf(schema) {
  const tables = new Map();
  const table = (name) => {
    if (!tables.has(name)) tables.set(name, { name, columns: [], key: [], references: [], rest: [] });
    return tables.get(name);
  };
  for (const number of [...facetsOf(schema).values()].sort(compare)) {
    const facet = DATA.facets[number], key = DATA.keys[number];
    if (!facet[TABLE]) continue;
    const one = table(facet[TABLE]);
    if (facet[KIND] === "column") one.columns.push({ name: facet[NAME], type: body(facet) });
    else if (facet[KIND] === "primary key" && key) one.key = key.columns;
    else if (facet[KIND] !== "table") one.rest.push(`${label(facet)} ${body(facet)}`.trim());
    if (facet[KIND] === "foreign key" && key) one.references.push(key);
  }
  for (const one of tables.values()) one.columns.sort((a, b) => weight(one, a) - weight(one, b));
  return tables;
}

/** Keys come first, then what refers to other tables. */
function weight(table, column) {
  if (table.key.includes(column.name)) return 0;
  return table.references.some((key) => key.columns.includes(column.name)) ? 1 : 2;
}
