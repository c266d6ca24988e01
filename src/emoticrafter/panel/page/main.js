// The way of a participant: consent, instructions, trials, thanks. It begins where it was left.

import { asHtml, el, fillText, paragraphs } from "./dom.js";
import { enter, finish, readWords, withdraw } from "./server.js";
import { TrialPlugin } from "./trial.js";

const AHEAD = 2; // trials whose pictures are fetched before they are shown
const main = document.getElementById("study");
let words = null;

start();

async function start(begin = false) {
  let told;
  try {
    words ??= await readWords();
    told = await enter(begin);
    document.title = told.title;
    document.getElementById("title").textContent = told.title;
    showBanner(told);
    if (told.state === "new") return showConsent(told);
    if (told.state === "finished") return showEnd(told);
    await run(told);
    return showEnd(await finish());
  } catch (error) {
    return showFault(error);
  }
}

function showBanner(told) {
  const text = told.preview ? words.page.preview : told.simulated ? words.page.simulated : "";
  const banner = document.getElementById("banner");
  banner.textContent = text;
  banner.hidden = !text;
  document.getElementById("top").hidden = !text;
}

function showConsent(told) {
  const ticks = told.consent.criteria.map((text) => el("input", { type: "checkbox" }));
  const criteria = told.consent.criteria.map((text, i) => el("label", { className: "criterion" }, ticks[i], el("span", {}, text)));
  const fault = el("p", { className: "fault", role: "alert" });
  const agree = el("button", { type: "button", className: "next" }, words.consent.agree);
  const decline = el("button", { type: "button", className: "quiet" }, words.consent.decline);
  agree.addEventListener("click", () => {
    if (ticks.every((tick) => tick.checked)) start(true);
    else fault.textContent = words.consent.missing;
  });
  decline.addEventListener("click", () => showText(el("p", {}, words.consent.declined)));
  const contact = told.consent.contact ? el("p", {}, fillText(words.consent.contact, { contact: told.consent.contact })) : null;
  showText(
    el("h1", {}, told.title),
    el("h2", {}, words.consent.heading),
    ...paragraphs(told.consent.text),
    contact,
    criteria.length ? el("p", {}, words.consent.criteria) : null,
    ...criteria,
    fault,
    el("div", { className: "buttons" }, agree, decline),
  );
}

/** The trials that are left, in jsPsych's hands. */
async function run(told) {
  main.replaceChildren();
  const progress = (done) => {
    document.getElementById("top").hidden = false;
    document.getElementById("progress").value = done / told.all;
    document.getElementById("progress").setAttribute("aria-label", fillText(words.page.progress, { done, all: told.all }));
    document.getElementById("progress-text").textContent = fillText(words.page.progress, { done, all: told.all });
  };
  const jsPsych = globalThis.initJsPsych({ display_element: main });
  const timeline = [sizeCheck(told), preload(told), ...welcome(told)];
  told.trials.forEach((trial, i) => {
    const before = told.trials[i - 1] || null;
    if (before?.part === "practice" && trial.part !== "practice") timeline.push(message(words.page.practice_over, words.page.practice_over_text));
    else if (told.break_every && i && (trial.trial - 1) % told.break_every === 0) {
      timeline.push(message(words.page.break, fillText(words.page.break_text, { done: trial.trial - 1, all: told.all })));
    }
    timeline.push({
      type: TrialPlugin,
      trial,
      kind: told.kind,
      words,
      on_start: () => {
        progress(trial.trial - 1);
        told.trials.slice(i + 1, i + 1 + AHEAD).flatMap(addresses).forEach((address) => (new Image().src = address));
      },
      on_finish: () => progress(trial.trial),
    });
  });
  await untilDone(jsPsych.run(timeline));
}

/** jsPsych's end, or what a plugin threw: jsPsych itself lets a rejected promise of a plugin go by. */
function untilDone(running) {
  return new Promise((resolve, reject) => {
    addEventListener("unhandledrejection", (event) => event.reason?.reason && reject(event.reason), { once: true });
    running.then(resolve, reject);
  });
}

function sizeCheck(told) {
  const [width, height] = told.smallest_window;
  const text = fillText(words.page.too_small, { width, height });
  return {
    type: globalThis.jsPsychBrowserCheck,
    features: ["width", "height"],
    minimum_width: width,
    minimum_height: height,
    window_resize_message: asHtml(el("p", {}, text)),
    resize_fail_button_text: words.consent.decline,
    exclusion_message: () => asHtml(el("p", {}, text)),
  };
}

function preload(told) {
  return {
    type: globalThis.jsPsychPreload,
    images: [...new Set(told.trials.slice(0, AHEAD).flatMap(addresses))],
    message: asHtml(el("p", { className: "told" }, words.page.loading)),
    error_message: asHtml(el("p", { className: "told" }, words.page.failed)),
    show_progress_bar: false,
  };
}

function addresses(trial) {
  return trial.pictures.map((id) => `/pictures/${id}.webp`);
}

function welcome(told) {
  const instrument = told.trials.find((trial) => trial.part !== "check")?.questions[0].instrument;
  const known = { rank: "rank", "affect-grid": "grid", "affective-slider": "slider", choice: "choice", "yes-no": "yes_no" };
  const keys = fillText(words.instructions.keys, { keys: words.keys[known[instrument] || "numbers"] });
  const back = told.answered > 0;
  const heading = back ? words.instructions.back_again : words.instructions.heading;
  const again = fillText(words.instructions.back_again_text, { done: told.answered, all: told.all });
  const parts = [el("h1", {}, heading), ...(back ? [el("p", {}, again)] : []), ...paragraphs(told.instructions), el("p", { className: "keys" }, keys)];
  return told.trials.length ? [screen(parts, back ? words.instructions.go_on : words.instructions.begin)] : [];
}

function message(heading, text) {
  return screen([el("h1", {}, heading), el("p", {}, text)], words.instructions.go_on);
}

/** A page of text with a button, which Enter presses too. */
function screen(parts, button) {
  return {
    type: globalThis.jsPsychHtmlButtonResponse,
    stimulus: asHtml(el("div", { className: "text" }, ...parts)),
    choices: [button],
    button_html: (choice) => asHtml(el("button", { type: "button", className: "next" }, choice)),
    on_load: () => {
      scrollTo(0, 0);
      main.querySelector("button")?.focus({ preventScroll: true });
    },
  };
}

function showEnd(told) {
  document.getElementById("progress").value = 1;
  const erase = el("button", { type: "button", className: "quiet" }, words.end.withdraw);
  erase.addEventListener("click", askToWithdraw);
  const code = told.code ? el("p", { className: "code" }, fillText(words.end.code, { code: told.code })) : null;
  const safe = told.return_address.startsWith("https://");
  const back = safe ? el("a", { href: told.return_address, className: "next", rel: "noreferrer" }, words.end.return) : null;
  showText(el("h1", {}, words.end.heading), el("p", {}, words.end.text), code, el("div", { className: "buttons" }, back, erase));
}

function askToWithdraw() {
  const yes = el("button", { type: "button", className: "next" }, words.end.withdraw_yes);
  const no = el("button", { type: "button", className: "quiet" }, words.end.withdraw_no);
  no.addEventListener("click", () => start());
  yes.addEventListener("click", async () => {
    try {
      await withdraw();
      document.getElementById("top").hidden = true;
      showText(el("h1", {}, words.end.heading), el("p", {}, words.end.withdrawn));
    } catch (error) {
      showFault(error);
    }
  });
  showText(el("h1", {}, words.end.withdraw), el("p", {}, words.end.withdraw_sure), el("div", { className: "buttons" }, no, yes));
}

function showFault(error) {
  const known = { "other-tab": "other_tab", unknown: "unknown_link", lost: "not_saved" };
  if (!words) throw error; // the server went away between the page and its words: there is no language to say it in
  showText(el("p", { role: "alert" }, words.page[known[error.reason] || "failed"]));
}

function showText(...parts) {
  main.replaceChildren(el("div", { className: "text" }, ...parts.filter(Boolean)));
  main.className = "";
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}
