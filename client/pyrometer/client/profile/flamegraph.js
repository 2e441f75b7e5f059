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

// ---- Words.

function percent(part, whole = figures.whole) {
  const share = whole ? 100 * part / whole : 0;
  return `${share >= 9.95 || share === 0 ? share.toFixed(0) : share < 0.05 ? "< 0.1" : share.toFixed(1)} %`;
}

function amount(value) {
  if (data.unit !== "nanoseconds") return data.unit === "count" ? counted(value, "sample") : `${value.toLocaleString("en")} ${data.unit}`;
  const [size, unit] = value >= 1e9 ? [1e9, "s"] : value >= 1e6 ? [1e6, "ms"] : [1e3, "µs"];
  return `${(value / size).toLocaleString("en", {maximumSignificantDigits: value >= 1e11 ? 6 : 3})} ${unit}`;
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;

/** An element with text or elements in it: text stays text, whatever a function is called. */
function element(tag, properties, ...content) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...content);
  return made;
}

// ---- Colours: whose code it is by hue, how much time of its own by heat.

const dark = matchMedia("(prefers-color-scheme: dark)");
const root_ = document.documentElement;
let theme = "", colours = [];

/** CSS colour of OKLCH values; `h` in degrees. Written out because not every browser in use knows the form. */
function oklch(l, c, h) {
  const a = c * Math.cos(h * Math.PI / 180), b = c * Math.sin(h * Math.PI / 180);
  const [x, y, z] = [l + 0.3963377774 * a + 0.2158037573 * b, l - 0.1055613458 * a - 0.0638541728 * b, l - 0.0894841775 * a - 1.291485548 * b].map(v => v ** 3);
  const linear = [4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z, -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z, -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z];
  return `rgb(${linear.map(v => Math.round(255 * Math.min(1, Math.max(0, v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055)))).join(" ")})`;
}

// Of each origin: lightness, chroma and hue, cold and hot.
const PALETTES = {
  light: [[[.91, .07, 84], [.72, .17, 38]], [[.89, .042, 215], [.77, .095, 218]], [[.9, .035, 275], [.78, .085, 278]], [[.88, .004, 60], [.76, .006, 60]]],
  dark: [[[.68, .085, 80], [.74, .18, 42]], [[.40, .05, 222], [.5, .085, 222]], [[.35, .05, 278], [.47, .09, 280]], [[.37, .006, 60], [.48, .008, 60]]],
};

function shade(origin, heat, offset = 0) {
  const [cold, hot] = PALETTES[theme][origin];
  const [l, c, h] = cold.map((value, i) => value + heat * (hot[i] - value));
  return oklch(l + offset * .012, c, h + offset * 7);
}

/** A function's colour; its name moves it a little, so that neighbours differ. */
function colourOf(fn) {
  if (!colours[fn]) {
    const {name, origin} = functions[fn];
    let hash = 7;
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
    const heat = figures.hottest ? Math.sqrt(figures.ownOf[fn] / figures.hottest) : 0;
    colours[fn] = shade(origin, heat, (Math.abs(hash) % 101) / 50 - 1);
  }
  return colours[fn];
}

const inkOf = frame => theme === "light" || (frame.fn >= 0 && functions[frame.fn].origin === SERVICE) ? "#20140b" : "#f3eee8";

function setTheme(name) {
  theme = root_.dataset.theme = name;
  colours = [];
}

// ---- Drawing. The canvas is a window on the graph, a little higher than the page's: a graph may be a thousand rows deep.

const ROW = 22, NARROW = 0.7, MARGIN = 600, HIGHEST_PRINT = 35 * ROW;
const canvas = $("canvas"), ink = canvas.getContext("2d");
let zoomed, view = {start: 0, span: 1}, boxes = [], offset = 0, focused = null, hovered = null, lit = null, printing = false;

function layout(width) {
  const scale = width / view.span, open = [root];
  boxes = [];
  let rows = 1;
  while (open.length) {
    const frame = open.pop(), left = (frame.start - view.start) * scale, right = left + frame.total * scale;
    if (right <= 0 || left >= width) continue;
    boxes.push({frame, x: Math.max(0, left), right: Math.min(width, right), row: frame.depth});
    rows = Math.max(rows, frame.depth + 1);
    const kids = kidsOf(frame), at = kids.findIndex(kid => kid.total * scale < NARROW);
    for (const kid of at < 0 ? kids : kids.slice(0, at)) open.push(kid);
    if (at >= 0) rows = Math.max(rows, tooNarrow(frame, kids, at, scale, width));
  }
  return rows;
}

/** Frames too narrow to be drawn are drawn as one: time must not seem to be its caller's own. */
function tooNarrow(frame, kids, at, scale, width) {
  const last = kids[kids.length - 1];
  const x = Math.max(0, (kids[at].start - view.start) * scale), right = Math.min(width, (last.start + last.total - view.start) * scale);
  if (right - x < NARROW) return 0;
  boxes.push({frame: null, above: frame, count: kids.length - at, value: last.start + last.total - kids[at].start, x, right, row: frame.depth + 1});
  return frame.depth + 2;
}

function draw() {
  const width = canvas.clientWidth || $("stage").clientWidth, rows = Math.max(layout(width), zoomed.depth + 1);
  const whole = rows * ROW, stage = $("stage");
  stage.style.height = `${printing ? Math.min(whole, HIGHEST_PRINT) : whole}px`;
  const above = -stage.getBoundingClientRect().top;
  offset = printing ? 0 : Math.floor(Math.max(0, Math.min(above - MARGIN, whole - innerHeight)));
  const height = printing ? Math.min(whole, HIGHEST_PRINT) : Math.min(whole - offset, innerHeight + 2 * MARGIN);
  const scale = devicePixelRatio || 1;
  canvas.style.top = `${offset}px`;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  ink.setTransform(scale, 0, 0, scale, 0, -offset * scale);
  ink.font = `12px ${getComputedStyle(document.body).getPropertyValue("--mono")}`;
  ink.textBaseline = "middle";
  const character = ink.measureText("m").width, paper = getComputedStyle(root_);
  const look = name => paper.getPropertyValue(name).trim();
  const pens = {panel: look("--sunk"), soft: look("--soft"), ink: look("--ink"), match: look("--match"), ground: look("--ground"), character};
  for (const box of boxes) {
    const y = box.row * ROW;
    if (y + ROW >= offset && y <= offset + height) drawBox(box, y, pens);
  }
}

function drawBox(box, y, pens) {
  const {frame, x} = box, width = Math.max(.6, box.right - x - (box.right - x > 3 ? 1 : 0));
  const matched = frame && state.term && isMatched(frame);
  const faint = state.term ? !matched : frame && frame.depth < zoomed.depth;
  ink.globalAlpha = faint ? (state.term ? .36 : .55) : 1;
  ink.fillStyle = matched ? pens.match : !frame || frame.fn < 0 ? pens.panel : colourOf(frame.fn);
  if (width > 8) { ink.beginPath(); ink.roundRect(x, y, width, ROW - 1, 2.5); ink.fill(); } else ink.fillRect(x, y, width, ROW - 1);
  if (frame && width > 3.5 * pens.character) {
    ink.globalAlpha = faint ? .8 : 1;
    ink.fillStyle = matched ? pens.ground : frame.fn < 0 || faint ? pens.ink : inkOf(frame);
    drawText(frame, x + 6, y + ROW / 2, width - 10, pens.character);
  }
  ink.globalAlpha = 1;
  if (frame && (frame === focused || frame === hovered || frame.fn === lit)) {
    ink.strokeStyle = pens.ink;
    ink.lineWidth = frame === focused ? 2 : 1.2;
    ink.strokeRect(x + 1, y + 1, Math.max(1, width - 2), ROW - 3);
  }
}

/** The name, and after it, fainter, where it is, as far as there is room. */
function drawText(frame, x, y, room, character) {
  const name = fit(labelOf(frame), room, character);
  ink.fillText(name, x, y);
  if (frame.fn < 0 || name.endsWith("…")) return;
  const used = ink.measureText(name).width + 2 * character, {where} = functions[frame.fn];
  if (!where || used + where.length * character > room) return;
  ink.globalAlpha *= .68;
  ink.fillText(where, x + used, y);
}

/** As much of a text as there is room for. Letters of some scripts are wider than the others: those are measured. */
function fit(text, room, character) {
  const letters = [...text.slice(0, 500)];
  let fits = Math.floor(room / character);
  if (/[^\x20-\u02ff]/.test(text.slice(0, 500))) while (fits > 1 && ink.measureText(letters.slice(0, fits).join("")).width > room) fits--;
  return letters.length <= fits ? text : fits < 2 ? "" : `${letters.slice(0, fits - 1).join("")}…`;
}

// ---- Zoom: the view moves there in a moment, unless the reader wants no motion.

const still = matchMedia("(prefers-reduced-motion: reduce)");
let moving = 0;

function show(frame, {animated = true} = {}) {
  zoomed = frame;
  const from = {...view}, to = {start: frame.start, span: frame.total || 1}, began = performance.now();
  cancelAnimationFrame(moving);
  const step = now => {
    const part = animated && !still.matches ? Math.min(1, Math.max(0, (now - began) / 180)) : 1, eased = 1 - (1 - part) ** 3;
    view = {start: from.start + eased * (to.start - from.start), span: from.span + eased * (to.span - from.span)};
    draw();
    if (part < 1) moving = requestAnimationFrame(step);
  };
  step(began);
  tellButtons();
}

function zoom(frame) {
  if (frame !== zoomed) { show(frame); remember({push: true}); }
  focused = focused && frame;
}

function goBack() {
  if (history.state?.steps) history.back(); else if (zoomed !== root) { show(zoomed.parent); remember({push: false}); }
}

function reset() {
  state.term = $("search").value = "";
  focused = null;
  search();
  show(root);
  remember({push: false});
  hideCard();
}

function tellButtons() {
  $("back").disabled = zoomed === root;
  $("reset").disabled = zoomed === root && !state.term;
  $("fold").disabled = state.inverted;
  $("inverted").setAttribute("aria-pressed", state.inverted);
  $("fold").setAttribute("aria-pressed", state.folded && !state.inverted);
}

// ---- The card: what a frame is.

/** Name, share and what else there is to say of it. */
function rowsOf(frame) {
  const {whole, ownOf, totalOf} = figures, {fn, total} = frame;
  const figure = (name, value) => [name, percent(value, whole), value ? amount(value) : ""];
  const rows = [];
  if (fn < 0) rows.push(figure("total", total));
  else if (!state.inverted) rows.push(figure("self", frame.self), figure("total", total));
  else rows.push(...(frame.depth > 1 ? [figure("this way", total)] : []), figure("self", ownOf[fn]), figure("total", totalOf[fn]));
  if (zoomed !== root && frame.depth >= zoomed.depth) rows.push(["of what is shown", percent(total, zoomed.total), ""]);
  const elsewhere = fn >= 0 && !state.inverted && totalOf[fn] - total > 1e-6 * whole;
  if (elsewhere) rows.push(["everywhere", percent(totalOf[fn], whole), `self ${percent(ownOf[fn], whole)}`]);
  return rows;
}

function placeOf(frame) {
  if (frame.fn < 0) return "";
  const {where, file, origin} = functions[frame.fn];
  const place = file && file.length < 160 ? `${file}${where.match(/:\d+$/) || ""}` : where;
  return place ? `${place} · ${ORIGINS[origin]}` : ORIGINS[origin];
}

function fillCard(box) {
  const card = $("card"), {frame} = box;
  card.textContent = "";
  if (!frame) {
    card.append(element("b", {}, `${counted(box.count, "frame")} too narrow to draw`), element("p", {}, `${percent(box.value)} together; zoom in on the frame above them`));
    return;
  }
  const list = element("dl", {});
  for (const [name, share, more] of rowsOf(frame)) list.append(element("dt", {}, name), element("dd", {}, share), element("dd", {}, more));
  card.append(element("b", {}, labelOf(frame)), element("p", {}, placeOf(frame)), list);
}

function showCard(box, left, top) {
  const card = $("card");
  fillCard(box);
  card.hidden = false;
  const {width, height} = card.getBoundingClientRect();
  card.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 10))}px`;
  card.style.top = `${top + height + 8 < innerHeight ? top : Math.max(8, top - height - 2 * ROW)}px`;
}

function hideCard() { $("card").hidden = true; }

function pointAt(frame) {
  const box = boxes.find(each => each.frame === frame);
  if (!box) return hideCard();
  const stage = $("stage").getBoundingClientRect();
  showCard(box, stage.left + box.x + 10, stage.top + (box.row + 1) * ROW + 6);
}

function tell(frame) {
  $("told").textContent = [labelOf(frame), placeOf(frame), ...rowsOf(frame).map(row => row.join(" ").trim())].filter(Boolean).join(", ");
}

// ---- Search.

function search() {
  const term = state.term.toLowerCase();
  hits = new Set();
  if (term) functions.forEach(({name, where, file}, fn) => { if (`${name}\n${where}\n${file}`.toLowerCase().includes(term)) hits.add(fn); });
  const seen = [...hits].filter(fn => figures.totalOf[fn]).length;
  $("matched").textContent = "";
  if (term) $("matched").append(`${percent(matchedValue())} matched `, element("small", {}, `in ${counted(seen, "function")}`));
  for (const row of $("hottest").rows) row.classList.toggle("matched", hits.has(Number(row.dataset.fn)));
  tellButtons();
}

function searchFor(text) {
  state.term = text.trim();
  search();
  draw();
  remember({push: false});
}

/** The widest frame of those that are searched for and in view. */
function firstMatch() {
  return boxes.filter(box => box.frame && isMatched(box.frame)).reduce((best, box) => !best || box.right - box.x > best.right - best.x ? box : best, null)?.frame;
}

// ---- The table.

const ROWS = 25;

function fillTable() {
  const {ownOf, whole} = figures, body = $("hottest");
  const ranked = functions.map((_, fn) => fn).filter(fn => ownOf[fn]).sort((a, b) => ownOf[b] - ownOf[a]);
  $("counted").textContent = ranked.length > ROWS ? `${ROWS} of ${ranked.length.toLocaleString("en")}` : "";
  body.textContent = "";
  for (const fn of ranked.slice(0, ROWS)) body.append(tableRow(fn, whole));
  if (!ranked.length) body.append(element("tr", {}, element("td", {colSpan: 3, className: "none"}, "No function was seen at work.")));
}

function tableRow(fn, whole) {
  const {name, where, file, origin} = functions[fn], own = figures.ownOf[fn], total = figures.totalOf[fn];
  const button = element("button", {type: "button", title: "Search for it", className: origin === SERVICE ? "own" : ""}, name);
  button.onclick = () => { $("search").value = name; searchFor(name); };
  const place = element("span", {className: "where"}, element("span", {title: file}, ...breakable(where || ORIGINS[origin])));
  if (figures.byProcess) place.append(spread(fn));
  const bars = [total, own].map(value => { const bar = element("i", {}); bar.style.width = `${whole ? 100 * value / whole : 0}%`; bar.style.background = colourOf(fn); return bar; });
  const row = element("tr", {},
    element("td", {className: "number self"}, percent(own)), element("td", {className: "number total"}, percent(total)),
    element("td", {}, button, place, element("div", {className: "bar"}, ...bars)));
  row.dataset.fn = fn;
  row.onpointerenter = () => { lit = fn; draw(); };
  row.onpointerleave = () => { lit = null; draw(); };
  return row;
}

/** A path that breaks after its folders. */
function breakable(path) {
  return path.split(/(?<=\/)/).flatMap(part => [part, element("wbr", {})]);
}

function sharesOf(fn) {
  const count = data.processes.length;
  return data.processes.map(([pid], i) => [pid, figures.byProcess[fn * count + i] / figures.ownOf[fn]]).sort((a, b) => a[0] - b[0]);
}

function spread(fn) {
  const shares = sharesOf(fn), top = Math.max(...shares.map(([, share]) => share));
  const text = shares.map(([pid, share]) => `${pid}: ${percent(share, 1)}`).join(", ");
  const bars = shares.map(([, share]) => { const bar = element("i", {}); bar.style.height = `${100 * share / top}%`; return bar; });
  const made = element("span", {className: "bars", title: `By process: ${text}`}, ...bars);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `by process: ${text}`);
  const most = shares.find(([, share]) => share >= .95);
  return element("span", {className: "spread"}, most ? `all in ${most[0]}` : "", made);
}

// ---- Facts, menu, legend.

const MOST_THREADS = 40;

function fillHeader() {
  $("title").textContent = data.service;
  $("subtitle").textContent = data.subtitle;
  for (const [name, value, warning] of data.facts) $("facts").append(element("div", {className: warning ? "warning" : ""}, element("dt", {}, name), element("dd", {}, value)));
}

function fillMenu() {
  const ofThread = new Float64Array(data.threads.length), ofProcess = new Float64Array(data.processes.length), menu = $("only");
  data.values.forEach((value, i) => { ofThread[data.sampleThreads[i]] += value; ofProcess[data.threads[data.sampleThreads[i]][0]] += value; });
  const whole = ofProcess.reduce((sum, value) => sum + value, 0);
  const add = (value, text) => menu.append(element("option", {value}, text));
  add("", `All: ${counted(data.processes.length, "process")}, ${counted(data.threads.length, "thread")}`);
  const order = (values, indices) => indices.sort((a, b) => values[b] - values[a]);
  for (const process of order(ofProcess, data.processes.map((_, i) => i))) {
    const threads = order(ofThread, data.threads.map((_, i) => i).filter(i => data.threads[i][0] === process));
    add(`p${process}`, `${data.processes[process].filter(Boolean).join("  ") || "process"} · ${percent(ofProcess[process], whole)}`);
    for (const thread of threads.slice(0, MOST_THREADS)) add(`t${thread}`, `\u00a0\u00a0\u00a0\u00a0${data.threads[thread][1]} · ${percent(ofThread[thread], whole)}`);
    if (threads.length > MOST_THREADS) menu.append(element("option", {disabled: true}, `\u00a0\u00a0\u00a0\u00a0${counted(threads.length - MOST_THREADS, "thread")} more`));
  }
  menu.hidden = data.threads.length < 2;
}

function fillLegend() {
  const present = new Set(functions.map(({origin}) => origin));
  $("legend").textContent = "";
  ORIGINS.forEach((name, origin) => {
    if (!present.has(origin)) return;
    const sample = element("i", {});
    sample.style.background = `linear-gradient(90deg, ${shade(origin, 0)}, ${shade(origin, 1)})`;
    $("legend").append(element("li", {}, sample, name));
  });
  $("legend").append(element("li", {}, "stronger: more time of its own"));
}

// ---- The address: its part after # holds what is shown, so that the browser's back, reload and a link keep it.

function pathOf(frame) {
  const path = [];
  for (let each = frame; each.parent; each = each.parent) path.unshift(each.fn === FOLDED ? "f" : each.fn);
  return path.join(".");
}

function remember({push}) {
  const asked = new URLSearchParams();
  const path = pathOf(zoomed);
  const chosen = {search: state.term, at: path.length < 2000 ? path : "", only: state.only, inverted: state.inverted && "1", fold: state.folded && "1", theme: theme === preferred() ? "" : theme};
  for (const [name, value] of Object.entries(chosen)) if (value) asked.set(name, value);
  const steps = (history.state?.steps || 0) + (push ? 1 : 0);
  try { history[push ? "pushState" : "replaceState"]({steps}, "", `#${asked}`); } catch { /* a page in a sandbox has no address of its own */ }
}

const preferred = () => dark.matches ? "dark" : "light";

function follow() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const only = asked.get("only") || "";
  state.only = [...$("only").options].some(option => option.value === only) ? only : "";
  Object.assign(state, {term: asked.get("search") || "", inverted: asked.has("inverted"), folded: asked.has("fold")});
  $("search").value = state.term;
  $("only").value = state.only;
  setTheme(["dark", "light"].includes(asked.get("theme")) ? asked.get("theme") : preferred());
  rebuild({zoomTo: () => asked.get("at") ? frameAt(asked.get("at")) : frameNamed(asked.get("zoom"))});
  focused = frameNamed(asked.get("focus")) || (document.activeElement === canvas ? zoomed : null);
  if (focused) { draw(); pointAt(focused); }
}

function frameAt(path) {
  let frame = root;
  for (const part of path.split(".")) {
    const kid = kidsOf(frame).find(each => String(each.fn === FOLDED ? "f" : each.fn) === part);
    if (!kid) break;
    frame = kid;
  }
  return frame;
}

/** The frame with most time of those with a name, among the nearest to the root. */
function frameNamed(name) {
  let best = null;
  const open = name ? [root] : [];
  for (let i = 0; i < open.length && i < 50000; i++) {
    const frame = open[i];
    if (frame.fn >= 0 && functions[frame.fn].name === name && (!best || frame.total > best.total)) best = frame;
    for (const kid of kidsOf(frame)) open.push(kid);
  }
  return best;
}

function rebuild({zoomTo = () => root} = {}) {
  measure();
  colours = [];
  root = makeRoot();
  focused = hovered = null;
  hideCard();
  fillTable();
  fillLegend();
  search();
  show(zoomTo() || root, {animated: false});
}

// ---- What the reader does.

function boxUnder(event) {
  const stage = $("stage").getBoundingClientRect(), x = event.clientX - stage.left, row = Math.floor((event.clientY - stage.top) / ROW);
  return boxes.find(box => box.row === row && x >= box.x && x < Math.max(box.right, box.x + 1));
}

function neighbour(frame, step) {
  const row = boxes.filter(box => box.frame && box.row === frame.depth).sort((a, b) => a.x - b.x).map(box => box.frame);
  return row[row.indexOf(frame) + step];
}

function focusOn(frame) {
  focused = frame;
  hovered = null;
  if (frame.depth >= zoomed.depth && !boxes.some(box => box.frame === frame)) { show(frame.parent, {animated: false}); remember({push: true}); }
  const y = $("stage").getBoundingClientRect().top + frame.depth * ROW, top = $("tools").getBoundingClientRect().bottom;
  if (y < top || y > innerHeight - 5 * ROW) scrollBy(0, y < top ? y - top - ROW : y - innerHeight + 8 * ROW);
  draw();
  pointAt(frame);
  tell(frame);
}

function onGraphKey(event) {
  const frame = focused || zoomed;
  if (event.key === "Enter" || event.key === " ") { zoom(frame); tell(frame); pointAt(frame); event.preventDefault(); return; }
  const steps = {ArrowUp: () => frame.parent, ArrowDown: () => kidsOf(frame)[0], ArrowLeft: () => neighbour(frame, -1), ArrowRight: () => neighbour(frame, 1), Home: () => root};
  const to = steps[event.key]?.();
  if (!steps[event.key]) return;
  event.preventDefault();
  if (to) focusOn(to);
}

function onPageKey(event) {
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") reset();
  else if (typing) return;
  else if (event.key === "/") { $("search").focus(); $("search").select(); event.preventDefault(); }
  else if (event.key === "Backspace") { goBack(); event.preventDefault(); }
  else if (event.key === "i") $("inverted").click();
  else if (event.key === "f") $("fold").click();
}

function hover(event) {
  const box = boxUnder(event), frame = box?.frame || null;
  canvas.style.cursor = frame ? "pointer" : "default";
  if (frame !== hovered) { hovered = frame; draw(); }
  if (box) showCard(box, event.clientX + 14, event.clientY + 18); else hideCard();
}

function onPrint(begins) {
  printing = begins;
  if (begins) { onPrint.theme = theme; setTheme("light"); } else setTheme(onPrint.theme || preferred());
  repaint();
}

function listen() {
  canvas.addEventListener("pointermove", hover);
  canvas.addEventListener("pointerleave", () => { hovered = null; hideCard(); draw(); });
  canvas.addEventListener("click", event => { const box = boxUnder(event); if (box) { zoom(box.frame || box.above); hover(event); } });
  canvas.addEventListener("keydown", onGraphKey);
  canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) focusOn(focused || zoomed); });
  canvas.addEventListener("blur", () => { focused = null; hideCard(); draw(); });
  document.addEventListener("keydown", onPageKey);
  $("search").addEventListener("input", event => searchFor(event.target.value));
  $("search").addEventListener("keydown", event => { const frame = event.key === "Enter" && firstMatch(); if (frame) { canvas.focus(); focusOn(frame); } });
  $("only").addEventListener("change", event => { state.only = event.target.value; rebuild(); remember({push: false}); });
  $("inverted").addEventListener("click", () => { state.inverted = !state.inverted; rebuild(); remember({push: false}); });
  $("fold").addEventListener("click", () => { state.folded = !state.folded; rebuild(); remember({push: false}); });
  $("back").addEventListener("click", goBack);
  $("reset").addEventListener("click", reset);
  $("theme").addEventListener("click", () => { setTheme(theme === "dark" ? "light" : "dark"); repaint(); remember({push: false}); });
  dark.addEventListener("change", () => { setTheme(preferred()); repaint(); });
  addEventListener("popstate", follow);
  addEventListener("resize", redraw);
  addEventListener("scroll", () => requestAnimationFrame(redraw), {passive: true});
  addEventListener("beforeprint", () => onPrint(true));
  addEventListener("afterprint", () => onPrint(false));
}

/** The page has moved or has another size. */
function redraw() {
  draw();
  if (focused) pointAt(focused); else hideCard();
}

function repaint() {
  fillLegend();
  fillTable();
  search();
  draw();
}

fillHeader();
fillMenu();
follow();
listen();
