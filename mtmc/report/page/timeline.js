// One lane per vehicle, bars coloured by camera, links as lines as heavy as they are sure; the ruler above carries
// the range.

import { GUTTER_PX, laneHeight, Picture, RULER_PX } from "page/lanes";
import { on, set, state } from "page/state";
import { pinch } from "page/touch";
import { percent, spanText } from "page/words";

const LONG_S = 600;
const OPENING_S = 240;

export class Timeline {
  constructor(canvas, tip, model, clock) {
    Object.assign(this, { canvas, tip, model, clock, top: 0, drag: null, from: model.start, to: model.end });
    Object.assign(this, { width: 0, height: 0 });
    this.crowd = crowd(model);
    for (const vehicle of model.vehicles) vehicle.rows = stacked(vehicle.visits);
    this.picture = new Picture(this);
    this.choose();
    this.pinching = pinch(canvas, (factor, x, y, dx, dy) => this.pinched(factor, x, dx, dy));
    const events = {
      pointerdown: "press",
      pointermove: "move",
      pointerup: "release",
      pointerleave: "leave",
      wheel: "roll",
      dblclick: "reset",
    };
    for (const [name, method] of Object.entries(events))
      canvas.addEventListener(name, (event) => this[method](event), { passive: false });
    new ResizeObserver(() => this.measure()).observe(canvas);
    on(["vehicle", "hover", "found", "range"], () => {
      this.choose();
      this.reveal();
      this.draw();
    });
    clock.on(() => this.keepInView());
  }

  /** The canvas's size is asked for when it changes: asking at every picture would lay out the whole page. */
  measure() {
    Object.assign(this, { width: this.canvas.clientWidth, height: this.canvas.clientHeight });
    this.draw();
  }

  x(time) {
    return GUTTER_PX + ((time - this.from) / (this.to - this.from)) * (this.width - GUTTER_PX - 8);
  }
  timeAt(x) {
    return this.from + ((x - GUTTER_PX) / (this.width - GUTTER_PX - 8)) * (this.to - this.from);
  }
  laneTop(index) {
    return RULER_PX + this.tops[index] - this.top;
  }
  get room() {
    return Math.max(0, this.tops[this.lanes.length] - this.height + RULER_PX);
  }

  /** The lanes to show: what the search found. */
  choose() {
    const { vehicles } = this.model;
    this.lanes = state.found ? vehicles.filter((vehicle) => state.found.has(vehicle.id)) : vehicles;
    this.tops = [0];
    for (const vehicle of this.lanes) this.tops.push(this.tops.at(-1) + laneHeight(vehicle));
  }

  /** Number of the lane at a height of the canvas. */
  laneIndexAt(y) {
    const wanted = y - RULER_PX + this.top;
    let low = 0,
      high = this.lanes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tops[middle + 1] <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  laneAt(y) {
    return y < RULER_PX ? null : (this.lanes[this.laneIndexAt(y)] ?? null);
  }

  draw() {
    this.scroll(this.top);
    this.picture.draw();
  }

  scroll(top) {
    this.top = Math.max(0, Math.min(top, this.room));
  }

  keepInView() {
    const { time, playing } = this.clock;
    if (playing && (time > this.to || time < this.from)) this.moveTo(time - 0.1 * (this.to - this.from));
    this.draw();
  }

  /** Show the lanes of now, of a long run some minutes about it. */
  openAt(time) {
    if (this.model.end - this.model.start > LONG_S) this.moveTo(time - OPENING_S / 2, OPENING_S);
    const lane = this.lanes.findIndex((vehicle) => vehicle.end >= time && vehicle.start <= time);
    if (this.room) this.scroll(this.tops[Math.max(lane, 0)]);
    this.draw();
  }

  moveTo(from, span = this.to - this.from) {
    const whole = this.model.end - this.model.start;
    const wide = Math.max(0.5, Math.min(span, whole));
    this.from = Math.max(this.model.start, Math.min(from, this.model.end - wide));
    this.to = this.from + wide;
  }

  zoom(factor, time = this.clock.time) {
    const span = (this.to - this.from) * factor;
    this.moveTo(time - ((time - this.from) / (this.to - this.from)) * span, span);
    this.draw();
  }

  /** Scroll so that the chosen vehicle's lane and way are in sight. */
  reveal() {
    const lane = this.lanes.findIndex((vehicle) => vehicle.id === state.vehicle);
    if (lane < 0) return;
    const { start, end } = this.lanes[lane],
      span = Math.max(this.to - this.from, 1.2 * (end - start));
    if (start > this.to || end < this.from) this.moveTo((start + end - span) / 2, span);
    const least = this.tops[lane + 1] - this.height + RULER_PX;
    this.scroll(Math.min(Math.max(this.top, least), this.tops[lane]));
  }

  // --- pointer -------------------------------------------------------------------------------------------

  press(event) {
    const time = this.timeAt(event.offsetX);
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = !this.pinching() && {
      x: event.offsetX,
      y: event.offsetY,
      time,
      from: this.from,
      top: this.top,
      moved: false,
      ruler: event.offsetY < RULER_PX,
    };
  }

  move(event) {
    const { drag } = this;
    if (this.pinching()) return;
    if (!drag) return this.point(event);
    if (Math.abs(event.offsetX - drag.x) + Math.abs(event.offsetY - drag.y) > 4) drag.moved = true;
    if (!drag.moved) return;
    if (drag.ruler) set({ range: [drag.time, this.timeAt(event.offsetX)].sort((a, b) => a - b) });
    else {
      this.moveTo(drag.from - ((event.offsetX - drag.x) / (this.width - GUTTER_PX)) * (this.to - this.from));
      this.scroll(drag.top - (event.offsetY - drag.y));
      this.draw();
    }
  }

  release(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.moved) return;
    const lane = this.laneAt(event.offsetY);
    if (event.offsetX > GUTTER_PX) this.clock.seek(drag.time);
    if (lane) set({ vehicle: lane.id, tab: "vehicle" });
  }

  pinched(factor, x, dx, dy) {
    this.moveTo(this.from - (dx / (this.width - GUTTER_PX)) * (this.to - this.from));
    this.scroll(this.top - dy);
    this.zoom(1 / factor, this.timeAt(x));
  }

  leave() {
    this.tip.hidden = true;
    if (!this.drag) set({ hover: null });
  }

  roll(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey || event.offsetY < RULER_PX) {
      this.zoom(Math.exp(event.deltaY * 0.003), this.timeAt(event.offsetX));
    } else {
      this.scroll(this.top + event.deltaY);
      if (event.deltaX) this.moveTo(this.from + (event.deltaX / this.width) * (this.to - this.from));
      this.draw();
    }
  }

  reset(event) {
    if (event.offsetY < RULER_PX) set({ range: null });
    this.moveTo(this.model.start, this.model.end - this.model.start);
    this.draw();
  }

  /** What is under the pointer, in words. */
  point(event) {
    const lane = this.laneAt(event.offsetY),
      time = this.timeAt(event.offsetX);
    set({ hover: lane?.id ?? null });
    const visit = lane?.visits.find((v) => v.start - 0.1 <= time && time <= v.end + 0.1);
    const link = lane && !visit ? this.linkAt(lane, time) : null;
    let text = "";
    if (visit) {
      const name = this.model.cameras[visit.camera].id;
      text = `${lane.id} in ${name}, ${this.model.when(visit.start, 1)} for ${spanText(visit.end - visit.start)}`;
    } else if (link?.bridge) text = `vehicle ${lane.id} by what other cameras saw`;
    else if (link) text = `${percent(link.probability)} sure that both are vehicle ${lane.id}`;
    this.tip.hidden = !text;
    this.tip.textContent = text;
    const left = Math.min(event.offsetX + 12, this.width - this.tip.offsetWidth - 8);
    this.tip.style.translate = `${left}px ${event.offsetY - 30}px`;
  }

  linkAt(lane, time) {
    const { tracklets } = this.model;
    return lane.links.find((link) => tracklets[link.from].end <= time && time <= tracklets[link.to].start) ?? null;
  }
}

/** Row of each visit so that those at one time stand below one another; `count` rows in all. */
function stacked(visits) {
  const ends = [];
  const rows = visits.map(({ start, end }) => {
    let row = ends.findIndex((until) => until < start);
    if (row < 0) row = ends.length;
    ends[row] = end;
    return row;
  });
  return Object.assign(rows, { count: Math.max(1, ends.length) });
}

/** Vehicles in sight in even bins of time. */
function crowd(model) {
  const bins = 1200,
    step = (model.end - model.start) / bins || 1;
  const count = new Array(bins + 1).fill(0);
  for (const { visits } of model.vehicles) {
    const seen = new Set();
    for (const { start, end } of visits) {
      for (let bin = Math.floor((start - model.start) / step); bin <= (end - model.start) / step; bin++)
        seen.add(bin);
    }
    for (const bin of seen) count[bin]++;
  }
  return { step, count, most: Math.max(1, ...count) };
}
