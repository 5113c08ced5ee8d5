"use strict";
// What is beside the timeline: a point's change, the difference of two, a history, the databases.

function drawPoint() {
  const point = POINTS[state.at], [name, ...facts] = factsOf(state.at);
  const kind = point.id ? `${point.kind} ` : "";
  const here = databasesAt(point).map((database) => `${database.name} is here`);
  byId("title").textContent = point.title;
  byId("facts").textContent = [`${kind}${name}`, ...facts, ...here].join("  ·  ");
}

function drawChange() {
  const point = POINTS[state.at];
  const changes = point.changes === null
    ? note(`Not known: ${point.reason}`) : changesElement(point.changes, "Nothing in the schema.");
  byId("change").replaceChildren(
    point.message ? make("p", { class: "message" }, point.message) : "",
    make("h3", {}, "What it changes"), changes,
    point.kind === "revision" ? termsElement(point) : "");
}

function termsElement(point) {
  const sure = point.tie === "verified" ? "" : ` (${point.tie}: not sure)`;
  const terms = {
    Follows: point.follows ? point.follows.map(pointLink) : "nothing: it is the first",
    Commit: point.commit ? `${point.commit.slice(0, 8)} ${point.subject}` : "in no commit yet",
    Models: point.models ? `as of ${point.models.slice(0, 8)}${sure}` : "in no commit",
    File: code(point.path),
    "In full": code(`gitmig show ${point.id}`),
  };
  const pair = ([name, value]) => [make("dt", {}, name), make("dd", {}, value)];
  return make("dl", {}, Object.entries(terms).flatMap(pair));
}

/** What leads to a revision, or its id if it is not among them. */
function pointLink(id) {
  const at = POINTS.findIndex((point) => point.kind === "revision" && point.id === id);
  return at < 0 ? code(id) : link(`${id} ${POINTS[at].title}`, { at, tab: "change" });
}

/** Changes table by table, with signs first: a colour alone does not show what they are. */
function changesElement(changes, nothing) {
  if (!changes.length) return note(nothing);
  return make("ul", { class: "changes" }, byTable(changes).map((group) => make("li", { class: "group" },
    make("span", { class: "line", "data-sign": group.sign },
      group.sign === "~" ? null : signElement(group.sign), tableLink(group.table)),
    linesOf(group.changes))));
}

const linesOf = (changes) => make("ul", {}, changes.map((change) => make("li",
  { class: "line", "data-sign": signOf(change) }, signElement(signOf(change)), code(lineOf(change)))));

const tableLink = (table) =>
  table ? link(table, { tab: "history", subject: table }) : make("strong", {}, "outside of all tables");

/** What can be compared: base, the databases, and every point, newest first. */
function sides() {
  const databases = DATA.databases.map((database, n) => [`database ${n}`, `database ${database.name}`]);
  const points = POINTS.map((point, place) => [address(place), `${named(place)}  ${point.title}`]);
  return [["base", "base (nothing)"], ...databases, ...points.reverse()];
}

/** The schema of a side: a number, null for base, undefined where it is not known. */
function schemaOf(side) {
  if (side === "base") return null;
  if (!side.startsWith("database ")) return POINTS[placeOf(side)]?.schema ?? undefined;
  const database = DATA.databases[Number(side.slice(9))];
  return database?.heads.length === 0 ? null : database?.schema ?? undefined;
}

function drawDifference() {
  const from = state.from ?? address(POINTS[state.at].parents[0]), to = state.to ?? address(state.at);
  for (const [id, value] of [["from", from], ["to", to]]) {
    byId(id).replaceChildren(...sides().map(([side, text]) => make("option", { value: side }, text)));
    byId(id).value = value;
  }
  const found = compared(schemaOf(from), schemaOf(to));
  byId("differs").replaceChildren(...found, commandElement([from, to]));
}

function compared(one, other) {
  if (one === undefined || other === undefined) return [note("The tables of one of the two are not known.")];
  const [a, b] = [one, other].map((schema) => (schema === null ? null : DATA.schemas[schema].dialect));
  if (a && b && a !== b) return [note(`One is for ${a}, the other for ${b}: they cannot be compared.`)];
  const changes = differenceOf(one, other);
  const renames = renamesIn(changes).map((line) => make("li", {}, code(line)));
  announce(counted(changes.length, "difference"));
  return [
    changes.length ? make("p", { class: "count" }, counted(changes.length, "difference")) : "",
    changesElement(changes, "They have the same schema."),
    ...(renames.length ? [make("p", {}, "Renamed?"), make("ul", { class: "plain" }, renames)] : []),
  ];
}

/** How to have the difference as statements; databases are named otherwise there. */
function commandElement(names) {
  if (names.some((side) => side.startsWith("database "))) return "";
  const words = names.map((side) => (side === "worktree" ? "." : side)).join(" ");
  return make("p", { class: "hint" }, "As statements: ", code(`gitmig diff ${words} --sql`));
}

const UNKNOWN = POINTS.filter((point) => point.kind === "revision" && point.changes === null).length;
const subjectName = ([table, column]) => (column === null ? table : `${table}.${column}`);

function drawHistory() {
  const subject = DATA.histories.find((one) => subjectName(one) === state.subject), out = byId("history");
  const names = (subjects) => make("ul", { class: "names" }, subjects.map((one) =>
    make("li", {}, link(one[1] ?? one[0], { tab: "history", subject: subjectName(one) }))));
  if (!subject) {
    const tables = DATA.histories.filter(([, column]) => column === null);
    out.replaceChildren(make("p", {}, "Find a table or a column above, or choose a table:"), names(tables));
    return;
  }
  const [table, column, steps] = subject;
  const columns = column === null ? DATA.histories.filter((one) => one[0] === table && one[1] !== null) : [];
  const shows = { tab: "tables", focus: table, filter: "", at: lastWith(table) };
  out.replaceChildren(
    make("h3", {}, subjectName(subject)),
    make("p", {}, make("button", { type: "button", onclick: () => follow(shows) }, "Show the table"), " ",
      column === null ? "" : tableLink(table)),
    steps.length ? make("ol", { class: "steps" }, steps.map(stepElement)) : note("It is not known."),
    UNKNOWN ? note(`What ${counted(UNKNOWN, "revision")} changed is not known: it may be missing here.`) : "",
    ...(columns.length ? [make("h4", {}, "Its columns, and those that it had"), names(columns)] : []),
    make("p", { class: "hint" }, "On the command line: ", code(`gitmig why ${subjectName(subject)}`)));
  announce(`${subjectName(subject)}: ${counted(steps.length, "change")}`);
}

/** The point that is shown if it has the table, else the newest that has it. */
function lastWith(table) {
  const has = (place) => facetsOf(POINTS[place].schema)?.has(`table\0${table}\0`);
  let place = POINTS.length - 1;
  if (has(state.at)) return state.at;
  while (place > 0 && !has(place)) place--;
  return place;
}

const stepElement = ([at, changes, renamed]) => make("li", {},
  link(POINTS[at].title, { at, tab: "change" }),
  make("span", { class: "facts" }, factsOf(at).join("  ")), linesOf(changes),
  renamed ? make("p", { class: "hint" }, `Renamed from ${renamed}?`) : null);

function drawDatabases() {
  const nothing = "This clone has moved or looked at no database yet: gitmig status looks at it.";
  const known = DATA.databases.length
    ? make("p", {}, "What this clone knew of them when the page was written.") : note(nothing);
  byId("databases").replaceChildren(known, ...DATA.databases.map(databaseElement));
}

function databaseElement(database) {
  const heads = database.heads.flatMap((head) => [pointLink(head), " "]);
  return make("section", {}, make("h3", {}, database.name), make("dl", {},
    make("dt", {}, "At"), make("dd", {}, heads.length ? heads : "base: no revision is applied"),
    make("dt", {}, "As of"), make("dd", {}, minute(database.time))),
  database.moves.length ? movesElement(database) : null);
}

function movesElement(database) {
  const row = (move) => [
    minute(move.time), move.direction === "upgrade" ? "▲ upgrade" : "▼ downgrade",
    pointLink(move.revision), move.who,
  ];
  const head = ["When", "What", "Revision", "Who"].map((name) => make("th", { scope: "col" }, name));
  const rows = database.moves.map((move) => make("tr", {}, row(move).map((cell) => make("td", {}, cell))));
  const region = { class: "wide", tabindex: 0, role: "region", "aria-label": `Moves of ${database.name}` };
  return make("div", region, make("table", {}, make("caption", {}, "Moved from this clone by"),
    make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)));
}
