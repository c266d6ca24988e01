// One picture of two, as radio buttons that are the pictures.

import { el, fillText } from "./dom.js";

export function choice(question, heading, trial, words, changed) {
  const made = { question, value: undefined, at: null };
  const inputs = trial.pictures.map((id, i) => {
    const name = fillText(words.page.picture, { number: i + 1 });
    const input = el("input", { type: "radio", name: question.name, "aria-label": name });
    input.addEventListener("change", () => {
      made.value = id;
      changed(made);
    });
    const label = el("label", { className: "candidate" }, input, el("img", { src: `/pictures/${id}.webp`, alt: "", draggable: false }));
    return { input, label };
  });
  const prompt = question.question === "words" ? el("blockquote", { dir: "auto" }, trial.prompt) : null;
  made.node = el(
    "fieldset",
    { className: "choice" },
    el("legend", {}, heading),
    prompt,
    el("div", { className: "candidates", dir: "ltr" }, ...inputs.map(({ label }) => label)),
  );
  /** Choose by a number key, or by the arrow keys, which mean sides. */
  made.press = (number) => {
    if (!inputs[number - 1]) return false;
    inputs[number - 1].input.click();
    inputs[number - 1].input.focus();
    return true;
  };
  made.arrow = (key) => ({ ArrowLeft: 1, ArrowRight: 2 })[key];
  return made;
}
