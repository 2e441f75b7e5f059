// ---- A difference: one graph of two profiles; each side's shares are of its own whole.

const WIDTHS = {both: "Width: the mean of both", before: "Width: before", after: "Width: after"};
const NONE = {light: [.915, .004, 60], dark: [.36, .006, 60]};
const CHANGED = {light: [[.66, .2, 27], [.66, .15, 255]], dark: [[.66, .2, 30], [.64, .15, 250]]};

/** Own shares of each side, and what is drawn of them. */
function shares() {
  const wholes = [0, 0], sides = [new Float64Array(tree.size), new Float64Array(tree.size)];
  data.nodes.forEach((node, i) => {
    const side = sideOf(data.sampleThreads[i]);
    sides[side][node] += data.values[i];
    wholes[side] += data.values[i];
  });
  sides.forEach((own, side) => own.forEach((value, node) => { own[node] = value / (wholes[side] || 1); }));
  const [before, after] = sides, {width} = state;
  const own = width === "before" ? before : width === "after" ? after : before.map((value, node) => (value + after[node]) / 2);
  return {own, sides};
}

const sideOf = thread => data.sides[data.threads[thread][0]];

/** By how many points of the whole a frame has changed: itself, or inverted by this way. */
function changeOf(frame) {
  const [before, after] = state.inverted ? frame.totals : frame.selfs;
  return after - before;
}

const changeOfFunction = fn => figures.sides[1].ownOf[fn] - figures.sides[0].ownOf[fn];

function changedColour(change) {
  const none = NONE[theme], full = CHANGED[theme][change > 0 ? 0 : 1];
  const part = figures.mostChanged ? Math.min(1, Math.sqrt(Math.abs(change) / figures.mostChanged)) : 0;
  const [l, c] = [0, 1].map(i => none[i] + part * (full[i] - none[i]));
  return oklch(l, c, part ? full[2] : none[2]);
}

function points(change) {
  const size = Math.abs(100 * change);
  return `${size < .05 ? "±" : change > 0 ? "+" : "−"}${size.toFixed(size < 9.95 ? 1 : 0)}`;
}

const fromTo = ([before, after]) => `${percent(before, 1)} → ${percent(after, 1)}`;

function changeRows(frame) {
  const row = (name, pair) => [name, fromTo(pair), `${points(pair[1] - pair[0])} points`];
  if (frame.fn < 0) return [row("total", frame.totals)];
  const [before, after] = figures.sides, {fn} = frame;
  const everywhere = [row("self, everywhere", [before.ownOf[fn], after.ownOf[fn]]), row("total, everywhere", [before.totalOf[fn], after.totalOf[fn]])];
  return state.inverted ? [row("this way", frame.totals), ...everywhere] : [row("self", frame.selfs), row("total", frame.totals), ...everywhere];
}

function fillChanges() {
  const [before, after] = figures.sides, body = $("hottest");
  const ranked = functions.map((_, fn) => fn).filter(fn => changeOfFunction(fn)).sort((a, b) => Math.abs(changeOfFunction(b)) - Math.abs(changeOfFunction(a)));
  $("listed").textContent = "What changed most";
  $("counted").textContent = ranked.length > ROWS ? `${ROWS} of ${ranked.length.toLocaleString("en")}` : "";
  ["Points", "Self", "Function"].forEach((text, i) => { $("heads").children[i].textContent = text; });
  body.textContent = "";
  for (const fn of ranked.slice(0, ROWS)) {
    const change = changeOfFunction(fn);
    const row = tableRow(fn, [points(change), fromTo([before.ownOf[fn], after.ownOf[fn]])], figures.mostChanged, [0, Math.abs(change)], changedColour(change));
    row.classList.add(change > 0 ? "grew" : "shrank");
    body.append(row);
  }
  if (!ranked.length) body.append(element("tr", {}, element("td", {colSpan: 3, className: "none"}, "No function's share changed.")));
}

function fillWidths() {
  $("headline").textContent = data.headline;
  for (const [value, text] of Object.entries(WIDTHS)) $("width").append(element("option", {value}, text));
  $("headline").hidden = $("width").hidden = false;
  $("only").hidden = true;
}

function fillChangeLegend() {
  const gradient = change => `linear-gradient(90deg, ${changedColour(0)}, ${changedColour(change)})`;
  for (const [name, sign] of [["grew", 1], ["shrank", -1]]) {
    const sample = element("i", {});
    sample.style.background = gradient(sign * (figures.mostChanged || 1));
    $("legend").append(element("li", {}, sample, name));
  }
  $("legend").append(element("li", {}, "by its own share of the time, not that of what it calls"));
}
