// The affective slider: a continuous scale from 0 to 1 between two drawings, which begins in the middle and counts once it was moved.

import { el } from "./dom.js";
import { figure } from "./figures.js";

const STEP = 0.005;

export function affectiveSlider(question, heading, words, changed) {
  const made = { question, value: undefined, at: null };
  const id = `slider-${question.question}`;
  const input = el("input", {
    type: "range", min: question.low, max: question.high, step: STEP, value: (question.low + question.high) / 2, id,
    className: "slider untouched", "aria-describedby": `${id}-ends`,
  });
  const answer = () => {
    input.classList.remove("untouched");
    made.value = Number(input.value);
    changed(made);
  };
  input.addEventListener("input", answer);
  input.addEventListener("pointerup", answer); // a press on the middle moves nothing, and is an answer
  const low = words.ends[`${question.question}_low`];
  const high = words.ends[`${question.question}_high`];
  made.node = el(
    "div",
    { className: "slider-question" },
    el("label", { htmlFor: id, className: "asked" }, heading),
    el("div", { className: "slider-row", dir: "ltr" }, figure(question.question, 0), input, figure(question.question, 1)),
    el("div", { className: "ends", dir: "ltr", id: `${id}-ends` }, el("span", {}, low), el("span", {}, high)),
  );
  return made;
}
