// Runs in the page, after its own script: a reader who has only a keyboard. What it sees goes into the title, ";" between.
const seen = [];
const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const note = () => seen.push(document.getElementById("told").textContent);
addEventListener("load", () => {
  document.getElementById("canvas").focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"]) { press(key); note(); }
  press("ArrowDown");
  press("Enter");
  seen.push(location.hash);
  press("Escape");
  seen.push(location.hash);
  press("/");
  seen.push(document.activeElement.id);
  document.title = seen.join(";");
});
