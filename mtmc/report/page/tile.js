// One camera: its video held to the clock, and boxes and trails drawn over the frame that is really on the screen.

import { themed, vehicleColour } from "page/colours";
import { present, take } from "page/columns";
import { state } from "page/state";
import { make, spanText } from "page/words";

const JUMP_S = 0.35; // farther off than this the video jumps, nearer it runs a little faster or slower
const PULL_STEP = 0.03; // a change of speed costs more than the milliseconds it wins
const TRAIL_S = 1.5;
const FIT_S = 0.004;
const PREVIEW_PX = 400; // tiles of at most so many pixels show the small video

export class Tile {
  /** `bare`: without the run's own boxes, for what others draw. */
  constructor(model, camera, clock, bare = false) {
    Object.assign(this, { model, camera, clock, bare, boxes: null, frame: -1, visible: false, loaded: null, overlays: [] });
    this.video = this.player();
    this.canvas = make("canvas");
    this.note = make("div", { className: "note" });
    const name = make("button", { className: "name", type: "button", title: "Show large (double click)" }, camera.id);
    this.element = make(
      "div",
      { className: bare ? "tile bare" : "tile", data: { camera: camera.id } },
      this.video,
      this.canvas,
      name,
      this.note,
    );
    this.element.style.setProperty("--aspect", camera.width / camera.height);
    name.addEventListener("click", () => this.onFocus?.(camera.index));
    this.element.addEventListener("dblclick", () => this.onFocus?.(camera.index));
    this.canvas.addEventListener("click", (event) => this.onPick?.(this.vehicleAt(event)));
    this.canvas.addEventListener("pointermove", (event) => this.onHover?.(this.vehicleAt(event)));
    this.canvas.addEventListener("pointerleave", () => this.onHover?.(null));
    new ResizeObserver(() => {
      if (this.visible) this.load();
      this.draw();
    }).observe(this.element);
  }

  /** Take up or let go of the decoder. */
  show(visible) {
    if (visible === this.visible) return;
    this.visible = visible;
    const inside = `video-${this.camera.id}`;
    if (present(inside)) this.camera.inside = URL.createObjectURL(new Blob([take(inside)], { type: "video/mp4" }));
    this.load();
    if (!visible) return;
    this.model.boxesOf(this.camera.index).then((boxes) => {
      this.boxes = boxes;
      this.sync();
    });
  }

  /** Address of the smallest video that fills the tile; null where nothing is to be seen. */
  get source() {
    if (!this.visible) return null;
    const { inside, video, preview } = this.camera,
      small = this.element.clientWidth * devicePixelRatio <= PREVIEW_PX;
    return inside ?? (small && preview ? preview : video);
  }

  /** Change to the video that is wanted now; the one before stays in sight until it has its first picture. */
  load() {
    const { source } = this;
    if (source === this.loaded) return;
    this.loaded = source;
    const others = [...this.element.querySelectorAll("video")];
    this.video = this.player();
    others.at(-1).after(this.video);
    const drop = () => others.forEach(letGo);
    if (!source) return drop();
    this.video.addEventListener("loadeddata", drop, { once: true });
    this.video.src = source;
    this.sync();
  }

  player() {
    const video = make("video", { muted: true, playsInline: true, preload: this.camera.preview ? "metadata" : "auto" });
    const shown = (time) => video === this.video && this.presented(time);
    video.addEventListener("seeked", () => this.clock.playing || shown(video.currentTime));
    if (!video.requestVideoFrameCallback) {
      video.addEventListener("timeupdate", () => shown(video.currentTime));
      return video;
    }
    const each = (_, { mediaTime }) => {
      shown(mediaTime);
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
    return video;
  }

  /** A frame of the video is on the screen. */
  presented(mediaTime) {
    if (!this.boxes) return;
    this.shownTime = this.camera.start + mediaTime;
    this.frame = this.boxes.frameAt(this.shownTime + FIT_S);
    this.draw();
  }

  /** Bring the video to the clock. */
  sync() {
    if (!this.visible || !this.boxes) return;
    const target = this.clock.time - this.camera.start;
    const frame = this.boxes.frameAt(this.clock.time);
    const running =
      target >= 0 && this.clock.time <= this.boxes.timeOf(this.boxes.time.length - 1) + 1 / this.camera.fps;
    this.element.classList.toggle("away", !running);
    if (!this.loaded || this.video.error) {
      this.frame = running ? frame : -1;
      this.shownTime = this.clock.time;
      this.draw();
      return;
    }
    if (!running || !this.clock.playing) this.stand(running ? frame : target < 0 ? 0 : this.boxes.time.length - 1);
    else this.run(target);
    if (!this.clock.playing || !running) this.draw();
  }

  run(target) {
    const { video } = this;
    const off = video.currentTime - target;
    if (video.paused) {
      if (Math.abs(off) > 0.04) video.currentTime = target;
      video.play().catch(() => {});
    } else if (Math.abs(off) > JUMP_S * Math.max(1, this.clock.rate) && !video.seeking) video.currentTime = target;
    const pull = Math.max(-0.25, Math.min(0.25, PULL_STEP * Math.round((-off * 2.5) / PULL_STEP)));
    const rate = Math.max(0.0625, Math.min(16, this.clock.rate * (1 + pull)));
    if (Math.abs(video.playbackRate - rate) > 0.003) video.playbackRate = rate;
  }

  stand(frame) {
    const { video } = this;
    if (!video.paused) video.pause();
    const from = this.boxes.timeOf(frame),
      until = frame + 1 < this.boxes.time.length ? this.boxes.timeOf(frame + 1) : from + 0.04;
    const middle = (from + until) / 2 - this.camera.start; // the middle: no rounding shows a neighbour
    if (Math.abs(video.currentTime - middle) > 0.002 && !(video.seeking && this.asked === middle))
      video.currentTime = middle;
    this.asked = middle;
  }

  // --- drawing -------------------------------------------------------------------------------------------

  draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio,
      width = this.element.clientWidth,
      height = this.element.clientHeight;
    if (!width || !this.visible) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const g = canvas.getContext("2d");
    this.scale = width / this.camera.width;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    const shown = this.boxes && !this.bare && !this.element.classList.contains("away");
    const rows = shown ? [...this.boxes.rowsAt(this.frame)] : [];
    const items = rows.map((row) => this.item(row)).sort((a, b) => a.box[1] + a.box[3] - b.box[1] - b.box[3]);
    if (state.vehicle !== null && !this.bare) this.veil(g, width, height, items);
    for (const item of items) this.trail(g, item);
    for (const item of items) this.frameOf(g, item);
    for (const item of items) this.label(g, item, width);
    this.items = items;
    if (!this.bare) this.tellNext(items);
    for (const overlay of this.overlays) overlay(g, this);
  }

  item(row) {
    const tracklet = this.boxes.tracklets[this.boxes.owner[row]];
    const vehicle = this.model.byId.get(tracklet.vehicle);
    const lit = state.vehicle === null || state.vehicle === vehicle.id;
    const found = state.found === null || state.found.has(vehicle.id);
    return { row, tracklet, vehicle, lit: lit && found, box: this.boxes.box(row).map((side) => side * this.scale) };
  }

  /** All but the chosen vehicle goes dark. */
  veil(g, width, height, items) {
    g.fillStyle = "oklch(0.16 0.01 260 / 0.58)";
    g.beginPath();
    g.rect(0, 0, width, height);
    for (const {
      vehicle,
      box: [x, y, w, h],
    } of items)
      if (vehicle.id === state.vehicle) g.roundRect(x - 3, y - 3, w + 6, h + 6, 5);
    g.fill("evenodd");
  }

  trail(g, { row, vehicle, lit }) {
    const { boxes } = this;
    const since = boxes.time[boxes.frame[row]] - TRAIL_S * boxes.tick,
      first = boxes.first[boxes.owner[row]];
    let at = row;
    const points = [];
    while (at >= first && boxes.time[boxes.frame[at]] >= since) {
      const [x, y, w, h] = boxes.box(at--);
      points.push([(x + w / 2) * this.scale, (y + h) * this.scale]);
    }
    g.lineCap = "round";
    for (let k = 1; k < points.length; k++) {
      g.strokeStyle = vehicleColour(vehicle.id, (lit ? 0.9 : 0.2) * (1 - k / points.length));
      g.lineWidth = 2.5;
      g.beginPath();
      g.moveTo(...points[k - 1]);
      g.lineTo(...points[k]);
      g.stroke();
    }
  }

  frameOf(g, { vehicle, lit, box: [x, y, w, h] }) {
    const chosen = vehicle.id === state.vehicle,
      near = vehicle.id === state.hover;
    const wide = chosen || near ? 3 : vehicle.cameras.length > 1 ? 2 : 1.25;
    g.beginPath();
    g.roundRect(x, y, w, h, Math.min(4, w / 4, h / 4));
    g.lineWidth = wide + 1.5;
    g.strokeStyle = `oklch(0.15 0 0 / ${lit || near ? 0.65 : 0.15})`;
    g.stroke();
    g.lineWidth = wide;
    g.strokeStyle = vehicleColour(vehicle.id, lit || near ? 1 : 0.3);
    g.stroke();
  }

  label(g, { vehicle, lit, box: [x, y, w] }, width) {
    const near = vehicle.id === state.hover,
      chosen = vehicle.id === state.vehicle;
    if (!lit && !near) return;
    if (w < 18 && !near && !chosen && width < 420) return;
    const size = width < 420 ? 10 : 12;
    g.font = `600 ${size}px ${themed("font")}`;
    const wide = g.measureText(vehicle.id).width + 8,
      high = size + 5;
    const left = Math.max(0, Math.min(x - 1, width - wide)),
      top = Math.max(0, y - high - 1);
    g.fillStyle = vehicleColour(vehicle.id);
    g.beginPath();
    g.roundRect(left, top, wide, high, 3.5);
    g.fill();
    g.fillStyle = "oklch(0.18 0.02 260)";
    g.textBaseline = "middle";
    g.fillText(vehicle.id, left + 4, top + high / 2 + 0.5);
  }

  /** Where the chosen vehicle is not in sight: when it comes, or how long it has been gone. */
  tellNext(items) {
    const vehicle = this.model.byId.get(state.vehicle),
      now = this.clock.time;
    const away = this.element.classList.contains("away");
    let text = away ? (now < this.camera.start ? `starts in ${spanText(this.camera.start - now)}` : "ended") : "";
    if (vehicle && !items.some((item) => item.vehicle === vehicle)) {
      const mine = vehicle.visits.filter((visit) => visit.camera === this.camera.index);
      const next = mine.find((visit) => visit.start > now),
        last = mine.findLast((visit) => visit.end < now);
      if (next) text = `${vehicle.id} comes in ${spanText(next.start - now)}`;
      else if (last) text = `${vehicle.id} left ${spanText(now - last.end)} ago`;
      else if (!mine.length && !away) text = `${vehicle.id} is not seen here`;
      this.element.classList.toggle("never", !mine.length);
    } else this.element.classList.remove("never");
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  /** Id of the vehicle under the pointer: the smallest box that holds it. */
  vehicleAt(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const px = event.clientX - left,
      py = event.clientY - top;
    const hit = (this.items ?? []).filter(
      ({ box: [x, y, w, h] }) => px >= x - 2 && py >= y - 2 && px <= x + w + 2 && py <= y + h + 2,
    );
    hit.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
    return hit[0]?.vehicle.id ?? null;
  }
}

/** Give a player's decoder and memory back. */
function letGo(video) {
  video.pause();
  video.removeAttribute("src");
  video.load();
  video.remove();
}
