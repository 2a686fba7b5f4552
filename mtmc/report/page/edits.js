// Corrections: what somebody who looks says of vehicles, kept by camera, time and box as mtmc/edits.py reads it.

import { on, state } from "page/state";

export const served = location.protocol.startsWith("http");

export class Edits {
  constructor(model, clock) {
    Object.assign(this, { model, clock, key: `mtmc-edits-${model.head.scene}`, listeners: [], waiting: null });
    this.made = this.stored() ?? [];
    on(["vehicle"], () => this.finishSame());
  }

  /** Edits that the run was linked with, then those made since. */
  get all() {
    return [...this.model.head.edits, ...this.made];
  }

  stored() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  tell() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.made));
    } catch {
      // kept as long as the page is open
    }
    for (const listener of this.listeners) listener();
  }

  add(edit) {
    const line = JSON.stringify(edit);
    if (!this.made.some((other) => JSON.stringify(other) === line)) this.made.push(edit);
    this.tell();
  }

  undo() {
    this.made.pop();
    this.tell();
  }

  /** The place that means a tracklet: its middle box, or the one at a moment. */
  async place(tracklet, time = null) {
    const boxes = await this.model.boxesOf(tracklet.camera),
      first = boxes.first[boxes.tracklets.indexOf(tracklet)];
    let row = first + (tracklet.boxes >> 1);
    if (time !== null) {
      row = first;
      while (row + 1 < first + tracklet.boxes && boxes.timeOf(boxes.frame[row]) < time - 1e-3) row++;
    }
    const [x, y, w, h] = boxes.box(row),
      camera = this.model.cameras[tracklet.camera].id;
    return { camera, time_s: boxes.timeOf(boxes.frame[row]), box: [x, y, x + w, y + h] };
  }

  async judge(link, word) {
    const { tracklets } = this.model;
    const [at, and] = await Promise.all([this.place(tracklets[link.from]), this.place(tracklets[link.to])]);
    this.add({ edit: word, at, and });
  }

  /** What was said of a link, null if nothing. */
  async said(link) {
    const { tracklets } = this.model;
    const [at, and] = await Promise.all([this.place(tracklets[link.from]), this.place(tracklets[link.to])]);
    const same = (a, b) => a && a.camera === b.camera && Math.abs(a.time_s - b.time_s) < 1e-3;
    const found = this.all.filter((edit) => same(edit.at, at) && same(edit.and, and));
    return found.length ? found.at(-1).edit : null;
  }

  /** The chosen vehicle's tracklet that is in sight now, else its longest. */
  current() {
    const vehicle = this.model.byId.get(state.vehicle),
      now = this.clock.time;
    if (!vehicle) return null;
    const inSight = vehicle.tracklets.filter((t) => t.start <= now && now <= t.end);
    const focused = inSight.find((t) => t.camera === state.focus) ?? inSight[0];
    return focused ?? vehicle.tracklets.reduce((a, b) => (b.boxes > a.boxes ? b : a));
  }

  async notVehicle() {
    for (const tracklet of this.model.byId.get(state.vehicle)?.tracklets ?? []) {
      this.add({ edit: "not_vehicle", at: await this.place(tracklet) });
    }
  }

  async kind(word) {
    for (const tracklet of this.model.byId.get(state.vehicle)?.tracklets ?? []) {
      this.add({ edit: "kind", at: await this.place(tracklet), kind: word });
    }
  }

  async split() {
    const tracklet = this.current();
    if (tracklet) this.add({ edit: "split", at: await this.place(tracklet, this.clock.time) });
  }

  /** The chosen vehicle and the next one that is chosen are the same. */
  startSame() {
    this.waiting = this.current();
    this.tell();
  }

  async finishSame() {
    const { waiting } = this,
      other = this.current();
    if (!waiting || !other || other.vehicle === waiting.vehicle) return;
    this.waiting = null;
    this.add({ edit: "same", at: await this.place(waiting), and: await this.place(other) });
  }

  get text() {
    return this.all.map((edit) => `${JSON.stringify(edit)}\n`).join("");
  }

  /** Into the run folder where the page is served, and link again; else as a file for `mtmc edit --import`. */
  async save() {
    if (!served) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([this.text], { type: "application/jsonl" }));
      link.download = "edits.jsonl";
      link.click();
      return "Saved. Hand it to: mtmc edit RUN --import edits.jsonl";
    }
    const answer = await fetch("edits", { method: "POST", body: this.text });
    if (!answer.ok) return answer.text();
    this.made = [];
    this.tell();
    location.reload();
    return "Linked again.";
  }
}

/** What an edit says, for people. */
export function editText({ edit, at, and, kind }) {
  const place = ({ camera, time_s }) => `${camera} at ${time_s.toFixed(1)} s`;
  const words = {
    same: "same",
    different: "different",
    split: "split",
    not_vehicle: "not a vehicle",
    kind: `a ${kind}`,
  };
  return `${words[edit]}: ${place(at)}${and ? ` and ${place(and)}` : ""}`;
}
