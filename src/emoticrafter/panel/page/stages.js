// What is looked at, above the questions: a picture, a sheet, a pair of sentences.

import { el, fillText } from "./dom.js";

const picture = (id, className = "") => el("img", { src: `/pictures/${id}.webp`, alt: "", className, draggable: false });

export function singlePicture(trial) {
  return el("div", { className: "single" }, picture(trial.pictures[0]));
}

/** A sheet of valence by arousal, each picture of which can be looked at in large. */
export function sheet(trial, words) {
  const large = el("dialog", { className: "large" });
  const shut = el("button", { type: "button", className: "quiet" }, words.page.smaller);
  shut.addEventListener("click", () => large.close());
  large.addEventListener("click", (event) => event.target === large && large.close());
  const cells = trial.pictures.map((id, i) => {
    const name = fillText(words.page.enlarge, { number: i + 1 });
    const button = el("button", { type: "button", className: "sheet-cell", "aria-label": name }, picture(id));
    button.addEventListener("click", () => {
      large.replaceChildren(picture(id), shut);
      large.showModal();
    });
    return button;
  });
  const board = el("div", { className: "sheet", dir: "ltr" }, ...cells);
  board.style.setProperty("--columns", trial.columns);
  board.style.setProperty("--rows", Math.ceil(trial.pictures.length / trial.columns));
  const word = (name, place) => el("span", { className: `around ${place}` }, words.ends[name]);
  return el(
    "div",
    { className: "sheet-frame", dir: "ltr" },
    word("arousal_high", "top"), word("valence_low", "left"), board, word("valence_high", "right"), word("arousal_low", "bottom"),
    large,
  );
}

export function pair(trial, words) {
  const card = (heading, text, className) =>
    el("section", { className }, el("h2", {}, heading), el("p", { dir: "auto" }, text));
  return el(
    "div",
    { className: "pair" },
    trial.pictures.length ? el("div", { className: "single" }, picture(trial.pictures[0])) : null,
    el(
      "div",
      { className: "sentences" },
      card(words.questions.pair_neutral, trial.neutral, "sentence"),
      card(words.questions.pair_emotional, trial.prompt, "sentence emotional"),
    ),
  );
}
