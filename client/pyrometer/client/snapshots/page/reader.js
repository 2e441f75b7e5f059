"use strict";
// All that is here is in the markup already; this makes it handier.

const $ = id => document.getElementById(id);
const all = selector => [...document.querySelectorAll(selector)];
const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function foldAll(open) { all("details").forEach(each => { each.open = open; }); }

/** Open what an element is folded into. */
function reveal(element) {
  for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
}

function follow() {
  const target = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
  if (target) { reveal(target); target.scrollIntoView({block: "nearest"}); }
}

/** Go some frames on, from the one that has the focus. */
function walk(step) {
  const heads = all("main [tabindex]").filter(each => each.offsetParent);
  const at = heads.indexOf(document.activeElement);
  const next = heads[at < 0 ? (step > 0 ? 0 : heads.length - 1) : Math.min(heads.length - 1, Math.max(0, at + step))];
  if (next) next.focus();
}

function toggleTheme() {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
}

const KEYS = {u: () => foldAll(true), f: () => foldAll(false), j: () => walk(1), k: () => walk(-1)};

let folded = [];
addEventListener("beforeprint", () => { folded = all("details:not([open])"); foldAll(true); });
addEventListener("afterprint", () => { folded.forEach(each => { each.open = false; }); });
addEventListener("hashchange", follow);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  KEYS[event.key]();
  event.preventDefault();
});
$("unfold").addEventListener("click", KEYS.u);
$("fold").addEventListener("click", KEYS.f);
$("theme").addEventListener("click", toggleTheme);
$("tools").hidden = false;
follow();
