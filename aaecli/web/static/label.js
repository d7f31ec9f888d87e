// @ts-check
// The labelling page: a grid of pictures, answered by single keys. A tile is green when its label is on the disk.

import { ask, button, element, showFault } from "./api.js";

/** @typedef {{index: number, path: string, guess: string | null, probability: number | null, label: string}} Question */

/** @type {{folder: string, classes: string[], questions: Question[]}} */
let state = { folder: "", classes: [], questions: [] };
/** @type {HTMLButtonElement[]} */
let tiles = [];
let current = 0;
/** Width in pixels from which on a picture is one of several together, such as a cluster, and needs room and its name. */
const LARGE = 100;
/** What was typed of a name that is not yet one. */
let typed = "";
/** Answers go out one after the other, so that the last one given is the last one written. */
let sending = Promise.resolve();

async function load(found = ask("/api/v1/questions")) {
  state = await (await found).json();
  current = Math.max(0, state.questions.findIndex(({ label }) => !label));
  element("folder").textContent = `Labels for ${state.folder}`;
  tiles = state.questions.map(makeTile);
  element("grid").replaceChildren(
    ...tiles.map((one) => {
      const item = document.createElement("li");
      item.append(one);
      return item;
    }),
  );
  element("guesses").hidden = state.questions.every(({ guess }) => guess === null);
  legend();
  choose(current, false);
}

/** @param {Question} question */
function makeTile(question) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = "tile";
  const shown = document.createElement("img");
  // Other questions have other pictures under the same numbers.
  shown.src = `/api/v1/questions/${question.index}.png?path=${encodeURIComponent(question.path)}`;
  shown.alt = question.path;
  shown.title = question.path;
  shown.addEventListener("load", () => element("grid").classList.toggle("large", shown.naturalWidth >= LARGE));
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = question.path;
  // Screen readers have it from the picture.
  name.ariaHidden = "true";
  const given = document.createElement("span");
  given.className = "given";
  const note = document.createElement("span");
  note.className = "state";
  one.append(shown, name, given, note);
  one.addEventListener("click", () => choose(question.index));
  one.addEventListener("focus", () => choose(question.index, false));
  paint(one, question, question.label ? "saved" : "");
  return one;
}

/** @param {HTMLElement} one @param {Question} question @param {"" | "saving" | "saved" | "failed"} how */
function paint(one, question, how) {
  one.classList.remove("saving", "saved", "failed");
  if (how) one.classList.add(how);
  const guess = question.guess === null ? "" : `${question.guess}? ${Math.round(100 * (question.probability ?? 0))} %`;
  const words = { "": guess, saving: "saving…", saved: "saved", failed: "not saved" };
  /** @type {HTMLElement} */ (one.querySelector(".given")).textContent = question.label;
  /** @type {HTMLElement} */ (one.querySelector(".state")).textContent = words[how];
}

/** @param {number} index @param {boolean} [focuses] */
function choose(index, focuses = true) {
  if (!tiles.length) return;
  current = Math.min(tiles.length - 1, Math.max(0, index));
  typed = "";
  tiles.forEach((one, number) => {
    one.setAttribute("aria-current", String(number === current));
    one.tabIndex = number === current ? 0 : -1;
  });
  if (focuses) tiles[current].focus();
  tell();
  count();
}

/** Says what a key came to; nothing takes it away. @param {string} [text] */
function tell(text = "") {
  element("message").textContent = text;
}

function count() {
  const done = tiles.filter((one) => one.classList.contains("saved")).length;
  element("state").textContent = `${done} of ${tiles.length} saved. Now: ${state.questions[current].path}`;
}

/** The key of each class: its name where that is one letter or digit, else its number, where no name is one. */
function keys() {
  const numbers = !state.classes.some((name) => /^\d/.test(name));
  return new Map(
    state.classes.map((name, index) => [name, name.length === 1 ? name : numbers && index < 9 ? String(index + 1) : ""]),
  );
}

function legend() {
  const short = keys();
  element("legend").replaceChildren(
    ...state.classes.map((name) => {
      const item = document.createElement("li");
      const one = item.appendChild(document.createElement("button"));
      one.type = "button";
      const key = short.get(name);
      if (key) one.appendChild(document.createElement("kbd")).textContent = key;
      if (key !== name) one.append(` ${name}`);
      one.addEventListener("click", () => give(name));
      return item;
    }),
  );
  if (!state.classes.length) element("legend").textContent = "No class yet: press + and type the name of the first.";
}

/**
 * Answers a question; its tile turns green when the server says that the label is on the disk.
 * @param {number} index
 * @param {string} label
 * @param {boolean} [isNew]
 */
function answer(index, label, isNew = false) {
  const question = state.questions[index];
  const one = tiles[index];
  const before = question.label;
  question.label = label;
  paint(one, question, "saving");
  sending = sending.then(async () => {
    const query = new URLSearchParams({ path: question.path });
    try {
      await ask(`/api/v1/questions/${index}?${query}`, { method: "PUT", json: { label, new: isNew } });
      if (label && !state.classes.includes(label)) {
        state.classes.push(label);
        legend();
      }
      if (question.label === label) paint(one, question, label ? "saved" : "");
      showFault("", "label");
    } catch (error) {
      if (question.label === label) {
        question.label = before;
        paint(one, question, "failed");
      }
      showFault(error instanceof Error ? error.message : String(error), "label");
    }
    count();
  });
}

/** Answers the chosen picture and goes on to the next. @param {string} label @param {boolean} [isNew] */
function give(label, isNew = false) {
  if (!tiles.length) return;
  answer(current, label, isNew);
  choose(current + 1);
}

function columns() {
  const top = tiles[0]?.getBoundingClientRect().top;
  const found = tiles.findIndex((one) => one.getBoundingClientRect().top !== top);
  return found < 0 ? tiles.length : found;
}

function takeRow() {
  const width = Math.max(1, columns());
  const first = current - (current % width);
  for (let index = first; index < Math.min(first + width, tiles.length); index += 1) {
    const { guess, label } = state.questions[index];
    if (guess !== null && !label) answer(index, guess);
  }
  choose(first + width);
}

function addClass() {
  const name = (prompt("Name of the new class for this picture") ?? "").trim();
  if (!name) return;
  // Typed twice, so that a slip makes no class.
  if (!state.classes.includes(name) && (prompt(`Once more, to add “${name}”`) ?? "").trim() !== name) {
    showFault("The two names differ: nothing was added.", "label");
    return;
  }
  give(name, true);
}

/** Understands a letter or digit: a key of the legend, else the beginning of a name. @param {string} letter */
function letterTyped(letter) {
  const short = keys();
  const exact = state.classes.find((name) => short.get(name) === letter);
  if (exact !== undefined && !typed) return give(exact);
  typed += letter.toLocaleLowerCase();
  const begin = state.classes.filter((name) => name.toLocaleLowerCase().startsWith(typed));
  if (begin.length === 1) return give(begin[0]);
  if (begin.length) return tell(`“${typed}” may be ${begin.slice(0, 6).join(", ")}.`);
  const missing = typed;
  typed = "";
  tell(`There is no class “${missing}”. Press + for a new one.`);
}

/** @param {KeyboardEvent} event */
function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !tiles.length) return;
  const target = /** @type {HTMLElement} */ (event.target);
  // Buttons outside the grid keep Enter and Space.
  if (!target.classList.contains("tile") && target !== document.body && ["Enter", " "].includes(event.key)) return;
  const width = columns();
  /** @type {Record<string, () => void>} */
  const does = {
    ArrowLeft: () => choose(current - 1),
    ArrowRight: () => choose(current + 1),
    ArrowUp: () => choose(current - width < 0 ? current : current - width),
    ArrowDown: () => choose(current + width),
    Enter: () => {
      const { guess } = state.questions[current];
      if (event.shiftKey) takeRow();
      else if (typed && state.classes.some((name) => name.toLocaleLowerCase() === typed)) {
        give(/** @type {string} */ (state.classes.find((name) => name.toLocaleLowerCase() === typed)));
      } else if (guess !== null) give(guess);
      else tell("There is no guess to take: type a class.");
    },
    " ": () => choose(current + 1),
    Backspace: () => {
      if (typed) typed = "";
      else {
        // At a picture without an answer, the one before is meant: the answer that was just given.
        if (!state.questions[current].label && current > 0) choose(current - 1);
        if (state.questions[current].label) answer(current, "");
      }
      tell();
    },
    Escape: () => ((typed = ""), tell()),
    "+": addClass,
    "?": () => element("help-box").toggleAttribute("open"),
  };
  const act = does[event.key] ?? (/^[\p{L}\p{N}_-]$/u.test(event.key) ? () => letterTyped(event.key) : undefined);
  if (!act) return;
  event.preventDefault();
  act();
}

document.addEventListener("keydown", key);
element("guesses").addEventListener("click", takeRow);
element("add").addEventListener("click", addClass);
element("more").addEventListener("click", async () => {
  button("more").disabled = true;
  tell("Choosing…");
  try {
    await sending;
    await load(ask("/api/v1/questions/more", { json: {} }));
  } catch (error) {
    showFault(error instanceof Error ? error.message : String(error), "label");
  }
  button("more").disabled = false;
});
load().catch((error) => showFault(error.message, "label"));
