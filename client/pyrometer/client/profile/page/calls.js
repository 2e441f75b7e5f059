"use strict";

// ---- What came: functions, a tree of calls in preorder, and how often each thread was seen at each node of it.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const ORIGINS = ["the service's own code", "installed packages", "standard library", "native code"];
const SERVICE = 0;
const FOLDED = -2;
const functions = data.functions.map(([name, where, file, origin]) => ({name, where, file, origin}));
const tree = readTree(data.depths, data.calls);

/** Arrays by node; node 0 is the root. A node's descendants are the nodes after it, up to `end`. */
function readTree(depths, calls) {
  const size = depths.length, parent = new Int32Array(size), end = new Int32Array(size).fill(size);
  const outermost = new Uint8Array(size), leadsToService = new Uint8Array(size);
  const path = [], times = new Int32Array(functions.length);
  const leave = at => { const node = path.pop(); end[node] = at; if (node) times[calls[node]]--; };
  for (let node = 0; node < size; node++) {
    while (path.length > depths[node]) leave(node);
    if (node) {
      parent[node] = path[path.length - 1];
      outermost[node] = times[calls[node]]++ === 0 ? 1 : 0;
    }
    path.push(node);
  }
  for (let node = size - 1; node > 0; node--) {
    if (leadsToService[node] || functions[calls[node]].origin === SERVICE) leadsToService[parent[node]] = 1;
  }
  return {size, parent, end, fn: Int32Array.from(calls), outermost, leadsToService};
}

// ---- The figures of what is chosen: all, a process or a thread.

const state = {term: "", only: "", width: "both", inverted: false, folded: false};
const MOST_BARS = 24;
let figures, root, hits = new Set();

function isChosen(thread) {
  if (!state.only) return true;
  const index = Number(state.only.slice(1));
  return state.only[0] === "t" ? thread === index : data.threads[thread][0] === index;
}

function measure() {
  if (data.sides) return measureBoth();
  const processes = data.processes.length, count = functions.length, own = new Float64Array(tree.size);
  const byProcess = !state.only && processes > 1 && processes <= MOST_BARS ? new Float64Array(count * processes) : null;
  data.nodes.forEach((node, i) => {
    const thread = data.sampleThreads[i];
    if (!isChosen(thread)) return;
    own[node] += data.values[i];
    if (byProcess && node) byProcess[tree.fn[node] * processes + data.threads[thread][0]] += data.values[i];
  });
  figures = {...sumsOf(own), byProcess};
}

function measureBoth() {
  const {own, sides} = shares();
  figures = {...sumsOf(own), sides: sides.map(sumsOf)};
  figures.mostChanged = functions.reduce((most, _, fn) => Math.max(most, Math.abs(changeOfFunction(fn))), 0);
}

/** What follows from each node's own value: with what it calls, and by function. */
function sumsOf(own) {
  const count = functions.length, total = new Float64Array(tree.size), ownOf = new Float64Array(count), totalOf = new Float64Array(count);
  for (let node = tree.size - 1; node >= 0; node--) {
    total[node] += own[node];
    if (!node) break;
    total[tree.parent[node]] += total[node];
    ownOf[tree.fn[node]] += own[node];
    if (tree.outermost[node]) totalOf[tree.fn[node]] += total[node];
  }
  const hottest = ownOf.reduce((most, value) => Math.max(most, value), 0);
  return {own, total, ownOf, totalOf, whole: total[0], hottest};
}

/** Share of the samples in which a function that is searched for takes part. */
function matchedValue() {
  let sum = 0;
  for (let node = 1; node < tree.size;) {
    if (hits.has(tree.fn[node])) { sum += figures.total[node]; node = tree.end[node]; } else node++;
  }
  return sum;
}

// ---- Frames: what the graph shows, one for equal calls under one parent; made when they come into view.

function makeRoot() {
  const frame = newFrame(-1, null);
  addCall(frame, 0);
  if (!state.inverted) { frame.nodes.push(0); return frame; }
  figures.own.forEach((value, node) => { if (value && node) { frame.nodes.push(node); frame.leaves.push(node); } });
  return frame;
}

function newFrame(fn, parent) {
  const frame = {fn, nodes: [], leaves: state.inverted ? [] : null, total: 0, self: 0, start: 0, depth: parent ? parent.depth + 1 : 0, parent, kids: null};
  if (data.sides) { frame.selfs = [0, 0]; frame.totals = [0, 0]; }
  return frame;
}

/** Count a call of the tree with what it calls. */
function addCall(frame, node) {
  frame.total += figures.total[node];
  frame.self += figures.own[node];
  if (data.sides) figures.sides.forEach(({own, total}, side) => { frame.selfs[side] += own[node]; frame.totals[side] += total[node]; });
}

/** Count a call's own time only. */
function addSelf(frame, node) {
  frame.self += figures.own[node];
  if (data.sides) figures.sides.forEach(({own}, side) => { frame.selfs[side] += own[node]; });
}

/** Count a way to a call, of which only the last one's own time is meant. */
function addWay(frame, leaf) {
  frame.total += figures.own[leaf];
  frame.leaves.push(leaf);
  if (data.sides) figures.sides.forEach(({own}, side) => { frame.totals[side] += own[leaf]; });
}

function kidsOf(frame) {
  if (!frame.kids) {
    frame.kids = (state.inverted ? callersOf(frame) : calleesOf(frame)).sort((a, b) => b.total - a.total);
    let start = frame.start;
    for (const kid of frame.kids) {
      kid.start = start;
      start += kid.total;
      if (kid.fn === FOLDED) kidsOf(kid);  // only then it knows all that it holds
    }
  }
  return frame.kids;
}

function group(frame, groups, fn, node) {
  let kid = groups.get(fn);
  if (!kid) groups.set(fn, kid = newFrame(fn, frame));
  kid.nodes.push(node);
  return kid;
}

function calleesOf(frame) {
  const groups = new Map(), {total} = figures;
  const isHidden = node => state.folded && tree.leadsToService[node] && functions[tree.fn[node]].origin !== SERVICE;
  const open = [...frame.nodes];
  while (open.length) {
    const node = open.pop();
    for (let kid = node + 1; kid < tree.end[node]; kid = tree.end[kid]) {
      if (!total[kid]) continue;
      if (!isHidden(kid)) {
        addCall(group(frame, groups, tree.fn[kid], kid), kid);
      } else if (frame.fn === FOLDED) {
        open.push(kid); addSelf(frame, kid); frame.run.add(tree.fn[kid]);
      } else {
        const made = group(frame, groups, FOLDED, kid);
        addCall(made, kid);
        (made.run ||= new Set()).add(tree.fn[kid]);
      }
    }
  }
  return [...groups.values()];
}

function callersOf(frame) {
  const groups = new Map();
  frame.nodes.forEach((node, i) => {
    const caller = frame.parent ? tree.parent[node] : node;
    if (!caller) return;
    const made = group(frame, groups, tree.fn[caller], caller);
    addWay(made, frame.leaves[i]);
    made.self = figures.ownOf[made.fn];
  });
  return [...groups.values()];
}

function labelOf(frame) {
  if (frame.fn === -1) return state.inverted ? "all, innermost functions first" : "all";
  if (frame.fn !== FOLDED) return functions[frame.fn].name;
  const packages = [...new Set([...frame.run].map(fn => packageOf(functions[fn])))];
  const rest = packages.length > 4 ? " …" : "";
  return `… ${counted(frame.run.size, "function")} of ${packages.slice(0, 4).join(", ")}${rest}`;
}

function packageOf({where, origin}) {
  if (origin === 3) return "native code";
  const path = where.replace(/:\d+$/, "").replace(/^<frozen |>$|\.py$/g, "").split("/");
  return path[0] || path[path.length - 1];
}

const isMatched = frame => frame.fn >= 0 ? hits.has(frame.fn) : frame.fn === FOLDED && [...frame.run].some(fn => hits.has(fn));
