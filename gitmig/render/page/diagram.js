"use strict";
// The tables of a point as boxes with lines between them. The boxes are lists that can be read and walked.

const MANY = 40, ROWS = 130;
const view = { scale: 1, fitted: true, size: { w: 0, h: 0 } };
const unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

/** Draw the tables of the point that is chosen, as the tools above it say. */
function drawTables() {
  const schema = POINTS[state.at].schema ?? null;
  const held = document.activeElement?.closest?.("#canvas .head")?.dataset.table;
  byId("canvas").replaceChildren();
  byId("definition").replaceChildren();
  byId("frame").hidden = byId("tools").hidden = schema === null;
  if (schema === null) {
    byId("shown").textContent = `The tables are not known: ${POINTS[state.at].reason}`;
    return;
  }
  const tables = tablesOf(schema);
  fillFocus(tables);
  const focus = tables.has(state.focus) ? state.focus : null;
  const chosen = choose(tables, focus);
  const detail = state.detail !== "auto" ? state.detail : detailFor(chosen.map((name) => tables.get(name)));
  const detailOf = (name) => (name === focus ? "columns" : detail);
  const marks = marksOf(POINTS[state.at].changes ?? []);
  const boxes = {}, elements = {};
  for (const name of chosen) {
    const rows = rowsOf(tables.get(name), detailOf(name));
    boxes[name] = sizeOf(name, rows, marks);
    elements[name] = boxElement(tables.get(name), rows, marks, name === focus);
  }
  const links = linksOf(tables, chosen);
  byId("canvas").classList.toggle("crowded", links.length > 60);
  view.size = arrange(boxes, links.map(({ from, to }) => [from, to]), byId("frame").clientWidth - 32);
  for (const name of byPlace(chosen, boxes)) place(elements[name], boxes[name]);
  const lines = linesElement(links, boxes, tables, detailOf);
  byId("canvas").append(lines, ...byPlace(chosen, boxes).map((name) => elements[name]));
  rove(byId("canvas").querySelectorAll(".head"), held ?? focus);
  if (held) byId("canvas").querySelector('.head[tabindex="0"]')?.focus({ preventScroll: true });
  say(tables, chosen, links, focus);
  if (focus) byId("definition").append(definitionOf(tables.get(focus)));
  view.fitted ? fit() : zoom(view.scale);
  if (focus) centre(boxes[focus]);
}

/** As much of these tables as can be looked over. */
function detailFor(tables) {
  if (tables.reduce((sum, table) => sum + table.columns.length, 0) <= ROWS) return "columns";
  return tables.length <= MANY ? "keys" : "names";
}

/** Have a box in the middle of the frame, or its head at the top if it is taller than that. */
function centre(box) {
  const frame = byId("frame");
  frame.scrollLeft = (box.x + box.w / 2) * view.scale - frame.clientWidth / 2;
  const tall = box.h * view.scale, above = Math.max(0, (frame.clientHeight - tall) / 2);
  frame.scrollTop = box.y * view.scale - above;
}

/** As wide as its texts, within bounds: characters are about as wide as half of their height. */
function sizeOf(name, rows, marks) {
  const head = name.length * 8.6 + (marks.has(name) ? 52 : 34);
  const widths = rows.map((row) => (row.name + row.type).length * 7.5 + 62);
  const wide = Math.min(310, Math.max(110, head, ...widths));
  return { w: wide * unit(), h: (34 + rows.length * 23 + (rows.length ? 6 : 0)) * unit() };
}

const byPlace = (names, boxes) =>
  names.slice().sort((a, b) => boxes[a].x - boxes[b].x || boxes[a].y - boxes[b].y);

function place(element, box) {
  element.style.left = `${box.x}px`;
  element.style.top = `${box.y}px`;
  element.style.width = `${box.w}px`;
  element.style.height = `${box.h}px`;
}

function fillFocus(tables) {
  const options = [...tables.keys()].sort().map((name) => make("option", { value: name }, name));
  byId("focus").replaceChildren(make("option", { value: "" }, "all tables"), ...options);
  byId("focus").value = tables.has(state.focus) ? state.focus : "";
}

/** The names of the tables to draw: those that match the filter; around a table it and its neighbours. */
function choose(tables, focus) {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (name, word) => name.toLowerCase().includes(word);
  const matches = (table) => words.every((word) =>
    has(table.name, word) || table.columns.some((column) => has(column.name, word)));
  const near = (table) => !focus || table.name === focus ||
    table.references.some((key) => key.table === focus) ||
    tables.get(focus).references.some((key) => key.table === table.name);
  return [...tables.values()].filter((table) => near(table) && matches(table)).map((table) => table.name);
}

function rowsOf(table, detail) {
  if (detail === "names") return [];
  return detail === "columns" ? table.columns : table.columns.filter((column) => weight(table, column) < 2);
}

/** What the point changed: the sign of each table and column. */
function marksOf(changes) {
  const marks = new Map();
  for (const change of changes) {
    const facet = facetOf(change), sign = signOf(change);
    if (facet[KIND] === "table") marks.set(facet[TABLE], sign);
    else if (facet[TABLE] && !marks.has(facet[TABLE])) marks.set(facet[TABLE], "~");
    if (facet[KIND] === "column") marks.set(`${facet[TABLE]}\0${facet[NAME]}`, sign);
  }
  return marks;
}

const MEANING = { "+": "new", "~": "changed", "-": "dropped" };
/** A sign, in words for those who do not see it. */
const signElement = (sign) => sign && make("span", { class: "sign", "data-sign": sign },
  make("span", { "aria-hidden": "true" }, sign === "-" ? "−" : sign),
  make("span", { class: "unseen" }, `${MEANING[sign]}: `));

function boxElement(table, rows, marks, focused) {
  const head = make("button", {
    class: "head", type: "button", "data-table": table.name, "aria-pressed": String(focused),
    title: table.name, onclick: () => go({ focus: focused ? "" : table.name }),
  }, signElement(marks.get(table.name)), make("span", { class: "label" }, table.name));
  const markOf = (column) => marks.get(`${table.name}\0${column.name}`);
  const items = rows.map((column) => rowElement(table, column, markOf(column)));
  const list = items.length ? make("ul", { "aria-label": `columns of ${table.name}` }, items) : null;
  const named = { class: "table", "aria-label": `table ${table.name}`, "data-name": table.name };
  const box = make("article", named, head, list);
  for (const kind of ["pointerenter", "focusin"]) box.addEventListener(kind, () => light(table.name));
  for (const kind of ["pointerleave", "focusout"]) box.addEventListener(kind, () => light(null));
  return box;
}

function rowElement(table, column, sign) {
  const key = table.key.includes(column.name);
  const keys = table.references.filter((one) => one.columns.includes(column.name));
  const words = keys.length ? `refers to ${keys.map((one) => one.table).join(", ")}` : null;
  const refers = words && make("span", { class: "unseen" }, ` ${words}`);
  const meaning = [key && "primary key", words].filter(Boolean).join(", ");
  const mark = meaning
    ? make("abbr", { class: "key", title: meaning }, key ? "PK" : "FK") : make("span", { class: "key" });
  return make("li", { title: `${column.name} ${column.type}` }, mark, signElement(sign),
    make("span", { class: "label" }, column.name), make("span", { class: "type" }, column.type), refers);
}

/** Each reference between two tables that are drawn. */
function linksOf(tables, chosen) {
  const there = new Set(chosen);
  return chosen.flatMap((from) => tables.get(from).references.filter((key) => there.has(key.table))
    .map((key) => ({ from, to: key.table, column: key.columns[0], target: key.to[0] })));
}

function linesElement(links, boxes, tables, detailOf) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("width", view.size.w + 2 * ACROSS);
  svg.setAttribute("height", view.size.h + DOWN);
  for (const link of links) {
    const [one, other] = [boxes[link.from], boxes[link.to]];
    const from = one.y + rowAt(tables.get(link.from), link.column, detailOf(link.from));
    const to = other.y + rowAt(tables.get(link.to), link.target, detailOf(link.to));
    if (one === other && from === to) continue;
    const line = document.createElementNS(svg.namespaceURI, "path");
    line.setAttribute("d", curve(one, from, other, to));
    line.dataset.from = link.from;
    line.dataset.to = link.to;
    svg.append(line);
  }
  return svg;
}

function rowAt(table, column, detail) {
  const at = rowsOf(table, detail).findIndex((one) => one.name === column);
  return (at < 0 ? 17 : 34 + at * 23 + 13) * unit();
}

/** A line from the side of one box to that of another, with an arrow there. */
function curve(one, from, other, to) {
  const right = other.x > one.x + one.w, left = other.x + other.w < one.x;
  const start = left || !right ? one.x : one.x + one.w;
  const end = right ? other.x : left ? other.x + other.w : other.x;
  const bend = right ? 40 : -40, back = right ? -40 : left ? 40 : -40;
  const tip = right || !left ? -7 : 7;
  const arrow = `m${tip} -4l${-tip} 4l${tip} 4`;
  return `M${start} ${from}C${start + bend} ${from} ${end + back} ${to} ${end + tip} ${to}H${end}${arrow}`;
}

/** Have a table and its neighbours stand out; null: nothing. */
function light(name) {
  const canvas = byId("canvas"), near = new Set([name]);
  canvas.classList.toggle("lit", name !== null);
  for (const line of canvas.querySelectorAll("path")) {
    const on = line.dataset.from === name || line.dataset.to === name;
    line.classList.toggle("near", on);
    if (on) near.add(line.dataset.from).add(line.dataset.to);
  }
  for (const box of canvas.querySelectorAll(".table"))
    box.classList.toggle("near", near.has(box.dataset.name));
}

function say(tables, chosen, links, focus) {
  const all = counted(tables.size, "table");
  const some = chosen.length === tables.size ? all : `${chosen.length} of ${all}`;
  const what = focus ? `${focus} and its neighbours: ` : "";
  const next = focus ? "Choose it again for all tables." : "Choose a table to see it with its neighbours.";
  byId("shown").textContent = `${what}${some}, ${counted(links.length, "reference")} between them. ` +
    (chosen.length ? next : "No table matches.");
  announce(byId("shown").textContent);
}

/** All that a table has, as text. */
function definitionOf(table) {
  const list = (items) => make("ul", { class: "plain" }, items.map((item) => make("li", {}, code(item))));
  const keyed = (column) => (table.key.includes(column.name) ? "  (primary key)" : "");
  const columns = table.columns.map((column) => `${column.name} ${column.type}${keyed(column)}`);
  return make("section", { "aria-label": `Definition of ${table.name}` },
    make("h3", {}, table.name), list(columns), table.rest.length ? list(table.rest) : null,
    make("p", {}, link(`History of ${table.name}`, { tab: "history", subject: table.name })));
}

function zoom(scale) {
  view.scale = Math.min(2, Math.max(0.25, scale));
  const canvas = byId("canvas");
  canvas.style.width = `${view.size.w}px`;
  canvas.style.height = `${view.size.h}px`;
  canvas.style.transform = `scale(${view.scale})`;
  // What the frame scrolls is the size before it was scaled.
  canvas.style.marginRight = `${view.size.w * (view.scale - 1)}px`;
  canvas.style.marginBottom = `${view.size.h * (view.scale - 1)}px`;
}

function fit() {
  view.fitted = true;
  zoom(Math.min(1, Math.max(0.8, (byId("frame").clientWidth - 32) / (view.size.w || 1))));
}

/** The arrow keys go to the nearest table that way. */
function walk(event) {
  const head = event.target.closest?.(".head");
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!head || !way) return;
  event.preventDefault();
  const here = head.getBoundingClientRect();
  let best = null, least = Infinity;
  for (const other of byId("canvas").querySelectorAll(".head")) {
    const there = other.getBoundingClientRect();
    const [dx, dy] = [there.left - here.left, there.top - here.top];
    const along = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
    if (along > 1 && along + 2 * aside < least) [best, least] = [other, along + 2 * aside];
  }
  if (best) { rove(byId("canvas").querySelectorAll(".head"), best.dataset.table); best.focus(); }
}

/** One of several buttons can be reached by Tab, the others by arrows. */
function rove(heads, name) {
  const chosen = [...heads].find((head) => head.dataset.table === name) ?? heads[0];
  for (const head of heads) head.tabIndex = head === chosen ? 0 : -1;
}
