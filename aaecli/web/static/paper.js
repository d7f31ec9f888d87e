// @ts-check
// Paper to draw on with mouse, finger or pen, or to lay a picture on.

import { canvas, colour, context } from "./api.js";

const SENT = 280;
/** @typedef {{x: number, y: number, width: number}} Point */
/** @typedef {{points: Point[], colour: string}} Stroke */

export class Paper {
  /**
   * @param {string} id Of the canvas.
   * @param {boolean} hasColour Whether strokes have one.
   * @param {(isDown: boolean) => void} changed Is called after every change; whether a stroke is under way.
   */
  constructor(id, hasColour, changed) {
    this.canvas = canvas(id);
    this.hasColour = hasColour;
    this.changed = changed;
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {{blob: Blob, name: string, bitmap: ImageBitmap} | undefined} */
    this.picture = undefined;
    this.width = 22;
    this.colour = "#c02020";
    /** @type {number | undefined} */
    this.pointer = undefined;
    this.isPen = false;
    /** Grows with every change of what is on the paper. */
    this.version = 0;
    this.canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.canvas.addEventListener(name, (event) => this.#up(/** @type {PointerEvent} */ (event)));
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  /** Whether a stroke is under way. */
  get isDown() {
    return this.pointer !== undefined;
  }

  get isEmpty() {
    return this.strokes.length === 0 && !this.picture;
  }

  undo() {
    if (this.picture) this.picture = undefined;
    else this.strokes.pop();
    this.#show(false);
  }

  clear() {
    this.picture = undefined;
    this.strokes = [];
    this.#show(false);
  }

  /** Lays a picture on the paper, in the place of what is there. @param {Blob} blob @param {string} name */
  async lay(blob, name) {
    // One that the browser cannot show may still be one that the server reads.
    const bitmap = await createImageBitmap(blob).catch(() => createImageBitmap(new ImageData(1, 1)));
    this.strokes = [];
    this.picture = { blob, name, bitmap };
    this.#show(false);
  }

  /** The picture as it is sent: what was laid on the paper, else the strokes, dark on white. @returns {Promise<Blob>} */
  async blob() {
    if (this.picture) return this.picture.blob;
    const sent = document.createElement("canvas");
    sent.width = sent.height = SENT;
    const pen = context(sent);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, SENT, SENT);
    this.#draw(pen, SENT / this.canvas.width, "#000");
    return new Promise((resolve) => sent.toBlob((blob) => resolve(blob ?? new Blob()), "image/png"));
  }

  draw() {
    const pen = context(this.canvas);
    const { width, height } = this.canvas;
    pen.clearRect(0, 0, width, height);
    if (this.picture) {
      const { bitmap } = this.picture;
      const scale = Math.min(width / bitmap.width, height / bitmap.height);
      pen.imageSmoothingEnabled = scale < 4;
      const size = [bitmap.width * scale, bitmap.height * scale];
      pen.drawImage(bitmap, (width - size[0]) / 2, (height - size[1]) / 2, size[0], size[1]);
    }
    this.#draw(pen, 1, colour("--ink"));
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} scale @param {string} ink */
  #draw(pen, scale, ink) {
    for (const stroke of this.strokes) this.#drawStroke(pen, scale, ink, stroke);
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {number} scale @param {string} ink @param {Stroke} stroke
   * @param {number} [first] The point to begin with: what is drawn already need not be drawn again.
   */
  #drawStroke(pen, scale, ink, { points, colour: own }, first = 0) {
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = this.hasColour ? own : ink;
    for (let index = first; index < points.length; index += 1) {
      const [last, point] = [points[Math.max(0, index - 1)], points[index]];
      pen.lineWidth = ((last.width + point.width) / 2) * scale;
      pen.beginPath();
      pen.moveTo(last.x * scale, last.y * scale);
      pen.lineTo(point.x * scale + 0.01, point.y * scale);
      pen.stroke();
    }
  }

  /** @param {PointerEvent} event @param {DOMRect} box Of the canvas. @returns {Point} */
  #point(event, box) {
    const scale = this.canvas.width / box.width;
    const pressure = event.pointerType === "pen" ? 0.4 + 1.2 * event.pressure : 1;
    return {
      x: (event.clientX - box.left) * scale,
      y: (event.clientY - box.top) * scale,
      width: 2 * this.width * pressure,
    };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    // A palm on the paper while the pen draws is no stroke; a pen that comes after the palm takes over.
    if (event.button > 0 || (this.pointer !== undefined && (this.isPen || event.pointerType !== "pen"))) return;
    if (this.pointer !== undefined) this.strokes.pop();
    event.preventDefault();
    this.pointer = event.pointerId;
    this.isPen = event.pointerType === "pen";
    this.canvas.setPointerCapture(event.pointerId);
    this.picture = undefined;
    const box = this.canvas.getBoundingClientRect();
    this.strokes.push({ points: [this.#point(event, box)], colour: this.colour });
    this.#show(true);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerId !== this.pointer) return;
    // Not in every browser, and empty in some.
    const all = event.getCoalescedEvents?.() ?? [];
    const box = this.canvas.getBoundingClientRect();
    const stroke = this.strokes[this.strokes.length - 1];
    const first = stroke.points.length;
    stroke.points.push(...(all.length ? all : [event]).map((one) => this.#point(one, box)));
    this.version += 1;
    this.#drawStroke(context(this.canvas), 1, colour("--ink"), stroke, first);
    this.changed(true);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.isPen = false;
    this.changed(false);
  }

  /** @param {boolean} isDown */
  #show(isDown) {
    this.version += 1;
    this.draw();
    this.changed(isDown);
  }
}
