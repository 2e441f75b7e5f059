// ---- Colours: whose code it is by hue, how much time of its own by heat.

const dark = matchMedia("(prefers-color-scheme: dark)");
const html = document.documentElement;
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
  dark: [[[.69, .1, 78], [.74, .18, 42]], [[.40, .05, 222], [.5, .085, 222]], [[.35, .05, 278], [.47, .09, 280]], [[.37, .006, 60], [.48, .008, 60]]],
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

const colourOfFrame = frame => data.sides ? changedColour(changeOf(frame)) : colourOf(frame.fn);

function inkOf(frame) {
  const isLight = theme === "light" || (data.sides ? Math.abs(changeOf(frame)) > .4 * figures.mostChanged : frame.fn >= 0 && functions[frame.fn].origin === SERVICE);
  return isLight ? "#20140b" : "#f3eee8";
}

function setTheme(name) {
  theme = html.dataset.theme = name;
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
  const character = ink.measureText("m").width, paper = getComputedStyle(html);
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
  ink.fillStyle = matched ? pens.match : !frame || frame.fn < 0 ? pens.panel : colourOfFrame(frame);
  if (width > 16 && ink.roundRect) { ink.beginPath(); ink.roundRect(x, y, width, ROW - 1, 2.5); ink.fill(); } else ink.fillRect(x, y, width, ROW - 1);
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
  const used = (OTHER_SCRIPT.test(name) ? ink.measureText(name).width : name.length * character) + 2 * character, {where} = functions[frame.fn];
  if (!where || used + where.length * character > room) return;
  ink.globalAlpha *= .76;
  ink.fillText(where, x + used, y);
}

const OTHER_SCRIPT = /[^\x20-\u02ff]/;

/** As much of a text as there is room for. Letters of some scripts are wider than the others: those are measured. */
function fit(text, room, character) {
  if (!OTHER_SCRIPT.test(text)) {
    const most = Math.floor(room / character);
    return text.length <= most ? text : most < 2 ? "" : `${text.slice(0, most - 1)}…`;
  }
  const letters = [...text.slice(0, 500)];
  let fits = Math.floor(room / character);
  while (fits > 1 && ink.measureText(letters.slice(0, fits).join("")).width > room) fits--;
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
