// The vehicles that the search found, with their best crop and their way.

import { cameraColour, vehicleColour } from "page/colours";
import { reachable } from "page/rows";
import { on, set, state } from "page/state";
import { make, percent, plural } from "page/words";

const AT_ONCE = 120;
const DOUBT = 0.6;

export class List {
  constructor(root, model, clock) {
    Object.assign(this, { root, model, clock, scores: null, shown: AT_ONCE });
    this.watcher = new IntersectionObserver((entries) =>
      entries.forEach((entry) => entry.isIntersecting && this.picture(entry.target)),
    );
    this.refill = reachable(root, ".vehicles li");
    on(["found"], () => {
      this.shown = AT_ONCE;
      this.fill();
    });
    on(["vehicle", "hover"], () => this.mark());
    this.fill();
  }

  /** Best first by `scores` (vehicle id to cosine), by time without. */
  fill() {
    const found = this.model.vehicles.filter((vehicle) => !state.found || state.found.has(vehicle.id));
    if (this.scores) found.sort((a, b) => (this.scores.get(b.id) ?? -1) - (this.scores.get(a.id) ?? -1));
    this.found = found;
    const several = found.filter((vehicle) => vehicle.cameras.length > 1).length;
    const count = make(
      "p",
      { className: found.length ? "count" : "count hint" },
      found.length ? `${plural(found.length, "vehicle")}, ${several} in several cameras` : this.nothing(),
    );
    const more =
      found.length > this.shown &&
      make(
        "button",
        {
          type: "button",
          className: "more",
          on: {
            click: () => {
              this.shown += AT_ONCE;
              this.fill();
            },
          },
        },
        `${found.length - this.shown} more`,
      );
    const rows = make("ul", { className: "vehicles" }, found.slice(0, this.shown).map((v) => this.row(v)));
    this.refill(() => this.root.replaceChildren(count, rows, more || ""));
    this.mark();
  }

  nothing() {
    if (this.model.vehicles.length) return "0 vehicles fit. Esc gives all of them back.";
    return "No vehicles in this run: nothing was detected, or nothing stayed long enough to be tracked.";
  }

  row(vehicle) {
    const { cameras } = this.model;
    const way = vehicle.visits.map((visit) =>
      make("i", {
        title: cameras[visit.camera].id,
        style: { background: cameraColour(visit.camera, cameras.length) },
      }),
    );
    const score = this.scores?.get(vehicle.id);
    const row = make(
      "li",
      { data: { vehicle: vehicle.id } },
      make("span", { className: "thumb", style: { "--vehicle": vehicleColour(vehicle.id) } }),
      make("span", { className: "id" }, String(vehicle.id)),
      make(
        "span",
        { className: "what" },
        vehicle.colour === "unclear" ? vehicle.label : `${vehicle.colour} ${vehicle.label}`,
        make("span", { className: "dots" }, way),
      ),
      make(
        "span",
        { className: "side" },
        this.model.when(vehicle.start),
        make(
          "small",
          { className: vehicle.sure < DOUBT ? "doubt" : "", title: score === undefined ? "least sure link" : "alike" },
          score !== undefined ? score.toFixed(2) : Number.isFinite(vehicle.sure) ? percent(vehicle.sure) : "",
        ),
      ),
    );
    row.addEventListener("click", () => this.choose(vehicle));
    row.addEventListener("pointerenter", () => set({ hover: vehicle.id }));
    this.watcher.observe(row);
    return row;
  }

  choose(vehicle) {
    const now = this.clock.time;
    if (!vehicle.visits.some((visit) => visit.start <= now && now <= visit.end)) {
      this.clock.seek((vehicle.visits[0].start + vehicle.visits[0].end) / 2);
    }
    set({ vehicle: vehicle.id, tab: "vehicle" });
  }

  async picture(row) {
    this.watcher.unobserve(row);
    const vehicle = this.model.byId.get(Number(row.dataset.vehicle));
    const longest = vehicle.tracklets.reduce((a, b) => (b.boxes > a.boxes ? b : a));
    const [crop] = await this.model.cropsOf(longest);
    if (crop) row.querySelector(".thumb").append(make("img", { src: crop.url, alt: "", draggable: false }));
  }

  mark() {
    for (const row of this.root.querySelectorAll("li")) {
      const id = Number(row.dataset.vehicle);
      row.classList.toggle("chosen", id === state.vehicle);
      row.classList.toggle("near", id === state.hover);
    }
  }
}
