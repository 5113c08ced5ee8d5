"use strict";
// What is beside the timeline: a point's change, the difference of two, a history, the databases.

function drawPoint() {
  const point = POINTS[state.at], databases = DATA.databases.filter((one) => point.kind === "revision" && one.heads.includes(point.id));
  byId("title").textContent = point.title;
  const parts = [
    point.kind === "revision" ? `revision ${point.id}` : point.kind === "commit" ? `commit ${point.id.slice(0, 8)}` : "work tree",
    point.time && day(point.time), point.author,
    ...databases.map((one) => `${one.name} is here`),
  ];
  byId("facts").textContent = parts.filter(Boolean).join("  ·  ");
}

function drawChange() {
  const point = POINTS[state.at], terms = [];
  const term = (name, value) => value && terms.push(make("dt", {}, name), make("dd", {}, value));
  if (point.kind === "revision") {
    term("Follows", point.follows?.length ? point.follows.map(pointButton) : "nothing: it is the first");
    term("Commit", point.commit ? `${point.commit.slice(0, 8)} ${point.subject}` : "in no commit yet");
    term("Models", point.models ? `as of ${point.models.slice(0, 8)}${point.tie === "verified" ? "" : ` (${point.tie}: not sure)`}` : "in no commit");
    term("File", point.path && make("code", {}, point.path));
    term("In full", make("code", {}, `gitmig show ${point.id}`));
  }
  byId("change").replaceChildren(
    ...(point.message ? [make("p", { class: "message" }, point.message)] : []),
    make("h3", {}, "What it changes"),
    point.changes === null ? make("p", { class: "empty" }, `Not known: ${point.reason}`) : changesElement(point.changes, "Nothing in the schema."),
    ...(terms.length ? [make("dl", {}, terms)] : []));
}

/** A button that leads to a revision, or its id if it is not among them. */
function pointButton(id) {
  const place = POINTS.findIndex((point) => point.kind === "revision" && point.id === id);
  return place < 0 ? make("code", {}, id) : make("button", { type: "button", class: "link", onclick: () => go({ at: place }) }, `${id} ${POINTS[place].title}`);
}

/** Changes table by table, signs first, so that they are told by more than their colour. */
function changesElement(changes, nothing) {
  if (!changes.length) return make("p", { class: "empty" }, nothing);
  return make("ul", { class: "changes" }, byTable(changes).map((group) => make("li", { class: "group" },
    make("span", { class: "line", "data-sign": group.sign }, group.sign === "~" ? null : signElement(group.sign), tableButton(group.table)),
    make("ul", {}, group.changes.map((change) => make("li", { class: "line", "data-sign": signOf(change) },
      signElement(signOf(change)), make("code", {}, lineOf(change))))))));
}

function tableButton(table) {
  if (!table) return make("strong", {}, "outside of all tables");
  return make("button", { type: "button", class: "link", onclick: () => go({ tab: "history", subject: table }) }, table);
}

/** What can be compared: base, the databases, and every point, newest first. */
function sides() {
  const found = [["base", "base (nothing)"]];
  DATA.databases.forEach((database, n) => found.push([`database ${n}`, `database ${database.name}`]));
  for (let place = POINTS.length - 1; place >= 0; place--) found.push([address(place), `${named(place)}  ${POINTS[place].title}`]);
  return found;
}

/** The schema of a side: a number, null for base, undefined where it is not known. */
function schemaOf(side) {
  if (side === "base") return null;
  if (side.startsWith("database ")) {
    const database = DATA.databases[Number(side.slice(9))];
    return database.heads.length ? database.schema ?? undefined : null;
  }
  return POINTS[placeOf(side)]?.schema ?? undefined;
}

function drawDifference() {
  const from = state.from ?? address(POINTS[state.at].parents[0]), to = state.to ?? address(state.at);
  for (const [id, value] of [["from", from], ["to", to]]) {
    byId(id).replaceChildren(...sides().map(([side, text]) => make("option", { value: side }, text)));
    byId(id).value = value;
  }
  const [one, other] = [schemaOf(from), schemaOf(to)], out = byId("differs");
  if (one === undefined || other === undefined) return void out.replaceChildren(make("p", { class: "empty" }, "The tables of one of the two are not known."));
  const [a, b] = [one, other].map((schema) => (schema === null ? null : DATA.schemas[schema].dialect));
  if (a && b && a !== b) return void out.replaceChildren(make("p", { class: "empty" }, `One is for ${a}, the other for ${b}: they cannot be compared.`));
  const changes = differenceOf(one, other), renames = renamesIn(changes);
  const command = [from, to].map((side) => (side.startsWith("database ") ? null : side === "worktree" ? "." : side));
  out.replaceChildren(
    changes.length ? make("p", { class: "count" }, counted(changes.length, "difference")) : "",
    changesElement(changes, "They have the same schema."),
    ...(renames.length ? [make("p", {}, "Renamed? "), make("ul", { class: "plain" }, renames.map((line) => make("li", {}, make("code", {}, line))))] : []),
    ...(command.includes(null) ? [] : [make("p", { class: "hint" }, "As statements: ", make("code", {}, `gitmig diff ${command.join(" ")} --sql`))]));
  announce(counted(changes.length, "difference"));
}

const subjectName = ([table, column]) => (column === null ? table : `${table}.${column}`);

function drawHistory() {
  const subject = DATA.histories.find((one) => subjectName(one) === state.subject), out = byId("history");
  if (!subject) {
    const tables = DATA.histories.filter(([, column]) => column === null);
    return void out.replaceChildren(make("p", {}, "Find a table or a column above, or choose a table:"),
      make("ul", { class: "names" }, tables.map(([table]) => make("li", {}, tableButton(table)))));
  }
  const [table, column, steps] = subject;
  const columns = column === null ? DATA.histories.filter((one) => one[0] === table && one[1] !== null) : [];
  const subjectButton = (one) => make("button", { type: "button", class: "link", onclick: () => go({ subject: subjectName(one) }) }, one[1] ?? one[0]);
  out.replaceChildren(
    make("h3", {}, subjectName(subject)),
    make("p", {}, make("button", { type: "button", onclick: () => go({ tab: "tables", focus: table, filter: "", at: lastWith(table) }) }, "Show the table"), " ",
      column === null ? null : subjectButton([table, null])),
    steps.length ? make("ol", { class: "steps" }, steps.map(stepElement)) : make("p", { class: "empty" }, "No revision is known that made it."),
    ...(columns.length ? [make("h4", {}, "Its columns, and those that it had"), make("ul", { class: "names" }, columns.map((one) => make("li", {}, subjectButton(one))))] : []),
    make("p", { class: "hint" }, "On the command line: ", make("code", {}, `gitmig why ${subjectName(subject)}`)));
  announce(`${subjectName(subject)}: ${counted(steps.length, "change")}`);
}

/** The point that is shown if it has the table, else the newest that has it. */
function lastWith(table) {
  const has = (place) => POINTS[place].schema !== null && facetsOf(POINTS[place].schema).has(`table\0${table}\0`);
  let place = POINTS.length - 1;
  if (has(state.at)) return state.at;
  while (place > 0 && !has(place)) place--;
  return place;
}

function stepElement([place, changes, renamed]) {
  const point = POINTS[place], facts = [named(place), point.time && day(point.time), point.author].filter(Boolean);
  return make("li", {},
    make("button", { type: "button", class: "link", onclick: () => go({ at: place, tab: "change" }) }, point.title),
    make("span", { class: "facts" }, facts.join("  ")),
    make("ul", {}, changes.map((change) => make("li", { class: "line", "data-sign": signOf(change) },
      signElement(signOf(change)), make("code", {}, lineOf(change))))),
    renamed ? make("p", { class: "hint" }, `Renamed from ${renamed}?`) : null);
}

function drawDatabases() {
  const out = byId("databases");
  if (!DATA.databases.length) return void out.replaceChildren(make("p", { class: "empty" }, "This clone has moved or looked at no database yet: gitmig status looks at it."));
  out.replaceChildren(make("p", {}, "What this clone knew of them when the page was written."), ...DATA.databases.map(databaseElement));
}

function databaseElement(database) {
  const heads = database.heads.length ? database.heads.flatMap((head) => [pointButton(head), " "]) : ["base: no revision is applied"];
  const rows = database.moves.map((move) => make("tr", {}, make("td", {}, minute(move.time)),
    make("td", {}, move.direction === "upgrade" ? "▲ upgrade" : "▼ downgrade"), make("td", {}, pointButton(move.revision)), make("td", {}, move.who)));
  const head = make("thead", {}, make("tr", {}, ["When", "What", "Revision", "Who"].map((name) => make("th", { scope: "col" }, name))));
  return make("section", { class: "one" }, make("h3", {}, database.name),
    make("dl", {}, make("dt", {}, "At"), make("dd", {}, heads), make("dt", {}, "As of"), make("dd", {}, minute(database.time))),
    rows.length ? make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": `Moves of ${database.name}` },
      make("table", {}, make("caption", {}, "Moved from this clone by"), head, make("tbody", {}, rows))) : null);
}
