// The jsPsych plugin of a trial: one page, or two where a set is first put in order and then rated. It ends when the server has
// written the answers, and not before.

import { choice } from "./choice.js";
import { el, fillText } from "./dom.js";
import { affectGrid } from "./grid.js";
import { ranking } from "./rank.js";
import { drawn, headingOf, likert, yesNo } from "./scales.js";
import { sendAnswer } from "./server.js";
import { affectiveSlider } from "./slider.js";
import { pair, sheet, singlePicture } from "./stages.js";

const { ParameterType } = globalThis.jsPsychModule;

export class TrialPlugin {
  static info = {
    name: "emoticrafter-trial",
    version: "1.0.0",
    parameters: {
      trial: { type: ParameterType.OBJECT, default: undefined }, // as the server gives it
      kind: { type: ParameterType.STRING, default: undefined }, // of the study
      words: { type: ParameterType.OBJECT, default: undefined },
    },
    data: { trial: { type: ParameterType.INT }, answers: { type: ParameterType.OBJECT }, rt_ms: { type: ParameterType.OBJECT } },
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  async trial(display, { trial, kind, words }) {
    const [answers, times] = [{}, {}];
    let touch = false;
    const noteTouch = (event) => (touch ||= event.pointerType === "touch");
    display.addEventListener("pointerdown", noteTouch);
    for (const page of pagesOf(trial, kind, words, answers)) {
      Object.assign(answers, await showPage(display, page(), trial, words, times));
    }
    await save(display, words, () => sendAnswer(trial.trial, answers, times, touch));
    display.removeEventListener("pointerdown", noteTouch);
    display.replaceChildren();
    return { trial: trial.trial, answers, rt_ms: times };
  }
}

/** The pages of a trial, each a function that makes it: {stage, widgets}. */
function* pagesOf(trial, kind, words, answers) {
  const makers = { "affective-slider": affectiveSlider, sam: drawn, likert, "yes-no": yesNo };
  const widgets = (questions) => (changed) =>
    questions.map((one) => makers[one.instrument](one, headingOf(one, trial, words), words, changed));
  if (trial.part === "check") {
    yield () => ({ stage: null, make: widgets(trial.questions) });
  } else if (kind === "rank") {
    const [order, ...ratings] = trial.questions;
    yield () => ({ stage: null, make: (changed) => [ranking(order, trial, words, changed)], wide: true });
    if (ratings.length) yield () => ({ stage: null, make: ratingsInOrder(ratings, answers[order.name], trial, words), wide: true });
  } else if (kind === "compare") {
    for (const one of trial.questions) {
      yield () => ({ stage: null, make: (changed) => [choice(one, headingOf(one, trial, words), trial, words, changed)], wide: true });
    }
  } else if (trial.questions[0].instrument === "affect-grid") {
    yield () => ({ stage: singlePicture(trial), make: (changed) => [affectGrid(trial.questions, words, changed)] });
  } else {
    const stage = { "validate-pairs": pair, "rate-sets": sheet, rate: singlePicture }[kind];
    yield () => ({ stage: stage(trial, words), make: widgets(trial.questions) });
  }
}

/** The pictures of a set as they were ordered, each with its scale. */
function ratingsInOrder(questions, order, trial, words) {
  return (changed) => {
    const made = order.map((id, i) => {
      const question = questions.find((one) => one.picture === id);
      const scale = likert(question, fillText(words.page.picture, { number: i + 1 }), words, changed);
      scale.node.prepend(el("img", { src: `/pictures/${id}.webp`, alt: "" }));
      return scale;
    });
    const heading = el("p", { className: "asked" }, words.questions[`rate_${trial.axis}`]);
    made.frame = el("div", { className: "ratings" }, ...made.map((one) => one.node));
    made.heading = heading;
    return made;
  };
}

/** Show a page until all of it is answered and its button is pressed; returns the answers by name, and notes their times. */
function showPage(display, page, trial, words, times) {
  return new Promise((resolve) => {
    const next = el("button", { type: "button", className: "next", disabled: true }, words.page.next);
    let began = null;
    const changed = (widget) => {
      widget.at = began === null ? 0 : performance.now() - began;
      next.disabled = !isWhole();
    };
    const widgets = page.make(changed);
    const isWhole = () => began !== null && widgets.every((one) => one.value !== undefined);
    const nodes = widgets.frame ? [widgets.heading, widgets.frame] : widgets.map((one) => one.node);
    const practice = trial.part === "practice" ? el("p", { className: "practice" }, words.page.practice) : null;
    const form = el("div", { className: "questions" }, ...nodes);
    const laid = page.wide ? " wide" : page.stage ? "" : " alone";
    const answer = el("div", { className: "answer" }, form, el("footer", {}, next));
    const shown = el("div", { className: `trial${laid}` }, practice, page.stage, answer);
    display.replaceChildren(shown);
    shown.classList.add("waiting");

    const keys = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const arrow = widgets.map((one) => one.arrow?.(event.key)).find(Boolean);
      if (arrow) widgets[0].press(arrow);
      else if (/^[1-9]$/.test(event.key)) {
        const open = widgets.find((one) => one.press && one.value === undefined) || focused(widgets);
        if (!open?.press(Number(event.key))) return;
      } else if (event.key === "Enter" && !next.disabled && event.target.tagName !== "BUTTON") next.click();
      else if (event.key === "Enter" && !next.disabled && event.target.classList.contains("tile")) next.click();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", keys);
    next.addEventListener("click", () => {
      document.removeEventListener("keydown", keys);
      next.disabled = true;
      const found = {};
      for (const one of widgets) {
        const own = one.answers ? one.answers() : { [one.question.name]: one.value };
        Object.assign(found, own);
        for (const name of Object.keys(own)) times[name] = one.at ?? performance.now() - began;
      }
      resolve(found);
    });

    const images = [...shown.querySelectorAll("img")];
    Promise.all(images.map((image) => image.decode().catch(() => {}))).then(() =>
      requestAnimationFrame(() => {
        shown.classList.remove("waiting");
        scrollTo(0, 0);
        began = performance.now();
        next.disabled = !isWhole();
      }),
    );
  });
}

function focused(widgets) {
  return widgets.find((one) => one.press && one.node.contains(document.activeElement)) || widgets.filter((one) => one.press).at(-1);
}

/** Send until the server has it. What only a new page can mend is thrown. */
async function save(display, words, send) {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (error.reason !== "lost") throw error;
      const again = el("button", { type: "button", className: "next" }, words.page.again);
      const told = el("div", { className: "told", role: "alert" }, el("p", {}, words.page.not_saved), again);
      display.append(told);
      again.focus();
      await new Promise((resolve) => again.addEventListener("click", resolve));
      told.remove();
    }
  }
}
