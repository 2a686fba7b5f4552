// The vehicle card: its crops camera by camera, its way, and for every link what spoke for it and what else
// it could have been.

import { cameraColour, vehicleColour } from "page/colours";
import { corrections } from "page/review";
import { on, set, state } from "page/state";
import { make, oddsText, percent, plural, spanText } from "page/words";

const DOUBT = 0.6;
const MEANING = {
  appearance: "how alike the crops look",
  time: "whether the travel time is a usual one",
  path: "whether vehicles that leave here come in there",
  size: "whether the sizes agree",
  kind: "whether both are cars, trucks, …",
  place: "whether the path goes on where it stopped",
  ground: "where both stood on the calibrated ground",
  prior: "how rare links are among all that were possible",
};

export class Card {
  constructor(root, model, clock, edits) {
    Object.assign(this, { root, model, clock, edits });
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
      within.map((link) => this.link(link, "piece")),
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
      (spoken.length ? spoken : across.slice(0, 1)).map((link) => this.link(link, "link")),
    );
  }

  async crops(root, tracklet, most = 2) {
    const shown = (await this.model.cropsOf(tracklet)).slice(0, most);
    for (const { url, frame } of shown) {
      root.append(
        make(
          "button",
          {
            type: "button",
            className: "crop",
            title: `Find vehicles that look like this (${this.model.cameras[tracklet.camera].id}, frame ${frame + 1})`,
            on: { click: () => this.onLike?.(tracklet) },
          },
          make("img", { src: url, alt: `vehicle ${tracklet.vehicle}`, draggable: false }),
        ),
      );
    }
  }

  // --- links ---------------------------------------------------------------------------------------------

  link(link, name) {
    if (link.bridge) return this.bridge(link);
    const title = name === "piece" ? "two pieces joined" : "the same vehicle";
    const sure = make("span", { className: "sure", style: { "--p": link.probability } });
    const doubt = link.probability < DOUBT;
    return make(
      "details",
      { className: `why${doubt ? " doubt" : ""}`, open: doubt },
      make("summary", {}, sure, make("b", {}, percent(link.probability)), ` ${title}`),
      this.bars(link),
      this.decided(link),
      this.rival(link),
      this.judge(link),
    );
  }

  /** Both are the vehicle's by what other cameras saw. */
  bridge(link) {
    const { from, to } = link,
      name = (number) => this.model.cameras[this.model.tracklets[number].camera].id;
    return make(
      "details",
      { className: "why" },
      make("summary", {}, "held together by what other cameras saw"),
      make("p", { className: "decided" }, `Nothing was compared between ${name(from)} and ${name(to)} itself.`),
      this.judge(link),
    );
  }

  bars(link) {
    const rows = [
      ...link.evidence.filter(({ value }) => Math.abs(value) > 0.005),
      { kind: "prior", value: link.prior, decisive: false },
    ];
    const most = Math.max(4, ...rows.map(({ value }) => Math.abs(value)));
    return make(
      "table",
      { className: "evidence" },
      make(
        "tbody",
        {},
        rows.map(({ kind, value, decisive }) =>
          make(
            "tr",
            { title: MEANING[kind] ?? "", className: decisive ? "decisive" : "" },
            make("th", {}, kind),
            make(
              "td",
              { className: "bar" },
              make("i", {
                className: value < 0 ? "against" : "for",
                style: { "--size": `${(50 * Math.abs(value)) / most}%` },
              }),
            ),
            make("td", { className: "odds" }, oddsText(value)),
          ),
        ),
      ),
    );
  }

  /** What somebody who looks says of the link. */
  judge(link) {
    const button = (word) =>
      make("button", { type: "button", on: { click: () => this.edits.judge(link, word) } }, word);
    const root = make("p", { className: "judge" }, button("same"), button("different"));
    this.edits.said(link).then((said) => {
      for (const one of root.children) one.classList.toggle("on", one.textContent === said);
    });
    return root;
  }

  decided(link) {
    const named = link.evidence.filter(({ decisive }) => decisive).map(({ kind }) => kind);
    const cosine = Number.isFinite(link.cosine) ? ` Cosine of looks ${link.cosine.toFixed(2)}.` : "";
    return make(
      "p",
      { className: "decided" },
      named.length
        ? `Would not stand without ${named.join(" and ")}.${cosine}`
        : `Stands without any one of these.${cosine}`,
    );
  }

  rival(link) {
    const tracklet = this.model.tracklets[link.runnerUp];
    if (!tracklet) return make("p", { className: "decided" }, "No other tracklet was possible.");
    const crops = make("div", { className: "crops" });
    this.crops(crops, tracklet, 1);
    const name = make(
      "button",
      { type: "button", className: "text", on: { click: () => set({ vehicle: tracklet.vehicle }) } },
      `vehicle ${tracklet.vehicle}`,
    );
    return make(
      "div",
      { className: "rival" },
      crops,
      make(
        "p",
        {},
        "Runner-up: ",
        name,
        ` in ${this.model.cameras[tracklet.camera].id}, ${percent(link.runnerUpProbability)}; `,
        `margin ${oddsText(link.margin)} over what a link needs`,
      ),
    );
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
