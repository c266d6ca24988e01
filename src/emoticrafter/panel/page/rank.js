// Pictures put in order: dragged, moved by keys, or chosen and then sent to the place of another one.

import { el, fillText, isRightToLeft, speak } from "./dom.js";

const DRAG = 6; // pixels after which a press is a drag

export function ranking(question, trial, words, changed) {
  const made = { question, value: [...trial.pictures], at: null };
  const list = el("ol", { className: "rank" });
  let chosen = null;

  const tiles = trial.pictures.map((id, i) => {
    const name = fillText(words.page.picture_of, { number: i + 1, all: trial.pictures.length });
    const image = el("img", { src: `/pictures/${id}.webp`, alt: "", draggable: false });
    const button = el("button", { type: "button", className: "tile", "aria-pressed": "false", "aria-label": name }, image);
    const item = el("li", {}, button);
    item.dataset.picture = id;
    button.addEventListener("pointerdown", (event) => drag(item, event));
    button.addEventListener("click", () => choose(item));
    button.addEventListener("keydown", (event) => press(item, event));
    return item;
  });
  list.append(...tiles);

  const items = () => [...list.children];
  function settle() {
    made.value = items().map((item) => item.dataset.picture);
    changed(made);
  }
  function place(item, index) {
    const others = items().filter((one) => one !== item);
    list.insertBefore(item, others[index] || null);
  }
  function moveTo(item, index) {
    place(item, Math.min(tiles.length - 1, Math.max(0, index)));
    settle();
    item.firstChild.focus();
    speak(fillText(words.page.moved, { number: items().indexOf(item) + 1, all: tiles.length }));
  }
  function mark(item) {
    chosen = item;
    for (const one of tiles) one.firstChild.setAttribute("aria-pressed", String(one === item));
  }
  function choose(item) {
    if (item.dataset.dragged) {
      delete item.dataset.dragged;
    } else if (chosen && chosen !== item) {
      const moved = chosen;
      mark(null);
      moveTo(moved, items().indexOf(item));
    } else {
      mark(chosen === item ? null : item);
    }
  }
  function press(item, event) {
    const onwards = isRightToLeft() ? "ArrowLeft" : "ArrowRight";
    const back = isRightToLeft() ? "ArrowRight" : "ArrowLeft";
    const steps = { [onwards]: 1, ArrowDown: 1, [back]: -1, ArrowUp: -1 };
    const number = Number(event.key);
    if (steps[event.key]) moveTo(item, items().indexOf(item) + steps[event.key]);
    else if (number >= 1 && number <= tiles.length) moveTo(item, number - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function drag(item, down) {
    if (down.button !== 0) return;
    const button = item.firstChild;
    const centre = () => {
      const box = item.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    };
    let [fromX, fromY] = [down.clientX, down.clientY];
    let moving = false;
    const move = (event) => {
      if (!moving && Math.hypot(event.clientX - fromX, event.clientY - fromY) < DRAG) return;
      if (!moving) {
        moving = true;
        mark(null);
        item.classList.add("dragged");
        button.setPointerCapture(down.pointerId);
      }
      const nearest = items().reduce((best, one) => (away(one, event) < away(best, event) ? one : best));
      if (nearest !== item) {
        const before = centre();
        place(item, items().indexOf(nearest));
        const after = centre();
        fromX += after[0] - before[0];
        fromY += after[1] - before[1];
      }
      button.style.transform = `translate(${event.clientX - fromX}px, ${event.clientY - fromY}px)`;
    };
    const end = () => {
      button.removeEventListener("pointermove", move);
      button.removeEventListener("pointerup", end);
      button.removeEventListener("pointercancel", end);
      button.style.transform = "";
      item.classList.remove("dragged");
      if (moving) {
        item.dataset.dragged = "yes"; // the click that follows is no choice
        setTimeout(() => delete item.dataset.dragged);
        settle();
      }
    };
    button.addEventListener("pointermove", move);
    button.addEventListener("pointerup", end);
    button.addEventListener("pointercancel", end);
  }

  const low = words.ends[`${trial.axis}_low`];
  const high = words.ends[`${trial.axis}_high`];
  made.node = el(
    "div",
    { className: "rank-frame" },
    el("p", { className: "asked" }, words.questions[`rank_${trial.axis}`]),
    el("div", { className: "rank-ends" }, el("span", {}, low), list, el("span", {}, high)),
  );
  return made;
}

/** How far a place is from a pointer. Places keep still while their picture follows the pointer. */
function away(item, event) {
  const box = item.getBoundingClientRect();
  return Math.hypot(box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY);
}
