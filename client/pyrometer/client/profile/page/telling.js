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

// ---- The card: what a frame is.

/** Name, share and what else there is to say of it. */
function rowsOf(frame) {
  if (data.sides) return changeRows(frame);
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
  if (data.sides) return fillChanges();
  const {ownOf, totalOf, whole} = figures, body = $("hottest");
  const ranked = functions.map((_, fn) => fn).filter(fn => ownOf[fn]).sort((a, b) => ownOf[b] - ownOf[a]);
  $("counted").textContent = ranked.length > ROWS ? `${ROWS} of ${ranked.length.toLocaleString("en")}` : "";
  body.textContent = "";
  for (const fn of ranked.slice(0, ROWS)) body.append(tableRow(fn, [percent(ownOf[fn]), percent(totalOf[fn])], whole, [totalOf[fn], ownOf[fn]], colourOf(fn)));
  if (!ranked.length) body.append(element("tr", {}, element("td", {colSpan: 3, className: "none"}, "No function was seen at work.")));
}

function tableRow(fn, [first, second], whole, lengths, colour) {
  const {name, where, file, origin} = functions[fn];
  const button = element("button", {type: "button", title: "Search for it", className: origin === SERVICE ? "own" : ""}, name);
  button.onclick = () => { $("search").value = name; searchFor(name); };
  const place = element("span", {className: "where"}, element("span", {title: file}, ...breakable(where || ORIGINS[origin])));
  if (figures.byProcess) place.append(spread(fn));
  const bars = lengths.map(value => { const bar = element("i", {}); bar.style.width = `${whole ? 100 * value / whole : 0}%`; bar.style.background = colour; return bar; });
  const row = element("tr", {},
    element("td", {className: "number self"}, first), element("td", {className: "number total"}, second),
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

const MOST_THREADS = 300;

function fillHeader() {
  $("title").textContent = data.service;
  $("subtitle").textContent = data.subtitle;
  for (const [name, value, warning] of data.facts) $("facts").append(element("div", {className: warning ? "warning" : ""}, element("dt", {}, name), element("dd", {}, value)));
}

function fillMenu() {
  if (data.sides) return fillWidths();
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
  $("legend").textContent = "";
  if (data.sides) return fillChangeLegend();
  const present = new Set(functions.map(({origin}) => origin));
  ORIGINS.forEach((name, origin) => {
    if (!present.has(origin)) return;
    const sample = element("i", {});
    sample.style.background = `linear-gradient(90deg, ${shade(origin, 0)}, ${shade(origin, 1)})`;
    $("legend").append(element("li", {}, sample, name));
  });
  $("legend").append(element("li", {}, "stronger: more time of its own"));
}
