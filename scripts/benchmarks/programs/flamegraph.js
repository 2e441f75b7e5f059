// Runs in the page of a flame graph, after its own script: how long that took, and what each thing that a reader does
// takes. The figures go into the title, as JSON, in milliseconds.
const opened = performance.now();
const timed = work => { const began = performance.now(); work(); return performance.now() - began; };
const middle = values => values.sort((a, b) => a - b)[values.length >> 1];
const rounds = work => middle(Array.from({length: 9}, (_, i) => timed(() => work(i))));
const wide = kidsOf(root)[0], choose = value => { $("only").value = value; $("only").dispatchEvent(new Event("change")); };
const figures_ = {
  nodes: tree.size,
  opened,
  zooming: rounds(i => { view = {start: i * wide.total / 40, span: root.total / (1 + i / 3)}; draw(); }),
  hovering: rounds(i => { hovered = boxes[i % boxes.length].frame; draw(); }),
  searching: rounds(i => searchFor(`method_${i}`)),
  inverting: rounds(() => $("inverted").click()),
  choosing: rounds(i => choose(i % 2 ? "" : `p${i % data.processes.length}`)),
};
document.title = JSON.stringify(figures_);
