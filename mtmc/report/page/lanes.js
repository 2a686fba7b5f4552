// How the timeline looks: the ruler with the crowd over time, lanes with bars and links, the range and the moment.

import { cameraColour, themed, vehicleColour } from "page/colours";
import { state } from "page/state";

export const RULER_PX = 34;
export const GUTTER_PX = 58;
export const DOUBT = 0.6;
const BAR_PX = 16;
const ROW_PX = 10;
const NAME_PX = 8.5; // smallest letters that are still read
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

/** Height of a vehicle's lane: views that overlap stand below one another. */
export const laneHeight = (vehicle) => 4 + Math.max(BAR_PX, vehicle.rows.count * ROW_PX);

export class Picture {
  constructor(timeline) {
    this.line = timeline;
  }

  draw() {
    const { line } = this,
      { canvas, width, height } = line,
      ratio = devicePixelRatio;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const g = canvas.getContext("2d");
    this.colours = Object.fromEntries(
      ["line", "text", "dim", "accent", "lift", "doubt", "font"].map((name) => [name, themed(name)]),
    );
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    g.save();
    g.beginPath();
    g.rect(0, RULER_PX, width, height);
    g.clip();
    this.grid(g);
    for (let k = line.laneIndexAt(RULER_PX); k < line.lanes.length && line.laneTop(k) < height; k++)
      this.lane(g, line.lanes[k], line.laneTop(k));
    g.restore();
    this.ruler(g);
    this.rangeAndNow(g);
  }

  ticks() {
    const { from, to, width } = this.line;
    const least = ((to - from) / (width - GUTTER_PX)) * 76;
    const step = STEPS_S.find((s) => s >= least) ?? 86400;
    const { zero } = this.line.model,
      first = Math.ceil((from + zero) / step) * step - zero;
    return {
      step,
      times: Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, k) => first + k * step),
    };
  }

  grid(g) {
    g.strokeStyle = this.colours.line;
    g.lineWidth = 1;
    g.beginPath();
    for (const time of this.ticks().times) {
      const x = Math.round(this.line.x(time)) + 0.5;
      g.moveTo(x, RULER_PX);
      g.lineTo(x, this.line.height);
    }
    g.stroke();
  }

  /** How many vehicles are in sight over time, and the hours above it. */
  ruler(g) {
    const { line, colours } = this,
      { width, crowd, model } = line;
    g.fillStyle = colours.dim;
    g.globalAlpha = 0.35;
    g.beginPath();
    g.moveTo(GUTTER_PX, RULER_PX);
    for (let x = GUTTER_PX; x <= width - 8; x++) {
      const bin = Math.floor((line.timeAt(x) - model.start) / crowd.step);
      g.lineTo(x, RULER_PX - ((RULER_PX - 16) * (crowd.count[bin] ?? 0)) / crowd.most);
    }
    g.lineTo(width - 8, RULER_PX);
    g.fill();
    g.globalAlpha = 1;
    g.font = `11px ${colours.font}`;
    g.textBaseline = "top";
    g.fillStyle = colours.dim;
    const { step, times } = this.ticks();
    for (const time of times) {
      const text = model.when(time, step < 1 ? 1 : 0),
        left = line.x(time) + 4;
      if (left + g.measureText(text).width < width) g.fillText(text, left, 3);
    }
    g.fillStyle = colours.line;
    g.fillRect(0, RULER_PX - 1, width, 1);
  }

  lane(g, vehicle, top) {
    const { colours, line } = this,
      { time } = line.clock,
      high = laneHeight(vehicle);
    const chosen = vehicle.id === state.vehicle,
      near = vehicle.id === state.hover;
    const present = vehicle.visits.some((visit) => visit.start <= time && time <= visit.end);
    const alpha = state.vehicle === null || chosen || near ? 1 : 0.35;
    if (chosen || near) {
      g.fillStyle = colours.lift;
      g.fillRect(0, top, line.width, high);
    }
    g.fillStyle = colours.line;
    g.fillRect(0, Math.round(top + high) - 0.5, line.width, 0.5);
    g.save();
    g.beginPath();
    g.rect(GUTTER_PX, top, line.width, high);
    g.clip();
    this.linkLines(g, vehicle, top, alpha);
    vehicle.visits.forEach((visit, k) => this.bar(g, visit, vehicle.rows[k], vehicle, top, alpha));
    g.restore();
    g.globalAlpha = alpha;
    g.fillStyle = vehicleColour(vehicle.id);
    g.beginPath();
    g.arc(14, top + high / 2, present ? 5 : 3, 0, 7);
    g.fill();
    g.fillStyle = present || chosen ? colours.text : colours.dim;
    g.font = `${chosen ? 700 : 500} 12px ${colours.font}`;
    g.textBaseline = "middle";
    g.fillText(vehicle.id, 24, top + high / 2 + 0.5);
    g.globalAlpha = 1;
  }

  /** Top and height of a row of bars in its lane. */
  place(vehicle, row, top) {
    const high = (laneHeight(vehicle) - 4) / vehicle.rows.count;
    return [top + 2 + row * high, high - (vehicle.rows.count > 1 ? 1 : 0)];
  }

  bar(g, visit, row, vehicle, top, alpha) {
    const { line } = this,
      left = line.x(visit.start),
      right = Math.max(line.x(visit.end), left + 2);
    if (right < GUTTER_PX || left > line.width) return;
    const [y, high] = this.place(vehicle, row, top),
      name = line.model.cameras[visit.camera].id;
    g.fillStyle = cameraColour(visit.camera, line.model.cameras.length, alpha);
    g.beginPath();
    g.roundRect(left, y, right - left, high, Math.min(3, high / 2));
    g.fill();
    const size = Math.max(NAME_PX, Math.min(11, high));
    if (right - left < size * 0.65 * name.length + 10) return;
    g.fillStyle = `oklch(0.2 0.03 260 / ${alpha})`;
    g.font = `650 ${size}px ${this.colours.font}`;
    g.textBaseline = "middle";
    g.fillText(name, Math.max(left, GUTTER_PX) + 5, y + high / 2 + 0.5);
  }

  /** Links over a gap: from where one stay ended to where the next begins, as heavy as they are sure. */
  linkLines(g, vehicle, top, alpha) {
    const { line } = this,
      { tracklets } = line.model;
    const middle = (tracklet) => {
      const at = vehicle.visits.findIndex(
        (v) => v.camera === tracklet.camera && v.start <= tracklet.end && v.end >= tracklet.start,
      );
      const [y, high] = this.place(vehicle, vehicle.rows[Math.max(at, 0)], top);
      return y + high / 2;
    };
    for (const { from, to, probability, bridge } of vehicle.links) {
      const a = tracklets[from],
        b = tracklets[to],
        doubt = probability < DOUBT && !bridge;
      if (b.start <= a.end && !doubt) continue;
      g.globalAlpha = alpha;
      g.strokeStyle = doubt ? this.colours.doubt : this.colours.dim;
      g.lineWidth = doubt ? 1.5 : bridge ? 0.8 : 0.8 + 2.4 * probability ** 2;
      g.setLineDash(doubt ? [3, 3] : []);
      g.beginPath();
      g.moveTo(line.x(Math.min(a.end, b.start)), middle(a));
      g.lineTo(line.x(b.start), middle(b));
      g.stroke();
    }
    g.setLineDash([]);
    g.globalAlpha = 1;
  }

  rangeAndNow(g) {
    const { line } = this;
    g.fillStyle = this.colours.accent;
    if (state.range) {
      const [left, right] = state.range.map((time) => Math.max(GUTTER_PX, Math.min(line.width, line.x(time))));
      g.globalAlpha = 0.13;
      g.fillRect(left, 0, right - left, line.height);
      g.globalAlpha = 1;
      for (const x of [left, right]) g.fillRect(x, 0, 1, line.height);
    }
    const x = line.x(line.clock.time);
    if (x < GUTTER_PX - 1) return;
    g.fillRect(x - 0.75, 0, 1.5, line.height);
    g.beginPath();
    g.moveTo(x - 5, 0);
    g.lineTo(x + 5, 0);
    g.lineTo(x, 7);
    g.fill();
  }
}
