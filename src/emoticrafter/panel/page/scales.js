// Scales of points, as radio buttons: Likert, nine points with drawings, yes or no.

import { el, fillText } from "./dom.js";
import { figure } from "./figures.js";

/** A question with one answer of several. `options`: {value, name, shown}; `ends`: words at both ends of a scale. */
function radios(question, heading, options, { ends = null, kind = "", changed }) {
  const made = { question, value: undefined, at: null };
  const inputs = options.map(({ value, name, shown }) => {
    const input = el("input", { type: "radio", name: question.name, "aria-label": name });
    input.addEventListener("change", () => {
      made.value = value;
      changed(made);
    });
    return { input, value, label: el("label", { className: "point" }, input, el("span", { className: "mark" }, shown)) };
  });
  const row = el("div", { className: "points" }, ...inputs.map(({ label }) => label));
  const sides = ends ? [el("div", { className: "ends" }, el("span", {}, ends[0]), el("span", {}, ends[1]))] : [];
  made.node = el("fieldset", { className: `scale ${kind}` }, el("legend", {}, heading), row, ...sides);
  /** Answer by a number key, counted from 1. Returns whether there is such an answer. */
  made.press = (number) => {
    const chosen = inputs[number - 1];
    if (!chosen) return false;
    chosen.input.checked = true;
    chosen.input.focus();
    made.value = chosen.value;
    changed(made);
    return true;
  };
  return made;
}

export function likert(question, heading, words, changed) {
  return radios(question, heading, points(question, words, (number) => number), { ends: ends(question, words), changed });
}

/** Nine points, with drawings at each second one. */
export function drawn(question, heading, words, changed) {
  const shown = (number, share) => (number % 2 ? figure(question.question, share) : el("span", { className: "dot" }));
  return radios(question, heading, points(question, words, shown), { ends: ends(question, words), kind: "drawn", changed });
}

export function yesNo(question, heading, words, changed) {
  const options = [
    { value: true, name: words.page.yes, shown: words.page.yes },
    { value: false, name: words.page.no, shown: words.page.no },
  ];
  return radios(question, heading, options, { kind: "yes-no", changed });
}

function points(question, words, shown) {
  const [low, high] = ends(question, words) || ["", ""];
  return Array.from({ length: question.points }, (_, i) => {
    const share = i / (question.points - 1);
    const end = i === 0 ? low : i === question.points - 1 ? high : "";
    const value = question.low + share * (question.high - question.low);
    return { value, name: end ? `${i + 1}, ${end}` : String(i + 1), shown: shown(i + 1, share) };
  });
}

function ends(question, words) {
  const low = words.ends[`${question.question}_low`];
  return low ? [low, words.ends[`${question.question}_high`]] : null;
}

/** The heading of a question about the whole page. */
export function headingOf(question, trial, words) {
  if (question.question === "check") return fillText(words.questions.check, { answer: question.expected });
  const named = trial.neutral !== undefined ? `pair_${question.question}` : question.question;
  return fillText(words.questions[named], { feeling: trial.feeling || "" });
}
