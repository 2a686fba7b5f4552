// Traffic: movements with their counts drawn over the cameras, travel times, origins and destinations, each with the
// interval that drawn solutions give.

import { themed } from "page/colours";
import { on, set, state } from "page/state";
import { make, percent, plural, spanText } from "page/words";

const VIEWS = { counts: "Movements", times: "Travel times", od: "From and to" };
const WIDEST_PX = 14;
const LEAST_SHARE = 0.2; // of the strongest movement: weaker ones are drawn only in a large picture
const CURVE_PX = [150, 34]; // a leg's medians over the bins

const between = (low, high) => (low === null || low === high ? "" : `${low} to ${high}`);

export class TrafficPanel {
  constructor(root, model, mosaic) {
    Object.assign(this, { root, model, mosaic, view: "counts", near: null });
    this.traffic = model.head.traffic;
    this.most = Math.max(1, ...this.traffic.movements.map((movement) => movement[7]));
    for (const tile of mosaic.tiles) tile.overlays.push((g) => this.draw(g, tile));
    on(["tab"], () => this.open());
    on(["focus"], () => this.filled && this.view === "counts" && this.fill());
  }

  static available = (model) => Boolean(model.head.traffic?.movements.length);

  open() {
    if (state.tab === "traffic" && !this.filled) this.fill();
    this.mosaic.tiles.forEach((tile) => tile.draw());
  }

  show(view) {
    this.view = view;
    this.fill();
    this.mosaic.tiles.forEach((tile) => tile.draw());
    this.root.querySelector("[aria-pressed=true]").focus();
  }

  /** The next of the three views. */
  turn() {
    const views = Object.keys(VIEWS);
    this.show(views[(views.indexOf(this.view) + 1) % views.length]);
  }

  fill() {
    this.filled = true;
    const buttons = Object.entries(VIEWS).map(([view, text]) =>
      make(
        "button",
        { type: "button", ariaPressed: String(view === this.view), on: { click: () => this.show(view) } },
        text,
      ),
    );
    this.root.replaceChildren(make("div", { className: "views" }, buttons), ...this[this.view]());
  }

  // --- movements ----------------------------------------------------------------------------------------------

  counts() {
    const shown = this.traffic.movements.filter(([camera]) => state.focus === null || camera === state.focus);
    const total = shown.reduce((sum, movement) => sum + movement[7], 0);
    const [recall, low, high, cut, once] = this.traffic.recall[state.focus] ?? [];
    const seen = recall === undefined ? "" : ` · sees ${percent(recall)} (${percent(low)} to ${percent(high)})`;
    const bias = recall === undefined ? "" : ` · ${percent(cut)} cut by the clip · ${percent(once)} seen nowhere else`;
    return [
      make("p", { className: "count" }, `${plural(total, "stay")} by movement${seen}${bias}`),
      make("ul", { className: "movements" }, shown.map((movement) => this.movement(movement))),
    ];
  }

  movement(movement) {
    const [camera, , , , , entry, exit, vehicles, low, high] = movement;
    const point = (near) => {
      this.near = near;
      this.mosaic.tiles[camera].draw();
    };
    const listeners = {
      click: () => set({ focus: camera }),
      pointerenter: () => point(movement),
      pointerleave: () => point(null),
      focus: () => point(movement),
      blur: () => point(null),
    };
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", on: listeners },
        make("b", { className: "camera", title: this.model.cameras[camera].id }, this.model.cameras[camera].id),
        make("span", { title: `${entry} → ${exit}` }, `${entry} → ${exit}`),
        make("i", { style: { "--size": `${(100 * vehicles) / this.most}%` } }),
        make("em", {}, String(vehicles)),
        make("small", {}, between(low, high)),
      ),
    );
  }

  /** Flows of a camera over its picture, as wide as they are strong. */
  draw(g, tile) {
    if (state.tab !== "traffic" || this.view !== "counts" || tile.element.classList.contains("away")) return;
    for (const movement of this.traffic.movements) {
      const [camera, ...rest] = movement;
      const weak = rest[6] < LEAST_SHARE * this.most && state.focus !== camera && movement !== this.near;
      if (camera !== tile.camera.index || weak) continue;
      const [x, y, u, v] = rest.slice(0, 4).map((value) => value * tile.scale);
      arrow(g, [x, y], [u, v], Math.max(1.5, (WIDEST_PX * rest[6]) / this.most), movement === this.near);
    }
  }

  // --- travel times -------------------------------------------------------------------------------------------

  times() {
    const note = "Median from leaving one camera to entering the next, its interval, and the medians over time.";
    return [
      make("p", { className: "count" }, note),
      make("ul", { className: "legs" }, this.traffic.legs.map((leg) => this.leg(leg))),
    ];
  }

  leg([from, to, vehicles, low, median, high, least, most, medians]) {
    const [a, b] = [from, to].map((gate) => this.model.cameras[gate].id);
    const ends = median < 0 ? [most, least] : [least, most];
    const sure = least === null || most - least < 0.05 ? "" : ` (${ends.map(spanText).join(" to ")})`;
    const text = median < 0 ? `seen by both for ${spanText(-median)}` : spanText(median);
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", title: `${spanText(low)} to ${spanText(high)} for most`, on: { click: () => this.onFlow?.(a, b) } },
        make("b", {}, `${a} → ${b}`),
        make("em", {}, text),
        make("small", {}, `${plural(vehicles, "vehicle")}${sure}`),
        curve(medians, low, high),
      ),
    );
  }

  // --- origins and destinations --------------------------------------------------------------------------------

  od() {
    const used = [...new Set(this.traffic.od.flatMap(([a, b]) => [a, b]))].sort((a, b) => a - b);
    const cells = new Map(this.traffic.od.map(([a, b, ...numbers]) => [`${a} ${b}`, numbers]));
    const most = Math.max(1, ...this.traffic.od.map(([, , vehicles]) => vehicles));
    const names = used.map((gate) => this.model.cameras[gate].id);
    const head = make("tr", {}, make("th"), names.map((name) => make("th", { scope: "col" }, make("span", {}, name))));
    const rows = used.map((from) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, this.model.cameras[from].id),
        used.map((to) => this.cell(from, to, cells.get(`${from} ${to}`), most)),
      ),
    );
    const note = "Vehicles by the first camera that saw them (rows) and the last (columns).";
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, rows));
    return [make("p", { className: "count" }, note), make("div", { className: "od" }, table)];
  }

  cell(from, to, numbers, most) {
    if (!numbers) return make("td");
    const [vehicles, low, high] = numbers,
      [a, b] = [from, to].map((gate) => this.model.cameras[gate].id);
    const button = make(
      "button",
      {
        type: "button",
        title: [`${a} to ${b}`, plural(vehicles, "vehicle"), between(low, high)].filter(Boolean).join(", "),
        on: { click: () => this.onFlow?.(a, b) },
      },
      String(vehicles),
    );
    return make("td", { style: { "--share": `${Math.round((100 * vehicles) / most)}%` } }, button);
  }
}

/** A bent arrow from one place to another. */
function arrow(g, [x, y], [u, v], wide, near) {
  const bend = [(x + u) / 2 - (v - y) * 0.15, (y + v) / 2 + (u - x) * 0.15];
  const angle = Math.atan2(v - bend[1], u - bend[0]),
    head = 5 + 1.6 * wide;
  g.save();
  g.globalAlpha = near ? 1 : 0.72;
  g.strokeStyle = g.fillStyle = near ? "white" : themed("accent");
  g.lineWidth = wide;
  g.lineCap = "round";
  g.beginPath();
  g.moveTo(x, y);
  g.quadraticCurveTo(...bend, u - Math.cos(angle) * head * 0.7, v - Math.sin(angle) * head * 0.7);
  g.stroke();
  g.translate(u, v);
  g.rotate(angle);
  g.beginPath();
  g.moveTo(0, 0);
  g.lineTo(-head, head * 0.55);
  g.lineTo(-head, -head * 0.55);
  g.fill();
  g.restore();
}

/** Medians over the bins as a line, with the band in which most vehicles are. */
function curve(medians, low, high) {
  const [width, height] = CURVE_PX,
    known = medians.filter((value) => value !== null);
  const bottom = Math.min(low, ...known),
    top = Math.max(high, ...known, bottom + 0.1);
  const at = (value) => height - 2 - ((value - bottom) / (top - bottom)) * (height - 4);
  const step = width / Math.max(medians.length - 1, 1);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  const points = medians.map((value, k) => (value === null ? null : `${(k * step).toFixed(1)},${at(value).toFixed(1)}`));
  const dots = points.filter(Boolean);
  svg.innerHTML =
    `<rect x="0" width="${width}" y="${at(high)}" height="${Math.max(at(low) - at(high), 1)}" />` +
    `<polyline points="${dots.join(" ")}" />` +
    dots.map((dot) => `<circle cx="${dot.split(",")[0]}" cy="${dot.split(",")[1]}" r="1.8" />`).join("");
  return svg;
}
