// The truth panel: every lost box by cause, one error after the other, true and predicted boxes over the pictures.

import { themed } from "page/colours";
import { present, unpack } from "page/columns";
import { reachable } from "page/rows";
import { on, set, state } from "page/state";
import { Tile } from "page/tile";
import { make, plural } from "page/words";

const TOGETHER_S = 0.6; // lost boxes of one vehicle and cause this near in time are one error
const AT_ONCE = 150;
const MEANING = {
  missed_by_detector: "a true box without any prediction",
  false_box: "a predicted box where no vehicle is",
  outside_mask: "there was a prediction, but it reaches out of the mask",
  left_in_one_camera: "there was a prediction, but its vehicle was linked to no other camera",
  repeated: "there was a prediction, but its row is there twice",
  single_camera_switch: "the track changed to another vehicle within a camera",
  fragmentation: "the track broke in two within a camera",
  missed_link: "the camera's track is whole but was not linked to the vehicle",
  wrong_link: "the camera's track hangs on another vehicle",
  localisation: "prediction and truth overlap too little",
};
const HUES = { missed_by_detector: 25, false_box: 50, left_in_one_camera: 285, single_camera_switch: 330 };
Object.assign(HUES, {
  outside_mask: 200,
  repeated: 170,
  fragmentation: 0,
  missed_link: 230,
  wrong_link: 265,
  localisation: 95,
});

export const causeColour = (cause, alpha = 1) => `oklch(0.72 0.15 ${HUES[cause]} / ${alpha})`;
const named = (cause) => cause.replaceAll("_", " ");

export class TruthPanel {
  constructor(root, model, clock, mosaic) {
    Object.assign(this, { root, model, clock, mosaic, events: [], shown: null, at: -1 });
    this.cameras = [];
    this.refill = reachable(root, ".errors li, .causes tbody tr");
    on(["tab"], () => this.open());
    on(["tab", "focus"], () => this.standBeside());
    for (const tile of mosaic.tiles) tile.overlays.push((g) => this.draw(g, tile));
  }

  static available = (model) => Boolean(model.head.truth);

  /** Unpack the truth when the panel is first looked at. */
  async open() {
    if (state.tab === "truth" && !this.loading) {
      this.loading = Promise.all(this.model.cameras.map((camera) => this.load(camera)));
      await this.loading;
      this.events.sort((a, b) => b.boxes - a.boxes);
      this.fill();
    }
    this.mosaic.tiles.forEach((tile) => tile.draw());
  }

  /** The camera in focus stands there twice: as predicted, and beside it as it is true. */
  standBeside() {
    const wanted = state.tab === "truth" ? state.focus : null;
    this.mosaic.stand(wanted === null ? null : this.twin(this.model.cameras[wanted]));
  }

  twin(camera) {
    const tile = new Tile(this.model, camera, this.clock, true);
    tile.overlays.push((g) => this.draw(g, tile));
    return tile;
  }

  async load(camera) {
    if (!present(`truth-${camera.id}`)) return;
    const { columns } = await unpack(`truth-${camera.id}`);
    const boxes = await this.model.boxesOf(camera.index);
    const truth = (this.cameras[camera.index] = { ...columns, byFrame: new Map() });
    columns.true_frame.forEach((frame, row) => {
      if (!truth.byFrame.has(frame)) truth.byFrame.set(frame, []);
      truth.byFrame.get(frame).push(row);
    });
    const owner = (row) => boxes.tracklets[boxes.owner[row]].vehicle;
    this.group(camera, boxes, columns.true_frame, columns.true_cause, (row) => columns.true_vehicle[row], true);
    this.group(camera, boxes, boxes.frame, columns.cause, owner, false);
  }

  /** Runs of lost boxes: rows are by vehicle and frame. */
  group(camera, boxes, frames, causes, vehicleOf, isTrue) {
    let last = null;
    frames.forEach((frame, row) => {
      if (causes[row] < 0) return;
      const time = boxes.timeOf(frame),
        vehicle = vehicleOf(row);
      const same = last && last.vehicle === vehicle && last.cause === causes[row];
      if (same && time >= last.end && time - last.end < TOGETHER_S)
        Object.assign(last, { end: time, boxes: last.boxes + 1 });
      else
        this.events.push(
          (last = { camera: camera.index, vehicle, cause: causes[row], start: time, end: time, boxes: 1, isTrue }),
        );
    });
  }

  /** Lost boxes by cause, counted from the boxes in the page. */
  counts() {
    const counts = this.model.head.truth.causes.map(() => 0);
    for (const { true_cause: truth, cause } of this.cameras.filter(Boolean)) {
      for (const k of truth) if (k >= 0) counts[k]++;
      for (const k of cause) if (k >= 0) counts[k]++;
    }
    return counts;
  }

  fill() {
    const { causes, total } = this.model.head.truth,
      counts = this.counts();
    const lost = counts.reduce((sum, count) => sum + count, 0),
      most = Math.max(...counts, 1);
    this.loss = lost / total;
    const rows = causes.map((cause, k) => ({ cause, k, count: counts[k] })).sort((a, b) => b.count - a.count);
    const table = make(
      "table",
      { className: "causes" },
      make(
        "tbody",
        {},
        rows.map(({ cause, k, count }) => this.cause(cause, k, count, most)),
      ),
      make(
        "tfoot",
        {},
        make(
          "tr",
          {},
          make("th", {}, "lost in all"),
          make("td"),
          make("td", {}, lost.toLocaleString("en")),
          make("td", {}, this.loss.toFixed(4)),
        ),
      ),
    );
    const events = this.chosen().slice(0, AT_ONCE);
    const parts = [
      make(
        "header",
        { className: "idf1" },
        make("b", {}, (1 - this.loss).toFixed(4)),
        make("span", {}, "IDF1"),
        make(
          "p",
          {},
          `1 − ${this.loss.toFixed(4)}: ${lost.toLocaleString("en")} of ${total.toLocaleString("en")} boxes lost`,
        ),
      ),
      table,
      make(
        "p",
        { className: "count" },
        `${plural(this.chosen().length, "error")}, largest first; e and E step through them`,
      ),
      make(
        "ul",
        { className: "errors" },
        events.map((event, k) => this.row(event, k)),
      ),
    ];
    this.refill(() => this.root.replaceChildren(...parts));
  }

  cause(cause, k, count, most) {
    const pick = () => {
      this.shown = this.shown === k ? null : k;
      this.at = -1;
      this.fill();
    };
    const row = make(
      "tr",
      { title: MEANING[cause], className: this.shown === k ? "on" : count ? "" : "none", on: { click: pick } },
      make("th", {}, named(cause)),
      make(
        "td",
        { className: "size" },
        make("i", { style: { "--size": `${(100 * count) / most}%`, background: causeColour(cause) } }),
      ),
      make("td", {}, count.toLocaleString("en")),
      make("td", {}, (count / this.model.head.truth.total).toFixed(4)),
    );
    return row;
  }

  chosen() {
    return this.shown === null ? this.events : this.events.filter((event) => event.cause === this.shown);
  }

  row(event, k) {
    const cause = this.model.head.truth.causes[event.cause];
    return make(
      "li",
      {
        className: k === this.at ? "chosen" : "",
        style: { "--cause": causeColour(cause) },
        on: { click: () => this.go(k) },
      },
      make("b", { className: "camera" }, this.model.cameras[event.camera].id),
      make("span", {}, named(cause)),
      make(
        "small",
        {},
        [
          `${event.isTrue ? "true" : "predicted"} ${event.vehicle}`,
          this.model.when(event.start, 1),
          plural(event.boxes, "box", "boxes"),
        ].join(" · "),
      ),
    );
  }

  /** Show an error: its camera, its middle, its vehicle. */
  go(k) {
    const events = this.chosen(),
      event = events[(k + events.length) % events.length];
    if (!event) return;
    this.at = events.indexOf(event);
    this.clock.play(false);
    this.clock.seek((event.start + event.end) / 2 + 1e-3);
    set({ vehicle: null, focus: event.camera, follow: false });
    this.fill();
    this.root.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }

  step(by) {
    if (this.events.length) this.go(this.at + by);
  }

  /** A ring around the boxes of the error that is looked at. */
  ring(g, tile, truth) {
    const event = this.at < 0 ? null : this.chosen()[this.at];
    if (!event || event.camera !== tile.camera.index) return;
    const s = tile.scale / tile.boxes.steps,
      sides = ["left", "top", "width", "height"];
    const rows = (truth.byFrame.get(tile.frame) ?? []).filter((row) => truth.true_vehicle[row] === event.vehicle);
    const boxes = event.isTrue
      ? rows.map((row) => sides.map((side) => truth[`true_${side}`][row] * s))
      : tile.items.filter((item) => item.vehicle.id === event.vehicle).map((item) => item.box);
    g.lineWidth = 4;
    g.strokeStyle = causeColour(this.model.head.truth.causes[event.cause]);
    for (const [x, y, w, h] of boxes) {
      g.beginPath();
      g.roundRect(x - 6, y - 6, w + 12, h + 12, 8);
      g.stroke();
    }
  }

  /** True boxes dashed in white, beside the predicted ones where the camera stands there twice; lost ones of both sides
   *  filled in the colour of their cause. */
  draw(g, tile) {
    const truth = this.cameras[tile.camera.index];
    if (state.tab !== "truth" || !truth || !tile.boxes || tile.element.classList.contains("away")) return;
    const { causes } = this.model.head.truth,
      s = tile.scale / tile.boxes.steps;
    const alone = state.focus !== tile.camera.index;
    for (const row of tile.bare || alone ? (truth.byFrame.get(tile.frame) ?? []) : []) {
      const cause = truth.true_cause[row];
      const box = ["left", "top", "width", "height"].map((side) => truth[`true_${side}`][row] * s);
      if (cause >= 0) fill(g, box, causeColour(causes[cause], 0.38));
      g.setLineDash([5, 4]);
      g.lineWidth = 1.5;
      g.strokeStyle = "white";
      g.strokeRect(...box);
      g.setLineDash([]);
      tagBelow(g, tile.bare ? String(truth.true_vehicle[row]) : `true ${truth.true_vehicle[row]}`, box);
    }
    this.ring(g, tile, truth);
    for (const { row, box } of tile.items)
      if (truth.cause[row] >= 0) fill(g, box, causeColour(causes[truth.cause[row]], 0.3));
  }
}

function fill(g, [x, y, w, h], colour) {
  g.fillStyle = colour;
  g.fillRect(x, y, w, h);
}

function tagBelow(g, text, [x, y, w, h]) {
  if (w < 16) return;
  g.font = `600 10px ${themed("font")}`;
  g.textBaseline = "top";
  g.fillStyle = "oklch(0.15 0.01 260 / 0.7)";
  g.fillRect(x, y + h + 1, g.measureText(text).width + 6, 14);
  g.fillStyle = "white";
  g.fillText(text, x + 3, y + h + 3);
}
