// The vehicle card: its crops camera by camera, its way, and for every link what spoke for it and what else
// it could have been.

import { cameraColour, vehicleColour } from "page/colours";
import { Evidence } from "page/evidence";
import { CELLS } from "page/model";
import { corrections } from "page/review";
import { on, set, state } from "page/state";
import { make, percent, plural, spanText } from "page/words";

export class Card {
  constructor(root, model, clock, edits) {
    Object.assign(this, { root, model, clock, edits });
    this.evidence = new Evidence(model, edits, (...asked) => this.crops(...asked));
    on(["vehicle"], () => this.fill());
    edits.listeners.push(() => this.fill());
    clock.on(() => this.mark());
    this.fill();
  }

  async fill() {
    const vehicle = this.model.byId.get(state.vehicle);
    if (!vehicle) {
      const hint = "Click a vehicle in a picture, in the timeline or in the list: it is lit in all cameras.";
      this.root.replaceChildren(make("p", { className: "hint" }, hint));
      return;
    }
    this.legs = [];
    const parts = vehicle.visits.flatMap((visit, k) => this.leg(vehicle, visit, vehicle.visits[k - 1]));
    const correct = corrections(this.model, this.edits),
      way = make("ol", { className: "way" }, parts);
    this.root.replaceChildren(this.head(vehicle), correct, way, ...this.rest(vehicle));
    this.mark();
  }

  head(vehicle) {
    const { cameras } = this.model;
    const order = this.model.vehicles.indexOf(vehicle),
      count = this.model.vehicles.length;
    const step = (by) => set({ vehicle: this.model.vehicles[(order + by + count) % count].id });
    const words = [
      vehicle.colour === "unclear" ? vehicle.label : `${vehicle.colour} ${vehicle.label}`,
      plural(vehicle.cameras.length, "camera"),
      spanText(vehicle.end - vehicle.start),
      plural(vehicle.boxes, "box", "boxes"),
    ];
    return make(
      "header",
      { className: "card-head" },
      make("span", { className: "badge", style: { background: vehicleColour(vehicle.id) } }, String(vehicle.id)),
      make(
        "div",
        {},
        make("h2", {}, `Vehicle ${vehicle.id}`),
        make("p", {}, words.join(" · ")),
        make(
          "p",
          { className: "path" },
          vehicle.visits.flatMap((visit, k) => [k ? " → " : "", this.chip(visit.camera)]),
        ),
      ),
      make(
        "nav",
        {},
        make("button", { type: "button", title: "Vehicle before (,)", on: { click: () => step(-1) } }, "‹"),
        make("button", { type: "button", title: "Next vehicle (.)", on: { click: () => step(1) } }, "›"),
        make(
          "button",
          {
            type: "button",
            title: "Follow it from camera to camera (f)",
            className: state.follow ? "on" : "",
            on: { click: () => this.onFollow() },
          },
          "Follow",
        ),
        make(
          "button",
          {
            type: "button",
            hidden: true,
            className: "gaze",
            title: "Where the embedder looks (a)",
            on: { click: () => this.gaze() },
          },
          "Attention",
        ),
      ),
    );
  }

  chip(camera) {
    return make(
      "span",
      { className: "chip", style: { "--camera": cameraColour(camera, this.model.cameras.length) } },
      this.model.cameras[camera].id,
    );
  }

  /** A visit with its crops, after the link that leads to it. */
  leg(vehicle, visit, before) {
    const { tracklets } = this.model;
    const inside = (tracklet, v) =>
      tracklet.camera === v.camera && tracklet.start <= v.end && tracklet.end >= v.start;
    const mine = vehicle.tracklets.filter((tracklet) => inside(tracklet, visit));
    const into = vehicle.links.filter(({ to }) => mine.includes(tracklets[to]));
    const across = into.filter(({ from }) => !mine.includes(tracklets[from]));
    const within = into.filter(({ from }) => mine.includes(tracklets[from]));
    const gap = before ? this.gap(visit, before, across) : null;
    const speed = Number.isFinite(visit.speed) ? ` · ${Math.round(visit.speed)} km/h` : "";
    const zones = visit.entry || visit.exit ? ` · in ${visit.entry || "–"} out ${visit.exit || "–"}` : "";
    const crops = make("div", { className: "crops" });
    mine.forEach((tracklet) => this.crops(crops, tracklet));
    const when = `${this.model.when(visit.start, 1)} – ${this.model.when(visit.end, 1)}`;
    const item = make(
      "li",
      { className: "visit", style: { "--camera": cameraColour(visit.camera, this.model.cameras.length) } },
      make(
        "button",
        { type: "button", className: "when", title: "Go there", on: { click: () => this.go(visit) } },
        make("b", {}, this.model.cameras[visit.camera].id),
        make("span", {}, when),
        make("small", {}, `${spanText(visit.end - visit.start)}${speed}${zones}`),
      ),
      crops,
      within.map((link) => this.evidence.link(link, "piece")),
    );
    this.legs.push({ visit, item });
    return [gap, item];
  }

  gap(visit, before, across) {
    const seconds = visit.start - before.end;
    const spoken = across.filter((link) => !link.bridge);
    const text = seconds >= 0 ? `${spanText(seconds)} between` : `seen by both for ${spanText(-seconds)}`;
    return make(
      "li",
      { className: "gap" },
      make("span", { className: "seconds" }, text),
      (spoken.length ? spoken : across.slice(0, 1)).map((link) => this.evidence.link(link, "link")),
    );
  }

  async crops(root, tracklet, most = 2) {
    const shown = (await this.model.cropsOf(tracklet)).slice(0, most);
    for (const { url, frame, attention } of shown) {
      const picture = make("img", { src: url, alt: `vehicle ${tracklet.vehicle}`, draggable: false });
      this.attends ||= Boolean(attention);
      root.append(
        make(
          "button",
          {
            type: "button",
            className: "crop",
            title: `Find vehicles that look like this (${this.model.cameras[tracklet.camera].id}, frame ${frame + 1})`,
            on: { click: () => this.onLike?.(tracklet) },
          },
          picture,
          attention && gaze(picture, attention),
        ),
      );
    }
    this.showGaze();
  }

  /** Lay over the crops where the embedder looks in them, or take it away. */
  gaze() {
    this.gazing = !this.gazing;
    this.showGaze();
  }

  showGaze() {
    this.root.classList.toggle("gazing", Boolean(this.gazing));
    const button = this.root.querySelector(".gaze");
    if (!button) return;
    button.hidden = !this.attends;
    button.classList.toggle("on", Boolean(this.gazing));
  }

  /** Tracklets that no leg names, so that the card tells of every box. */
  rest(vehicle) {
    const told = plural(vehicle.tracklets.length, "tracklet");
    const names = vehicle.tracklets.map((t) => `${this.model.cameras[t.camera].id} #${t.track}`);
    const least = Number.isFinite(vehicle.sure) ? `, least sure link ${percent(vehicle.sure)}` : "";
    return [make("p", { className: "decided" }, `${told}: ${names.join(", ")}${least}.`)];
  }

  go(visit) {
    this.clock.seek((visit.start + visit.end) / 2);
    if (state.focus !== null) set({ focus: visit.camera });
  }

  /** The leg that is on the screen now. */
  mark() {
    const now = this.clock.time;
    for (const { visit, item } of this.legs ?? [])
      item.classList.toggle("now", visit.start <= now && now <= visit.end);
  }
}

/** The attention of a crop as a picture over it, as opaque as the attention is strong. */
function gaze(picture, attention) {
  const cells = make("canvas", { width: CELLS, height: CELLS }),
    over = make("canvas", { className: "over" });
  const image = new ImageData(CELLS, CELLS);
  attention.forEach((value, k) => image.data.set([255, 70, 30, 0.8 * value], 4 * k));
  cells.getContext("2d").putImageData(image, 0, 0);
  picture.decode().then(() => {
    Object.assign(over, { width: picture.naturalWidth, height: picture.naturalHeight });
    over.getContext("2d").drawImage(cells, 0, 0, over.width, over.height);
  });
  return over;
}
