// @ts-check
// Talking to the server: faults as sentences, and at most one request under way for each panel.

/** A request that was refused: what is wrong, and what to do about it. */
export class Fault extends Error {
  /** @param {string} message @param {string} hint */
  constructor(message, hint = "") {
    super(hint ? `${message} ${hint}` : message);
  }
}

/**
 * Asks the server.
 * @param {string} path
 * @param {{method?: string, json?: unknown, picture?: Blob}} [options]
 * @returns {Promise<Response>}
 */
export async function ask(path, { method, json, picture } = {}) {
  /** @type {RequestInit} */
  const init = { method: method ?? (json !== undefined || picture ? "POST" : "GET") };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { "Content-Type": "application/json" };
  } else if (picture) {
    init.body = picture;
    init.headers = { "Content-Type": "application/octet-stream" };
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Fault("The server does not answer.", "Is aaecli still running?");
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Fault(answer.error ?? `The server answered ${response.status}.`, answer.hint ?? "");
  }
  return response;
}

/**
 * Makes a function that asks for the newest state only: while one request is under way, all but the last wait no more.
 * @template T
 * @param {string} panel What is busy meanwhile.
 * @param {(state: T, isNewest: () => boolean) => Promise<void>} work
 * @returns {(state: T) => void}
 */
export function newest(panel, work) {
  /** @type {{state: T} | undefined} */
  let waiting;
  let number = 0;
  let busy = false;
  async function run() {
    busy = true;
    element(panel).setAttribute("aria-busy", "true");
    while (waiting) {
      const { state } = waiting;
      waiting = undefined;
      const mine = number;
      try {
        await work(state, () => mine === number);
        showFault("", panel);
      } catch (error) {
        showFault(error instanceof Error ? error.message : String(error), panel);
      }
    }
    busy = false;
    element(panel).setAttribute("aria-busy", "false");
  }
  return (state) => {
    waiting = { state };
    number += 1;
    if (!busy) run();
  };
}

/** Why something does not work, by the panel that it was for. @type {Map<string, string>} */
const faults = new Map();

/**
 * Shows why something did not work. An empty text takes away what the same panel showed: that another one works again
 * says nothing of it.
 * @param {string} text
 * @param {string} panel
 */
export function showFault(text, panel) {
  if (text) faults.set(panel, text);
  else faults.delete(panel);
  const box = element("fault");
  box.textContent = [...new Set(faults.values())].join(" ");
  box.hidden = !faults.size;
}

/**
 * Gives an element of the page.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** @param {string} id */
export const input = (id) => /** @type {HTMLInputElement} */ (element(id));
/** @param {string} id */
export const button = (id) => /** @type {HTMLButtonElement} */ (element(id));
/** @param {string} id */
export const select = (id) => /** @type {HTMLSelectElement} */ (element(id));
/** @param {string} id */
export const canvas = (id) => /** @type {HTMLCanvasElement} */ (element(id));
/** @param {string} id */
export const image = (id) => /** @type {HTMLImageElement} */ (element(id));

/** A colour of the style sheet. @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The two-dimensional drawing of a canvas. @param {HTMLCanvasElement} of @returns {CanvasRenderingContext2D} */
export function context(of) {
  const found = of.getContext("2d");
  if (!found) throw new Error("no canvas in this browser");
  return found;
}

/** Hands a picture to the user. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Makes the buttons beside commands copy them. */
export function copyButtons() {
  for (const one of document.querySelectorAll("[data-copy]")) {
    one.addEventListener("click", () => {
      const field = input(/** @type {HTMLElement} */ (one).dataset.copy ?? "");
      field.select();
      // Only where the address is local or HTTPS; elsewhere the selected text can be copied by hand.
      navigator.clipboard?.writeText(field.value).then(() => {
        one.textContent = "Copied";
        setTimeout(() => (one.textContent = "Copy"), 1500);
      });
    });
  }
}
