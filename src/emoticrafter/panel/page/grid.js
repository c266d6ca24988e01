// The affect grid: valence from left to right, arousal from bottom to top, 9 x 9; one mark answers both.

import { el, fillText } from "./dom.js";

const SIDE = 9;

export function affectGrid(questions, words, changed) {
  const made = { question: null, value: undefined, at: null };
  const cells = [];
  const at = (valence, arousal) => cells[(SIDE - arousal) * SIDE + valence - 1];
  let [valence, arousal] = [5, 5];

  function choose() {
    for (const cell of cells) cell.setAttribute("aria-selected", "false");
    at(valence, arousal).setAttribute("aria-selected", "true");
    made.value = { valence, arousal };
    changed(made);
  }
  function move(right, up) {
    at(valence, arousal).tabIndex = -1;
    valence = Math.min(SIDE, Math.max(1, valence + right));
    arousal = Math.min(SIDE, Math.max(1, arousal + up));
    at(valence, arousal).tabIndex = 0;
    at(valence, arousal).focus();
  }
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  const rows = [];
  for (let row = SIDE; row >= 1; row -= 1) {
    const line = el("div", { role: "row", className: "grid-row" });
    for (let column = 1; column <= SIDE; column += 1) {
      const name = fillText(words.ends.cell, { valence: column, arousal: row });
      const middle = column === 5 && row === 5;
      const cell = el("div", { role: "gridcell", className: "cell", tabIndex: middle ? 0 : -1, "aria-selected": "false", "aria-label": name });
      cell.addEventListener("click", () => {
        move(column - valence, row - arousal);
        choose();
      });
      cells.push(cell);
      line.append(cell);
    }
    rows.push(line);
  }
  const grid = el("div", { role: "grid", className: "grid", "aria-label": words.questions.grid }, ...rows);
  grid.addEventListener("keydown", (event) => {
    if (steps[event.key]) {
      event.preventDefault();
      move(...steps[event.key]);
    } else if (event.key === " ") {
      event.preventDefault();
      choose();
    }
  });
  const word = (name, place) => el("span", { className: `around ${place}` }, words.ends[name]);
  made.node = el(
    "div",
    { className: "affect-grid", dir: "ltr" },
    el("p", { className: "asked", dir: "auto" }, words.questions.grid),
    el(
      "div",
      { className: "grid-frame" },
      word("arousal_high", "top"), word("tense", "top-left"), word("elated", "top-right"),
      word("valence_low", "left"), word("valence_high", "right"), grid,
      word("arousal_low", "bottom"), word("sad", "bottom-left"), word("relaxed", "bottom-right"),
    ),
  );
  made.focus = () => at(valence, arousal).focus();
  /** One answer for each question. */
  made.answers = () => Object.fromEntries(questions.map((one) => [one.name, made.value[one.question]]));
  return made;
}
