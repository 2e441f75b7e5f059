// ---- The address: its part after # holds what is shown, so that the browser's back, reload and a link keep it.

function pathOf(frame) {
  const path = [];
  for (let each = frame; each.parent; each = each.parent) path.unshift(each.fn === FOLDED ? "f" : each.fn);
  return path.join(".");
}

function remember({push}) {
  const address = new URLSearchParams(), path = pathOf(zoomed);
  const chosen = {search: state.term, at: path.length < 2000 ? path : "", only: state.only, width: state.width === "both" ? "" : state.width, inverted: state.inverted && "1", fold: state.folded && "1", theme: theme === preferred() ? "" : theme};
  for (const [name, value] of Object.entries(chosen)) if (value) address.set(name, value);
  const steps = (history.state?.steps || 0) + (push ? 1 : 0);
  try { history[push ? "pushState" : "replaceState"]({steps}, "", `#${address}`); } catch { /* a page in a sandbox has no address of its own */ }
}

const asked = () => new URLSearchParams(location.hash.slice(1));
const preferred = () => dark.matches ? "dark" : "light";

function follow() {
  const address = asked(), only = address.get("only") || "";
  state.only = [...$("only").options].some(option => option.value === only) ? only : "";
  Object.assign(state, {term: address.get("search") || "", inverted: address.has("inverted"), folded: address.has("fold")});
  state.width = address.get("width") in WIDTHS ? address.get("width") : "both";
  $("search").value = state.term;
  $("only").value = state.only;
  $("width").value = state.width;
  setTheme(["dark", "light"].includes(address.get("theme")) ? address.get("theme") : preferred());
  rebuild({zoomTo: () => address.get("at") ? frameAt(address.get("at")) : frameNamed(address.get("zoom"))});
  focused = frameNamed(address.get("focus")) || (document.activeElement === canvas ? zoomed : null);
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
  $("width").addEventListener("change", event => { state.width = event.target.value; rebuild(); remember({push: false}); });
  $("inverted").addEventListener("click", () => { state.inverted = !state.inverted; rebuild(); remember({push: false}); });
  $("fold").addEventListener("click", () => { state.folded = !state.folded; rebuild(); remember({push: false}); });
  $("back").addEventListener("click", goBack);
  $("reset").addEventListener("click", reset);
  $("theme").addEventListener("click", () => { setTheme(theme === "dark" ? "light" : "dark"); repaint(); remember({push: false}); });
  dark.addEventListener("change", () => { if (!asked().has("theme")) { setTheme(preferred()); repaint(); } });
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
