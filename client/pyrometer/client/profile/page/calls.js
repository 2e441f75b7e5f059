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

const state = {term: "", only: "", inverted: false, folded: false};
const MOST_BARS = 24;
let figures, root, hits = new Set();

function isChosen(thread) {
  if (!state.only) return true;
  const index = Number(state.only.slice(1));
  return state.only[0] === "t" ? thread === index : data.threads[thread][0] === index;
}

function measure() {
  const processes = data.processes.length, count = functions.length;
  const own = new Float64Array(tree.size), total = new Float64Array(tree.size);
  const byProcess = !state.only && processes > 1 && processes <= MOST_BARS ? new Float64Array(count * processes) : null;
  data.nodes.forEach((node, i) => {
    const thread = data.sampleThreads[i];
    if (!isChosen(thread)) return;
    own[node] += data.values[i];
    if (byProcess && node) byProcess[tree.fn[node] * processes + data.threads[thread][0]] += data.values[i];
  });
  const ownOf = new Float64Array(count), totalOf = new Float64Array(count);
  for (let node = tree.size - 1; node >= 0; node--) {
    total[node] += own[node];
    if (!node) break;
    total[tree.parent[node]] += total[node];
    ownOf[tree.fn[node]] += own[node];
    if (tree.outermost[node]) totalOf[tree.fn[node]] += total[node];
  }
  const hottest = ownOf.reduce((most, value) => Math.max(most, value), 0);
  figures = {own, total, ownOf, totalOf, byProcess, whole: total[0], hottest};
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
  const frame = {fn: -1, nodes: [0], weights: null, total: figures.whole, self: figures.own[0], start: 0, depth: 0, parent: null, kids: null};
  if (state.inverted) {
    frame.nodes = []; frame.weights = [];
    figures.own.forEach((value, node) => { if (value && node) { frame.nodes.push(node); frame.weights.push(value); } });
  }
  return frame;
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

function group(frame, groups, fn, node, weight) {
  let kid = groups.get(fn);
  if (!kid) {
    kid = {fn, nodes: [], weights: weight === undefined ? null : [], total: 0, self: 0, start: 0, depth: frame.depth + 1, parent: frame, kids: null};
    groups.set(fn, kid);
  }
  kid.nodes.push(node);
  if (weight !== undefined) kid.weights.push(weight);
  return kid;
}

function calleesOf(frame) {
  const groups = new Map(), {total, own} = figures;
  const isHidden = node => state.folded && tree.leadsToService[node] && functions[tree.fn[node]].origin !== SERVICE;
  const open = [...frame.nodes];
  while (open.length) {
    const node = open.pop();
    for (let kid = node + 1; kid < tree.end[node]; kid = tree.end[kid]) {
      if (!total[kid]) continue;
      if (!isHidden(kid)) {
        const made = group(frame, groups, tree.fn[kid], kid);
        made.total += total[kid]; made.self += own[kid];
      } else if (frame.fn === FOLDED) {
        open.push(kid); frame.self += own[kid]; frame.run.add(tree.fn[kid]);
      } else {
        const made = group(frame, groups, FOLDED, kid);
        made.total += total[kid]; made.self += own[kid];
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
    const made = group(frame, groups, tree.fn[caller], caller, frame.weights[i]);
    made.total += frame.weights[i];
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
