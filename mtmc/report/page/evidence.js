// Why a link was made: what spoke for it and against it, what decided, what else it could have been.

import { set } from "page/state";
import { make, oddsText, percent } from "page/words";

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

export class Evidence {
  /** `crops(root, tracklet, most)` puts pictures of a tracklet into an element. */
  constructor(model, edits, crops) {
    Object.assign(this, { model, edits, crops });
  }

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
}
