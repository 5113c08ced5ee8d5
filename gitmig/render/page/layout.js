"use strict";
// Where the boxes of a diagram go: tables that are referred to stand left of those that refer to them.

const ACROSS = 56, DOWN = 18;

/** Find places for boxes ({name: {w, h}}) that links ([from, to]) connect: sets x and y, returns the size. */
function arrange(boxes, links, width) {
  const groups = components(boxes, links);
  const alone = groups.filter((group) => group.length === 1).flat();
  const sizes = Object.values(boxes).map((box) => (box.w + ACROSS) * (box.h + DOWN));
  const area = sizes.reduce((sum, size) => sum + size, 0);
  const room = Math.max(width, Math.sqrt(area) * 1.25);
  const parts = groups.filter((group) => group.length > 1)
    .map((group) => layered(group, boxes, links, Math.max(320, Math.sqrt(area) * 0.9)));
  if (alone.length) parts.push(grid(alone, boxes, room));
  return shelves(parts, boxes, room);
}

/** The names in groups that links connect, the largest group first. */
function components(boxes, links) {
  const near = neighbours(boxes, links), seen = new Set(), groups = [];
  for (const name of Object.keys(boxes).sort()) {
    if (seen.has(name)) continue;
    const group = [name];
    seen.add(name);
    for (let n = 0; n < group.length; n++)
      for (const other of near[group[n]]) if (!seen.has(other)) { seen.add(other); group.push(other); }
    groups.push(group);
  }
  return groups.sort((one, other) => other.length - one.length);
}

function neighbours(boxes, links) {
  const near = Object.fromEntries(Object.keys(boxes).map((name) => [name, new Set()]));
  for (const [from, to] of links) if (from !== to) { near[from].add(to); near[to].add(from); }
  return near;
}

/** One group in columns: each table right of all that it refers to, as far as there is no circle. */
function layered(group, boxes, links, tall) {
  const inside = new Set(group), own = links.filter(([from, to]) => inside.has(from) && inside.has(to));
  const targets = Object.fromEntries(group.map((name) => [name, new Set()]));
  for (const [from, to] of own) if (from !== to) targets[from].add(to);
  const columns = split(ranked(group, targets), boxes, tall);
  const near = neighbours(Object.fromEntries(group.map((name) => [name, 1])), own);
  let x = 0;
  for (const column of columns) {
    const wide = Math.max(...column.map((name) => boxes[name].w));
    let y = 0;
    for (const name of column) { Object.assign(boxes[name], { x, y }); y += boxes[name].h + DOWN; }
    x += wide + ACROSS;
  }
  for (let sweep = 0; sweep < 8; sweep++)
    for (const column of sweep % 2 ? columns.slice().reverse() : columns) settle(column, boxes, near);
  return normal(group, boxes);
}

/** The names by rank: 0 refers to nothing, and each stands as near to those that refer to it as it can. */
function ranked(group, targets) {
  const rank = {}, open = new Set();
  const visit = (name) => {
    if (name in rank) return rank[name];
    open.add(name);
    const below = [...targets[name]].filter((to) => !open.has(to)).map((to) => visit(to) + 1);
    open.delete(name);
    return (rank[name] = Math.max(0, ...below));
  };
  const used = Object.fromEntries(group.map((name) => [name, []]));
  for (const from of group) for (const to of targets[from]) used[to].push(from);
  for (const name of group.slice().sort((a, b) => used[b].length - used[a].length)) visit(name);
  for (const name of group.slice().sort((a, b) => rank[b] - rank[a])) {
    const right = used[name].map((from) => rank[from]).filter((other) => other > rank[name]);
    if (!targets[name].size && right.length) rank[name] = Math.min(...right) - 1;
  }
  const columns = [];
  for (const name of group) (columns[rank[name]] ??= []).push(name);
  return columns.filter(Boolean);
}

/** Columns that are too tall become several. */
function split(columns, boxes, tall) {
  return columns.flatMap((column) => {
    const height = column.reduce((sum, name) => sum + boxes[name].h + DOWN, 0);
    const parts = Math.max(1, Math.ceil(height / tall)), size = Math.ceil(column.length / parts);
    const part = (_, n) => column.slice(n * size, (n + 1) * size);
    return Array.from({ length: parts }, part).filter((names) => names.length);
  });
}

/** Put each box of a column beside its neighbours, as near as the others let it. */
function settle(column, boxes, near) {
  const middle = (name) => boxes[name].y + boxes[name].h / 2;
  const wish = Object.fromEntries(column.map((name) => {
    const others = [...near[name]].filter((other) => !column.includes(other));
    const mean = others.reduce((sum, other) => sum + middle(other), 0) / (others.length || 1);
    return [name, others.length ? mean : middle(name)];
  }));
  column.sort((a, b) => wish[a] - wish[b]);
  let floor = -Infinity, shift = 0;
  for (const name of column) {
    const y = Math.max(floor, wish[name] - boxes[name].h / 2);
    shift += y - (wish[name] - boxes[name].h / 2);
    boxes[name].y = y;
    floor = y + boxes[name].h + DOWN;
  }
  for (const name of column) boxes[name].y -= shift / column.length;
}

/** Move a group to the origin; its names with its size. */
function normal(names, boxes) {
  const left = Math.min(...names.map((name) => boxes[name].x));
  const top = Math.min(...names.map((name) => boxes[name].y));
  for (const name of names) { boxes[name].x -= left; boxes[name].y -= top; }
  const w = Math.max(...names.map((name) => boxes[name].x + boxes[name].w));
  const h = Math.max(...names.map((name) => boxes[name].y + boxes[name].h));
  return { names, w, h };
}

function grid(names, boxes, room) {
  const wide = Math.max(...names.map((name) => boxes[name].w)) + 24;
  const columns = Math.max(1, Math.floor(room / wide));
  const bottoms = new Array(Math.min(columns, names.length)).fill(0);
  for (const name of names) {
    const at = bottoms.indexOf(Math.min(...bottoms));
    Object.assign(boxes[name], { x: at * wide, y: bottoms[at] });
    bottoms[at] += boxes[name].h + DOWN;
  }
  return normal(names, boxes);
}

/** Put groups beside each other as long as there is room, and then below. */
function shelves(parts, boxes, room) {
  let x = 0, y = 0, tall = 0, wide = 0;
  for (const part of parts) {
    if (x && x + part.w > room) { x = 0; y += tall + 2 * DOWN; tall = 0; }
    for (const name of part.names) { boxes[name].x += x; boxes[name].y += y; }
    wide = Math.max(wide, x + part.w);
    tall = Math.max(tall, part.h);
    x += part.w + ACROSS;
  }
  return { w: wide, h: y + tall };
}
