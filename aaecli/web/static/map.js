// @ts-check
// The style map: a plane through the latent space, to drag through.

import { ask, canvas, colour, context, element, image, input, newest, save, select } from "./api.js";

/** @typedef {{index: number, label: string, style: number[]}} Dot */

const PALETTE = ["#4269d0", "#d98a00", "#e0524a", "#2f9c95", "#3c8f3c", "#c0589f", "#7b5bd6", "#8a6d4f", "#6f7f8f", "#a1902b"];

export class StyleMap {
  /** @param {{classes: string[], style_dim: number, style_std: number}} model */
  constructor(model) {
    this.model = model;
    /** @type {number[]} */
    this.origin = new Array(model.style_dim).fill(0);
    this.axes = [this.#unit(0), this.#unit(Math.min(1, model.style_dim - 1))];
    this.reach = 2.5 * model.style_std;
    this.at = [0, 0];
    /** @type {Dot[]} */
    this.dots = [];
    this.canvas = canvas("map");
    /** What stands still while one drags: the axes and the dots. */
    this.ground = document.createElement("canvas");
    this.isGroundDrawn = false;
    this.isDrawing = false;
    /** @type {(style: number[]) => void} */
    this.ask = newest("drawn-box", async (style, isNewest) => {
      const blob = await (await ask("/api/v1/draw", { json: this.#request(style) })).blob();
      const url = URL.createObjectURL(blob);
      const shown = image("drawn");
      await new Promise((resolve) => {
        shown.onload = shown.onerror = resolve;
        shown.src = url;
      });
      URL.revokeObjectURL(url);
      if (isNewest()) shown.alt = this.label ? `A ${this.label} in this style` : "This style";
    });
    this.askPlane = newest("map-row", async (/** @type {number[]} */ style, isNewest) => {
      const plane = await (await ask("/api/v1/plane", { json: { style, label: this.label } })).json();
      if (!isNewest() || select("axes").value !== "auto") return;
      this.axes = plane.axes.length > 1 ? plane.axes : [plane.axes[0], this.#unit(0).fill(0)];
      this.reach = plane.reach;
      this.isGroundDrawn = false;
      this.#moved();
    });
    this.#menus();
    this.#listen();
  }

  get label() {
    return this.model.classes.length ? select("class").value : "";
  }

  /** @param {number} dimension @returns {number[]} */
  #unit(dimension) {
    return Array.from({ length: this.model.style_dim }, (_, index) => (index === dimension ? 1 : 0));
  }

  /** Moves the middle to a style. @param {number[]} style @param {string} [label] */
  centre(style, label) {
    if (label !== undefined && this.model.classes.includes(label)) select("class").value = label;
    this.origin = style;
    this.at = [0, 0];
    this.#replane();
    this.#moved();
  }

  /** The style at a point of the plane. @param {number[]} at */
  style(at) {
    return this.origin.map((value, index) => value + at[0] * this.axes[0][index] + at[1] * this.axes[1][index]);
  }

  /** @param {number[]} style */
  #request(style) {
    const rounded = style.map((value) => Number(value.toFixed(4)));
    return { style: [rounded], label: this.label ? [this.label] : [] };
  }

  #menus() {
    for (const name of this.model.classes) select("class").add(new Option(name, name));
    element("class-tool").hidden = this.model.classes.length === 0;
    select("axes").add(new Option("most change", "auto"));
    for (let first = 0; first + 1 < this.model.style_dim; first += 2) {
      select("axes").add(new Option(`z${first + 1} and z${first + 2}`, String(first)));
    }
  }

  #replane() {
    this.isGroundDrawn = false;
    const chosen = select("axes").value;
    if (chosen === "auto") this.askPlane(this.origin);
    else this.axes = [this.#unit(Number(chosen)), this.#unit(Number(chosen) + 1)];
  }

  #listen() {
    select("class").addEventListener("change", () => (this.#replane(), this.#moved()));
    select("axes").addEventListener("change", () => (this.#replane(), this.#moved()));
    for (const id of ["across", "up"]) {
      input(id).addEventListener("input", () => {
        this.at = ["across", "up"].map((name) => (Number(input(name).value) / 100) * this.reach);
        this.#moved();
      });
    }
    element("middle").addEventListener("click", () => this.#go([0, 0]));
    element("save").addEventListener("click", () => this.#save());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.#drag(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) this.#drag(event);
    });
    this.canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const step = steps[/** @type {keyof typeof steps} */ (event.key)];
      if (!step) return;
      event.preventDefault();
      this.#go(this.at.map((value, index) => value + (step[index] * this.reach) / 20));
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const box = this.canvas.getBoundingClientRect();
    this.#go([
      (((event.clientX - box.left) / box.width) * 2 - 1) * this.reach,
      (1 - ((event.clientY - box.top) / box.height) * 2) * this.reach,
    ]);
  }

  /** @param {number[]} at */
  #go(at) {
    this.at = at.map((value) => Math.max(-this.reach, Math.min(this.reach, value)));
    this.#moved();
  }

  #moved() {
    ["across", "up"].forEach((id, index) => (input(id).value = String(Math.round((100 * this.at[index]) / this.reach))));
    this.#redraw();
    const style = this.style(this.at);
    this.ask(style);
    const body = JSON.stringify(this.#request(style));
    input("curl-style").value = `curl -o drawn.png -H 'Content-Type: application/json' -d '${body.replaceAll("'", "\\u0027")}' ${location.origin}/api/v1/draw`;
  }

  /** Draws everything anew, with the next frame. */
  draw() {
    this.isGroundDrawn = false;
    this.#redraw();
  }

  /** Draws with the next frame, once however often it is asked. */
  #redraw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      if (!this.isGroundDrawn) this.#drawGround();
      const pen = context(this.canvas);
      pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      pen.drawImage(this.ground, 0, 0);
      const [x, y] = this.#pixel(this.at);
      for (const [width, ink] of /** @type {[number, string][]} */ ([[9, colour("--paper")], [5, colour("--ink")]])) {
        pen.strokeStyle = ink;
        pen.lineWidth = width;
        pen.beginPath();
        pen.arc(x, y, 15, 0, 7);
        pen.stroke();
      }
    });
  }

  /** Where a point of the plane lies on the canvas. @param {number[]} at */
  #pixel(at) {
    const size = this.canvas.width;
    return [((at[0] / this.reach + 1) / 2) * size, ((1 - at[1] / this.reach) / 2) * size];
  }

  #drawGround() {
    const size = (this.ground.width = this.ground.height = this.canvas.width); // which clears it
    const pen = context(this.ground);
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(size / 2, 0);
    pen.lineTo(size / 2, size);
    pen.moveTo(0, size / 2);
    pen.lineTo(size, size / 2);
    pen.stroke();
    const chosen = this.label;
    for (const { label, style } of this.dots) {
      const rest = style.map((value, index) => value - this.origin[index]);
      const at = this.axes.map((axis) => axis.reduce((sum, value, index) => sum + value * rest[index], 0));
      const [x, y] = this.#pixel(at);
      pen.globalAlpha = label === chosen || !chosen ? 0.9 : 0.25;
      pen.fillStyle = PALETTE[Math.max(0, this.model.classes.indexOf(label)) % PALETTE.length];
      pen.beginPath();
      pen.arc(x, y, label === chosen ? 6 : 4, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    this.isGroundDrawn = true;
  }

  /** Saves the drawing, each pixel eight by eight. */
  #save() {
    const shown = image("drawn");
    const large = document.createElement("canvas");
    large.width = 8 * shown.naturalWidth;
    large.height = 8 * shown.naturalHeight;
    const pen = context(large);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(shown, 0, 0, large.width, large.height);
    large.toBlob((blob) => blob && save(blob, `drawn${this.label ? `-${this.label}` : ""}.png`), "image/png");
  }
}
