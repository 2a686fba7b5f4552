// The run: cameras, tracklets, vehicles, visits and links; each camera's boxes and crops when they are first needed.

import { present, unpack } from "page/columns";
import { clockText, secondsOfDay } from "page/words";

export const CELLS = 16; // along each side of a crop's attention

/** Load the core and give what the panels ask of it. */
export async function loadModel() {
  const core = await unpack("core");
  const model = new Model(core);
  return model;
}

class Model {
  constructor(core) {
    const columns = core.columns;
    Object.assign(this, { head: core, cameras: core.cameras, labels: core.labels, tick: core.ticksPerSecond });
    this.cameras.forEach((camera, index) => Object.assign(camera, { index, start: camera.start / this.tick }));
    this.tracklets = tracklets(columns, this);
    this.links = links(columns, core.evidence);
    this.visits = visits(columns, this.tick);
    this.vehicles = vehicles(this);
    this.byId = new Map(this.vehicles.map((vehicle) => [vehicle.id, vehicle]));
    this.zero = secondsOfDay(core.zero);
    this.start = Math.min(...this.cameras.map((camera) => camera.start));
    const ends = this.cameras.map((camera) => camera.start + camera.frames / camera.fps);
    this.end = this.tracklets.reduce((late, tracklet) => Math.max(late, tracklet.end), Math.max(...ends));
    this.boxes = new Map();
    this.crops = new Map();
    this.vectors = null;
  }

  /** A moment for people: time of day where a file tells it, else since zero of the scene's clock. */
  when(seconds, decimals = 0) {
    return clockText(seconds + this.zero, decimals);
  }

  /** Boxes of a camera by index; a promise, kept. */
  boxesOf(index) {
    if (!this.boxes.has(index)) {
      const mine = this.tracklets.filter((tracklet) => tracklet.camera === index);
      const loading = unpack(`boxes-${this.cameras[index].id}`);
      this.boxes.set(
        index,
        loading.then(({ columns }) => new Boxes(columns, mine, this)),
      );
    }
    return this.boxes.get(index);
  }

  /** Crops of a tracklet as addresses of pictures, best first; a promise. */
  async cropsOf(tracklet) {
    const index = tracklet.camera;
    if (!this.crops.has(index)) this.crops.set(index, unpack(`crops-${this.cameras[index].id}`).then(cropTable));
    return (await this.crops.get(index)).get(tracklet.number) ?? [];
  }

  /** Cosine of every tracklet's look with one tracklet's; null without looks. */
  async alike(tracklet) {
    if (!this.vectors && !present("vectors")) return null;
    this.vectors ??= unpack("vectors");
    const { size, columns } = await this.vectors;
    const all = columns.vectors,
      own = all.subarray(tracklet.number * size, (tracklet.number + 1) * size);
    return this.tracklets.map(({ number }) => {
      let sum = 0,
        square = 0;
      for (let k = 0, at = number * size; k < size; k++, at++) {
        sum += all[at] * own[k];
        square += all[at] * all[at];
      }
      return square ? sum / Math.sqrt(square * own.reduce((total, v) => total + v * v, 1e-9)) : -1;
    });
  }
}

function tracklets(columns, model) {
  return Array.from(columns.vehicle, (vehicle, number) => ({
    number,
    vehicle,
    camera: columns.camera[number],
    track: columns.track[number],
    label: model.labels[columns.label[number]],
    colour: model.head.colours[columns.colour[number]] ?? "unclear",
    boxes: columns.boxes[number],
    score: columns.score[number],
    start: columns.start[number] / model.tick,
    end: (columns.start[number] + columns.length[number]) / model.tick,
  }));
}

function links(columns, kinds) {
  if (!columns.link_from) return [];
  const evidence = kinds.filter((kind) => columns[`link_${kind}`]);
  return Array.from(columns.link_from, (from, k) => ({
    from,
    to: columns.link_to[k],
    probability: columns.link_probability[k],
    seconds: columns.link_seconds[k],
    margin: columns.link_margin[k],
    cosine: columns.link_cosine[k],
    prior: columns.link_prior[k],
    runnerUp: columns.link_runner_up[k],
    runnerUpProbability: columns.link_runner_up_probability[k],
    evidence: evidence.map((kind) => ({
      kind,
      value: columns[`link_${kind}`][k],
      decisive: Boolean(columns.link_decisive[k] & (1 << kinds.indexOf(kind))),
    })),
    // Nothing speaks for it: both belong to the vehicle by what other cameras saw; its probability means nothing.
    bridge: [columns.link_prior[k], ...evidence.map((kind) => columns[`link_${kind}`][k])].every((value) => !value),
  }));
}

function visits(columns, tick) {
  if (!columns.visit_vehicle) return [];
  return Array.from(columns.visit_vehicle, (vehicle, k) => ({
    vehicle,
    camera: columns.visit_camera[k],
    start: columns.visit_start[k] / tick,
    end: (columns.visit_start[k] + columns.visit_length[k]) / tick,
    entry: columns.visit_entry[k],
    exit: columns.visit_exit[k],
    speed: columns.visit_speed[k],
  }));
}

/** One object per vehicle, by start: its tracklets, visits and links in order of time. */
function vehicles(model) {
  const byId = new Map();
  for (const tracklet of model.tracklets) {
    if (!byId.has(tracklet.vehicle))
      byId.set(tracklet.vehicle, { id: tracklet.vehicle, tracklets: [], visits: [], links: [] });
    byId.get(tracklet.vehicle).tracklets.push(tracklet);
  }
  for (const visit of model.visits) byId.get(visit.vehicle)?.visits.push(visit);
  for (const link of model.links) byId.get(model.tracklets[link.from].vehicle)?.links.push(link);
  return [...byId.values()].map(described).sort((a, b) => a.start - b.start || a.id - b.id);
}

function described(vehicle) {
  const { tracklets } = vehicle;
  const most = (key) => {
    const count = new Map();
    for (const tracklet of tracklets) count.set(tracklet[key], (count.get(tracklet[key]) ?? 0) + tracklet.boxes);
    const clear = [...count].filter(([name]) => name !== "unclear");
    return (clear.length ? clear : [...count]).reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
  };
  if (!vehicle.visits.length) vehicle.visits = tracklets.map((t) => ({ ...t, entry: 0, exit: 0, speed: NaN }));
  vehicle.visits.sort((a, b) => a.start - b.start);
  return Object.assign(vehicle, {
    label: most("label"),
    colour: most("colour"),
    cameras: [...new Set(vehicle.visits.map((visit) => visit.camera))],
    start: tracklets[0].start,
    end: Math.max(...tracklets.map((tracklet) => tracklet.end)),
    boxes: tracklets.reduce((sum, tracklet) => sum + tracklet.boxes, 0),
    sure: vehicle.links.filter((link) => !link.bridge).reduce((p, link) => fmin(p, link.probability), NaN),
  });
}

const fmin = (a, b) => (a <= b ? a : b);

/** A camera's boxes, by tracklet and by frame. */
class Boxes {
  constructor(columns, tracklets, model) {
    Object.assign(this, columns, { tracklets, steps: model.head.stepsPerPixel, tick: model.tick });
    const count = columns.frame.length,
      frames = columns.time.length;
    this.owner = new Int32Array(count); // place in `tracklets`
    this.first = new Int32Array(tracklets.length + 1);
    tracklets.forEach((tracklet, k) => (this.first[k + 1] = this.first[k] + tracklet.boxes));
    for (let k = 0; k < tracklets.length; k++) this.owner.fill(k, this.first[k], this.first[k + 1]);
    this.starts = new Int32Array(frames + 2); // rows of frame f: order[starts[f] … starts[f + 1]]
    for (let row = 0; row < count; row++) this.starts[columns.frame[row] + 1]++;
    for (let f = 0; f <= frames; f++) this.starts[f + 1] += this.starts[f];
    this.order = new Int32Array(count);
    const next = this.starts.slice();
    for (let row = 0; row < count; row++) this.order[next[columns.frame[row]]++] = row;
  }

  /** Number of the frame shown at a scene time: the last one taken at or before it. */
  frameAt(seconds) {
    const wanted = Math.floor(seconds * this.tick + 0.5);
    let low = 0,
      high = this.time.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.time[middle] <= wanted) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  timeOf(frame) {
    return this.time[Math.max(0, Math.min(frame, this.time.length - 1))] / this.tick;
  }

  /** Rows of all boxes of a frame. */
  rowsAt(frame) {
    return frame < 0 || frame >= this.time.length
      ? []
      : this.order.subarray(this.starts[frame], this.starts[frame + 1]);
  }

  /** [x, y, width, height] in pixels of the camera's image. */
  box(row) {
    const s = this.steps;
    return [this.left[row] / s, this.top[row] / s, this.width[row] / s, this.height[row] / s];
  }
}

/** Crops by tracklet; a picture gets its address when it is first asked for, as an address costs time and memory. */
function cropTable({ columns }) {
  const table = new Map();
  let at = 0;
  columns.tracklet.forEach((number, k) => {
    const from = at,
      until = (at += columns.bytes[k]);
    const crop = {
      frame: columns.frame[k],
      attention: columns.attention?.subarray(k * CELLS ** 2, (k + 1) * CELLS ** 2), // where the embedder looks, 0 to 255
      get url() {
        const url = URL.createObjectURL(new Blob([columns.pictures.subarray(from, until)], { type: "image/webp" }));
        Object.defineProperty(crop, "url", { value: url });
        return url;
      },
    };
    table.set(number, [...(table.get(number) ?? []), crop]);
  });
  return table;
}
