"use strict";
// The list of points, newest first, with the graph beside it.

const CELL = 9, ROW = 58, BETWEEN = 14;

function drawTimeline() {
  const parents = new Set(POINTS.flatMap((point) => point.parents));
  const items = POINTS.map((point, place) => itemElement(point, place, parents.has(place)));
  byId("timeline").replaceChildren(...items.reverse());
  byId("timeline").addEventListener("keydown", step);
}

function itemElement(point, place, hasChildren) {
  const badges = [
    ...(point.tags ?? []).map((tag) => badge("tag", tag)),
    ...databasesAt(point).map((database) => badge("database", shortly(database.name))),
    point.head ? make("span", { class: "badge" }, "head") : null,
    point.schema === null ? make("span", { class: "badge" }, "not known") : null,
  ];
  const goes = { type: "button", "data-place": place, tabindex: -1, onclick: () => go({ at: place }) };
  const headline = make("span", { class: "headline" }, point.title);
  const facts = make("span", { class: "facts" }, factsOf(place).join("  "));
  const button = make("button", goes,
    make("span", { class: "words" }, headline, facts), make("span", { class: "badges" }, badges));
  return make("li", { class: point.kind.replace(" ", "-") }, graphElement(point, hasChildren), button);
}

const badge = (kind, text) =>
  make("span", { class: `badge ${kind}` }, make("span", { class: "unseen" }, `${kind} `), text);

/** The last part of a database's name, which tells most of it. */
const shortly = (name) => name.split("/").pop() || name;

/** The characters of the drawing as lines: what leads to the row, and the row itself. */
function graphElement(point, hasChildren) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const wide = Math.max(...point.graph.map((line) => line.length)) * CELL + CELL;
  const tall = (point.graph.length - 1) * BETWEEN + ROW;
  svg.setAttribute("width", wide);
  svg.setAttribute("height", tall);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  const strokes = point.graph.flatMap((line, n) => {
    const last = n === point.graph.length - 1;
    const height = last ? ROW : BETWEEN;
    return [...line].map((char, at) => stroke(char, at, n * BETWEEN, height, point, hasChildren));
  });
  path.setAttribute("d", strokes.join(""));
  const dot = document.createElementNS(svg.namespaceURI, "circle");
  dot.setAttribute("cx", (point.graph.at(-1).indexOf("*") + 0.5) * CELL);
  dot.setAttribute("cy", tall - ROW / 2);
  dot.setAttribute("r", point.kind === "revision" ? 5 : 3);
  svg.append(path, dot);
  return svg;
}

function stroke(char, at, y, tall, point, hasChildren) {
  const x = (n) => (n + 0.5) * CELL;
  if (char === "|") return `M${x(at)} ${y}v${tall}`;
  if (char === "/") return `M${x(at + 1)} ${y}L${x(at - 1)} ${y + tall}`;
  if (char === "\\") return `M${x(at - 1)} ${y}L${x(at + 1)} ${y + tall}`;
  if (char === "_") return `M${x(at - 1)} ${y + tall}H${x(at + 1)}`;
  if (char !== "*") return "";
  const begin = hasChildren ? y : y + tall / 2, end = point.parents.length ? y + tall : y + tall / 2;
  return `M${x(at)} ${begin}V${end}`;
}

/** Mark the point that is chosen, and have it in sight. */
function markTimeline() {
  for (const button of byId("timeline").querySelectorAll("button")) {
    const here = Number(button.dataset.place) === state.at;
    button.tabIndex = here ? 0 : -1;
    here ? button.setAttribute("aria-current", "true") : button.removeAttribute("aria-current");
    if (here) inSight(button.parentElement);
  }
}

/** Scroll the list, and nothing around it. */
function inSight(item) {
  const list = byId("timeline");
  const [outer, inner] = [list, item].map((one) => one.getBoundingClientRect());
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top + 8;
  if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + 8;
}

function step(event) {
  const buttons = [...byId("timeline").querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const end = buttons.length - 1;
  const ways = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8, Home: 0, End: end };
  const next = ways[event.key];
  if (next === undefined || at < 0) return;
  event.preventDefault();
  const button = buttons[Math.min(end, Math.max(0, next))];
  go({ at: Number(button.dataset.place) });
  button.focus({ preventScroll: true });
}
