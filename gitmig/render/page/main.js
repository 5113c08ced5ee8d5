"use strict";
// What is shown is in the address after #, so that it can be passed on and the browser's way back works.

const TABS = ["change", "tables", "difference", "history", "databases"];
const DRAW = {
  change: drawChange, tables: drawTables, difference: drawDifference, history: drawHistory,
  databases: drawDatabases,
};
const FRESH = { tab: "change", focus: "", filter: "", detail: "auto", subject: "", from: null, to: null };
let state = { at: POINTS.length - 1, ...FRESH };

/** A point in the address. */
const address = (place) => (place === undefined ? "base" : POINTS[place].id || "worktree");
const placeOf = (word) => POINTS.findIndex((_, place) => address(place) === word);

/** Show something else. */
function go(change) {
  const next = { ...state, ...change };
  if ("at" in change && !("from" in change)) next.from = next.to = null;
  const words = new URLSearchParams({ at: address(next.at), tab: next.tab });
  for (const name of ["focus", "filter", "detail", "subject", "from", "to"])
    if (next[name] && next[name] !== FRESH[name]) words.set(name, next[name]);
  location.hash = words.toString();
  read();
}

/** The same for a link: the focus goes along, since the link may be gone. */
function follow(change) {
  go(change);
  byId("main").focus({ preventScroll: true });
}

let drawn = null;

/** Read the address, and draw what it says. */
function read() {
  // Setting the address says so a moment later: then it is drawn already.
  if (location.hash === drawn) return;
  drawn = location.hash;
  const words = new URLSearchParams(location.hash.slice(1)), at = placeOf(words.get("at"));
  state = { at: at < 0 ? POINTS.length - 1 : at };
  for (const name of Object.keys(FRESH)) state[name] = words.get(name) ?? FRESH[name];
  if (!TABS.includes(state.tab)) state.tab = "change";
  show();
}

function show() {
  markTimeline();
  drawPoint();
  for (const name of TABS) {
    const here = name === state.tab, tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(here));
    tab.tabIndex = here ? 0 : -1;
    byId(name).hidden = !here;
  }
  for (const id of ["filter", "detail"]) if (byId(id).value !== state[id]) byId(id).value = state[id];
  byId("said").textContent = "";
  DRAW[state.tab]();
}

/** What a screen reader says. */
function announce(text) {
  byId("said").textContent = text;
}

function tabKeys(event) {
  const at = TABS.indexOf(state.tab), count = TABS.length;
  const ways = { ArrowRight: (at + 1) % count, ArrowLeft: (at + count - 1) % count, Home: 0, End: count - 1 };
  const next = ways[event.key];
  if (next === undefined) return;
  event.preventDefault();
  go({ tab: TABS[next] });
  byId(`tab-${TABS[next]}`).focus();
}

/** All that can be found: its text, what it is, and what to show. */
const ENTRIES = [
  ...DATA.histories.map((one) => ({
    text: subjectName(one), kind: one[1] === null ? "table" : "column",
    goal: { tab: "history", subject: subjectName(one) },
  })),
  ...POINTS.map((point, at) => ({
    text: [named(at), point.title, ...(point.tags ?? [])].join(" "), kind: point.kind,
    goal: { at, tab: "change" },
  })),
];

function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = [];
  for (const entry of ENTRIES) {
    const at = entry.text.toLowerCase().indexOf(wanted);
    // What begins with it comes first, and of that the shortest.
    if (at >= 0) found.push([at * 1000 + entry.text.length, entry]);
  }
  return found.sort((one, other) => one[0] - other[0]).slice(0, 30).map(([, entry]) => entry);
}

const search = { entries: [], at: -1 };

function offer() {
  search.entries = find(byId("search").value);
  search.at = -1;
  const nothing = byId("search").value.trim() && !search.entries.length;
  byId("found").replaceChildren(...search.entries.map(offerElement));
  if (nothing) {
    const attributes = { role: "option", "aria-disabled": "true", "aria-selected": "false" };
    byId("found").append(make("li", attributes, "nothing of that name"));
  }
  byId("found").hidden = !byId("found").children.length;
  byId("search").setAttribute("aria-expanded", String(!byId("found").hidden));
  byId("search").removeAttribute("aria-activedescendant");
  if (search.entries.length) announce(`${search.entries.length} found`);
}

function offerElement(entry, n) {
  const chosen = (event) => { event.preventDefault(); take(n); };
  const attributes = { role: "option", id: `found-${n}`, "aria-selected": "false", onpointerdown: chosen };
  return make("li", attributes,
    make("span", { class: "label" }, entry.text), make("span", { class: "facts" }, entry.kind));
}

function mark(at) {
  search.at = at;
  [...byId("found").children].forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
  byId("search").setAttribute("aria-activedescendant", `found-${at}`);
  byId(`found-${at}`)?.scrollIntoView({ block: "nearest" });
}

function take(at) {
  const entry = search.entries[at];
  if (!entry) return;
  shut();
  byId("search").value = "";
  follow(entry.goal);
}

function shut() {
  byId("found").hidden = true;
  byId("search").setAttribute("aria-expanded", "false");
}

function searchKeys(event) {
  const count = search.entries.length;
  const way = { ArrowDown: 1, ArrowUp: count - 1 }[event.key];
  if (way !== undefined && count) {
    event.preventDefault();
    mark((Math.max(search.at, event.key === "ArrowUp" ? 0 : -1) + way) % count);
  } else if (event.key === "Enter") take(Math.max(0, search.at));
  else if (event.key === "Escape") shut();
}

function listen() {
  addEventListener("hashchange", read);
  addEventListener("resize", () => state.tab === "tables" && view.fitted && fit());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches?.("input, select, textarea")) return;
    event.preventDefault();
    byId("search").focus();
  });
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => go({ tab: name }));
  document.querySelector("[role=tablist]").addEventListener("keydown", tabKeys);
  byId("search").addEventListener("input", offer);
  byId("search").addEventListener("keydown", searchKeys);
  byId("search").addEventListener("blur", shut);
  byId("filter").addEventListener("input", () => go({ filter: byId("filter").value }));
  byId("detail").addEventListener("change", () => go({ detail: byId("detail").value }));
  byId("focus").addEventListener("change", () => go({ focus: byId("focus").value }));
  byId("canvas").addEventListener("keydown", walk);
  byId("smaller").addEventListener("click", () => { view.fitted = false; zoom(view.scale / 1.25); });
  byId("larger").addEventListener("click", () => { view.fitted = false; zoom(view.scale * 1.25); });
  byId("fit").addEventListener("click", fit);
  const both = () => go({ from: byId("from").value, to: byId("to").value });
  for (const id of ["from", "to"]) byId(id).addEventListener("change", both);
  byId("swap").addEventListener("click", () => go({ from: byId("to").value, to: byId("from").value }));
  for (const form of document.querySelectorAll("form"))
    form.addEventListener("submit", (event) => event.preventDefault());
}

function begin() {
  const place = DATA.commit ? `${DATA.branch ?? "no branch"} at ${DATA.commit.slice(0, 8)}` : "";
  byId("name").textContent = DATA.name;
  const written = `written ${minute(DATA.time)} by gitmig ${DATA.gitmig}`;
  byId("about").textContent = ["the schema over time", place, written].filter(Boolean).join("  ·  ");
  if (!POINTS.length) {
    byId("page").replaceChildren(note("There is no revision yet."));
    return;
  }
  listen();
  drawTimeline();
  read();
}

begin();
