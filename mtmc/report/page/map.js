// The map: ground in metres with the views' footprints and where every vehicle is, or without calibration the graph of
// cameras with vehicles under way between them. Flows are arrows as wide as their traffic.

import { drawMap, NODE_PX } from "page/map_picture";
import { reachable } from "page/rows";
import { on, set, state } from "page/state";
import { pinch } from "page/touch";
import { make, spanText } from "page/words";

const EDGE_PX = 34;
const STEP_PX = 40;
const METRES_PER_DEGREE = 111_319.49;

export class MapPanel {
  constructor(root, model, clock) {
    Object.assign(this, { root, model, clock, layer: [], zoom: 1, pan: [0, 0] });
    this.calibrated = this.ground = model.cameras.some((camera) => camera.footprint);
    this.canvas = make("canvas", { tabIndex: 0, ariaLabel: "Map: arrows move it, + and − zoom, 0 shows all" });
    this.frame = make("div", { className: "map" }, this.canvas);
    this.note = make("p", { className: "count" });
    this.button = make("button", { type: "button", className: "text", on: { click: () => this.turn() } });
    this.list = make(
      "ul",
      { className: "flows" },
      model.head.flows.map((flow) => this.flowRow(flow)),
    );
    reachable(root, ".flows li")(() => root.append(this.frame, this.note, this.list));
    this.pinching = pinch(this.canvas, (...moved) => this.zoomAt(...moved));
    const events = {
      wheel: "roll",
      pointerdown: "press",
      pointermove: "move",
      pointerup: "release",
      dblclick: "reset",
      keydown: "key",
    };
    for (const [name, method] of Object.entries(events)) {
      this.canvas.addEventListener(name, (event) => this[method](event), { passive: false });
    }
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => this.drop(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    on(["vehicle", "hover", "found", "tab", "focus"], () => this.draw());
    clock.on(() => this.draw());
    this.say();
  }

  say() {
    const hint = this.model.head.origin ? "Drop a GeoJSON file here for a base map. " : "";
    const text = this.ground ? `Metres on the ground. ${hint}` : "Near in time is near here. ";
    this.button.textContent = this.ground ? "Graph" : "Ground";
    const [left, bottom, right, top] = this.world().bounds;
    this.frame.style.setProperty("--aspect", Math.max(right - left, 1) / Math.max(top - bottom, 1));
    const none = this.model.head.flows.length ? "" : "No vehicle went from one camera to another. ";
    this.note.replaceChildren(text + none, ...(this.calibrated ? [this.button] : []));
  }

  turn() {
    if (!this.calibrated) return;
    this.ground = !this.ground;
    this.reset();
    this.say();
  }

  flowRow({ from, to, vehicles, seconds: [low, typical, high] }) {
    const wait = typical < 0 ? `seen by both for ${spanText(-typical)}` : spanText(typical);
    const row = make("li", {
      title: `${spanText(low)} to ${spanText(high)} for most`,
      on: { click: () => this.onFlow?.(from, to) },
    });
    row.append(make("b", {}, `${from} → ${to}`), make("span", {}, wait), make("small", {}, String(vehicles)));
    return row;
  }

  // --- places ---------------------------------------------------------------------------------------------------

  /** Centre of each camera and the bounds of all, in the map's own units with north up. */
  world() {
    if (this.known?.ground === this.ground) return this.known;
    const { cameras } = this.model,
      { places } = this.model.head;
    const centre = cameras.map(({ footprint }, k) => (this.ground ? footprint && standing(footprint) : places[k]));
    const points = this.ground ? cameras.flatMap(({ footprint }) => footprint ?? []) : places;
    const xs = points.map(([x]) => x),
      ys = points.map(([, y]) => y);
    const bounds = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    return (this.known = { ground: this.ground, centre, bounds });
  }

  place([x, y]) {
    const {
      bounds: [left, bottom, right, top],
    } = this.world();
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = Math.min(
      (width - 2 * EDGE_PX) / Math.max(right - left, 1),
      (height - 2 * EDGE_PX) / Math.max(top - bottom, 1),
    );
    const s = scale * this.zoom;
    return [
      width / 2 + this.pan[0] + (x - (left + right) / 2) * s,
      height / 2 + this.pan[1] - (y - (bottom + top) / 2) * s,
    ];
  }

  roll(event) {
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * 0.002), event.offsetX, event.offsetY);
  }

  /** Zoom about a place of the canvas, and move by some pixels. */
  zoomAt(factor, x, y, ...by) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const at = [x - width / 2, y - height / 2];
    this.pan = this.pan.map((value, k) => at[k] - (at[k] - value) * factor + (by[k] ?? 0));
    this.zoom *= factor;
    this.draw();
  }

  /** By keyboard, while the map has the focus. */
  key(event) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const by = { ArrowLeft: [STEP_PX, 0], ArrowRight: [-STEP_PX, 0], ArrowUp: [0, STEP_PX], ArrowDown: [0, -STEP_PX] };
    const factor = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key] ?? 1;
    if (event.key === "0") this.reset();
    else if (by[event.key] || factor !== 1) this.zoomAt(factor, width / 2, height / 2, ...(by[event.key] ?? []));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = !this.pinching() && { x: event.offsetX, y: event.offsetY, pan: this.pan, moved: false };
  }

  move(event) {
    if (!this.drag || this.pinching()) return;
    const by = [event.offsetX - this.drag.x, event.offsetY - this.drag.y];
    if (Math.hypot(...by) > 4) this.drag.moved = true;
    this.pan = this.drag.pan.map((value, k) => value + by[k]);
    this.draw();
  }

  release(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.moved) return;
    const near = ([x, y]) => Math.hypot(x - event.offsetX, y - event.offsetY);
    const dot = this.dots?.filter(({ at }) => near(at) < 12).sort((a, b) => near(a.at) - near(b.at))[0];
    if (dot) return set({ vehicle: dot.vehicle.id });
    const index = this.world().centre.findIndex((centre) => centre && near(this.place(centre)) < NODE_PX + 6);
    if (index >= 0) set({ focus: state.focus === index ? null : index });
  }

  /** Boxes that are unpacked; the others are asked for. */
  loaded() {
    this.ready ??= new Map();
    for (const { index } of this.model.cameras) {
      if (!this.ready.has(index)) {
        this.ready.set(index, null);
        this.model.boxesOf(index).then((boxes) => {
          this.ready.set(index, boxes);
          this.draw();
        });
      }
    }
    return [...this.ready].filter(([, boxes]) => boxes);
  }

  draw() {
    drawMap(this);
  }

  reset() {
    Object.assign(this, { zoom: 1, pan: [0, 0] });
    this.draw();
  }

  /** A GeoJSON file as base layer: longitude and latitude become metres about the scene's origin. */
  async drop(event) {
    event.preventDefault();
    const [file] = event.dataTransfer.files,
      { origin } = this.model.head;
    if (!file || !origin) return;
    const east = METRES_PER_DEGREE * Math.cos((origin[0] * Math.PI) / 180);
    const metres = ([lon, lat]) => [(lon - origin[1]) * east, (lat - origin[0]) * METRES_PER_DEGREE];
    const lines = [];
    const walk = (node) => {
      if (Array.isArray(node) && Array.isArray(node[0]) && typeof node[0][0] === "number")
        lines.push(node.map(metres));
      else if (Array.isArray(node)) node.forEach(walk);
      else if (node?.geometries) node.geometries.forEach(walk);
      else if (node?.features) node.features.forEach(walk);
      else if (node?.geometry) walk(node.geometry);
      else if (node?.coordinates) walk(node.coordinates);
    };
    try {
      walk(JSON.parse(await file.text()));
      this.layer = lines;
    } catch {
      this.note.textContent = `${file.name} is no GeoJSON.`;
    }
    this.draw();
  }
}

/** Where the camera stands, near enough: the middle of the footprint's near edge. */
const standing = (points) => points[Math.round(0.75 * points.length) - 1];
