// @ts-check
// The page to draw on: paper on one side, what the model makes of it on the other.

import { ask, button, copyButtons, element, image, input, newest, save, select, showFault } from "./api.js";
import { StyleMap } from "./map.js";
import { Paper } from "./paper.js";

const MOST_BARS = 12;
/** Milliseconds between two looks at a stroke that is under way, at least. */
const PAUSE = 50;

async function main() {
  const model = await (await ask("/api/v1/model")).json();
  describe(model);
  const map = model.decodes && model.style_dim > 0 ? new StyleMap(model) : undefined;
  element("map-card").hidden = !map;
  element("reconstruction-figure").hidden = !map || (!model.encodes_label && model.classes.length > 0);

  /** What was asked last, and what came of it: lifting the pen changes nothing. @type {{version: number, found: any}} */
  let asked = { version: -1, found: undefined };
  /** Milliseconds that a look took. */
  let took = 0;
  const inspect = newest("answer-card", async (/** @type {Paper} */ from, isNewest) => {
    if (from.isEmpty) return showNothing();
    if (from.version !== asked.version) {
      const { version } = from;
      const start = performance.now();
      const picture = await from.blob();
      const query = new URLSearchParams({ top_k: String(MOST_BARS), name: from.picture?.name.slice(0, 200) || "drawing" });
      // Strokes are known to be dark on white; of a picture, the server finds out.
      if (!from.picture && model.channels === 1) query.set("invert", "true");
      asked = { version, found: await (await ask(`/api/v1/inspect?${query}`, { picture })).json() };
      took = performance.now() - start;
      if (from.isEmpty) return;
      showAnswer(asked.found);
    }
    // The rest is worth its time when a stroke has ended, and the answer goes before it.
    if (!isNewest() || from.isDown) return;
    await frame();
    if (isNewest() && !from.isEmpty) showStyle(asked.found, map);
  });

  let last = 0;
  const paper = new Paper("paper", model.channels === 3, (isDown) => {
    element("invitation").hidden = !paper.isEmpty;
    for (const id of ["undo", "clear", "save-picture"]) button(id).disabled = paper.isEmpty;
    const now = performance.now();
    // The server rests half of the time, so that it is free when the pen is lifted.
    if (isDown && now - last < Math.max(PAUSE, 2 * took)) return;
    last = now;
    inspect(paper);
  });
  tools(paper, model);
  incoming(paper);
  copyButtons();
  input("curl-picture").value =
    `curl --data-binary @drawing.png -H 'Content-Type: image/png' ${location.origin}/api/v1/classify`;
  map?.centre(map.origin, model.classes[0]);
  await examples(paper, map);
}

/** @param {Record<string, any>} model */
function describe(model) {
  const parts = [model.trained_on && `trained on ${model.trained_on}`, model.labels && `${model.labels} labels`];
  if (model.test_accuracy !== null) parts.push(`${(100 * model.test_accuracy).toFixed(2)} % of its test images right`);
  parts.push(`on the ${model.device.toUpperCase()}`);
  const text = parts.filter(Boolean).join(", ");
  element("model").textContent = text.charAt(0).toUpperCase() + text.slice(1) + ".";
  element("bars").hidden = element("curl-picture-box").hidden = !model.encodes_label;
  element("colour-tool").hidden = model.channels !== 3;
}

/** @param {Paper} paper @param {Record<string, any>} model */
function tools(paper, model) {
  element("undo").addEventListener("click", () => paper.undo());
  element("clear").addEventListener("click", () => paper.clear());
  element("open").addEventListener("click", () => input("file").click());
  element("camera").addEventListener("click", () => input("photo").click());
  input("width").addEventListener("input", () => (paper.width = Number(input("width").value)));
  input("colour").addEventListener("input", () => (paper.colour = input("colour").value));
  element("save-picture").addEventListener("click", async () => save(await paper.blob(), "drawing.png"));
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !paper.isEmpty) paper.undo();
  });
}

/** Pictures that come by file, by dropping or from the clipboard. @param {Paper} paper */
function incoming(paper) {
  /** @param {DataTransfer | HTMLInputElement | null} from */
  const take = (from) => {
    const file = from?.files?.[0];
    if (file) paper.lay(file, file.name);
  };
  for (const id of ["file", "photo"]) {
    input(id).addEventListener("change", () => {
      take(input(id));
      input(id).value = "";
    });
  }
  const frame = /** @type {HTMLElement} */ (document.querySelector(".paper"));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    frame.classList.add("over");
  });
  document.addEventListener("dragleave", () => frame.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    frame.classList.remove("over");
    take(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData));
}

/** Waits until examples are encoded. @param {Paper} paper @param {StyleMap | undefined} map */
async function examples(paper, map) {
  for (let pause = 300; ; pause = Math.min(2 * pause, 5000)) {
    const found = await (await ask("/api/v1/examples")).json();
    if (map) {
      map.dots = found.dots;
      map.draw();
    }
    if (found.dots.length && element("example").hidden) {
      element("example").hidden = false;
      element("example").addEventListener("click", async () => {
        const { index } = found.dots[Math.floor(Math.random() * found.dots.length)];
        paper.lay(await (await ask(`/api/v1/examples/${index}.png`)).blob(), `example ${index}.png`);
      });
    }
    if (found.ready) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function showNothing() {
  element("label").replaceChildren(faint("Nothing yet"));
  for (const id of ["warnings", "bars", "by-class", "nearest"]) element(id).replaceChildren();
  for (const id of ["seen", "reconstruction"]) image(id).hidden = true;
  element("classes-card").hidden = element("nearest-card").hidden = true;
}

/** @param {string} text */
function faint(text) {
  const span = document.createElement("span");
  span.className = "faint";
  span.textContent = text;
  return span;
}

/** @param {number} share */
const percent = (share) => (share > 0.9995 ? "> 99.9 %" : share < 0.0005 ? "0 %" : `${(100 * share).toFixed(1)} %`);

/** Waits until what was changed is on the screen; a page that is not looked at has no frames. */
function frame() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 100);
  });
}

/** @param {Record<string, any>} found */
function showAnswer(found) {
  const answer = found.answer;
  if (answer) {
    const sure = document.createElement("small");
    sure.textContent = percent(answer.probability);
    element("label").replaceChildren(answer.label, sure);
    bars(answer);
  } else {
    element("label").replaceChildren(faint("This model finds no class"));
  }
  element("warnings").replaceChildren(
    ...found.warnings.map((/** @type {string} */ text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
  picture("seen", found.seen, "What the model saw");
  picture("reconstruction", found.reconstruction, "What the decoder draws of that");
}

/** @param {Record<string, any>} found @param {StyleMap | undefined} map */
function showStyle(found, map) {
  const likeliest = found.answer?.top[0].label;
  if (map) map.centre(found.style, likeliest);
  const names = Object.keys(found.by_class);
  element("classes-card").hidden = names.length === 0;
  element("by-class").replaceChildren(
    ...names.map((name) =>
      tile(`data:image/png;base64,${found.by_class[name]}`, name, `Draw a ${name} on the map`, name === likeliest, () => {
        select("class").value = name;
        map?.centre(found.style, name);
        press("by-class", name);
      }),
    ),
  );
  element("nearest-card").hidden = found.nearest.length === 0;
  element("nearest").replaceChildren(
    ...found.nearest.map((/** @type {{index: number, label: string}} */ { index, label }) =>
      tile(`/api/v1/examples/${index}.png`, label, `Take the style of example ${index}, a ${label}`, undefined, () => {
        const dot = map?.dots.find((one) => one.index === index);
        if (dot) map?.centre(dot.style, label);
      }),
    ),
  );
}

/** @param {string} list @param {string} name */
function press(list, name) {
  for (const one of element(list).querySelectorAll("button")) {
    one.setAttribute("aria-pressed", String(one.textContent === name));
  }
}

/** @param {string} id @param {string | null} data @param {string} alt */
function picture(id, data, alt) {
  image(id).hidden = !data;
  if (data) image(id).src = `data:image/png;base64,${data}`;
  image(id).alt = alt;
}

/** @param {{top: {label: string, probability: number}[]}} answer */
function bars({ top }) {
  // In the order of the classes, so that a bar stays where it is while one draws.
  const shown = top.slice(0, MOST_BARS).sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }));
  element("bars").replaceChildren(
    ...shown.map(({ label, probability }) => {
      const row = document.createElement("li");
      row.className = label === top[0].label ? "first" : "";
      const [name, track, share] = ["name", "track", "share"].map((kind) => {
        const part = document.createElement("span");
        part.className = kind;
        return row.appendChild(part);
      });
      name.textContent = label;
      share.textContent = percent(probability);
      const fill = track.appendChild(document.createElement("div"));
      fill.className = "fill";
      fill.style.width = `${100 * probability}%`;
      return row;
    }),
  );
}

/**
 * @param {string} source
 * @param {string} name
 * @param {string} description
 * @param {boolean | undefined} isPressed
 * @param {() => void} act
 */
function tile(source, name, description, isPressed, act) {
  const item = document.createElement("li");
  const one = item.appendChild(document.createElement("button"));
  one.type = "button";
  one.title = description;
  if (isPressed !== undefined) one.setAttribute("aria-pressed", String(isPressed));
  const shown = one.appendChild(document.createElement("img"));
  shown.src = source;
  shown.alt = "";
  one.appendChild(document.createElement("span")).textContent = name;
  one.addEventListener("click", act);
  return item;
}

main().catch((error) => showFault(error.message, "page"));
