// The review queue: links in the order in which a look at them is worth most, with what was said so far.

import { editText, served } from "page/edits";
import { reachable } from "page/rows";
import { on, set, state } from "page/state";
import { make, percent, plural } from "page/words";

const AT_ONCE = 60;
const HINT = "Links by what a look may gain: doubt times boxes at stake. y same, x different, u undo.";
const NOTHING = "No links to look at: no two tracklets are one vehicle here, and none look alike enough.";

export class Review {
  constructor(root, model, clock, edits) {
    Object.assign(this, { root, model, clock, edits, at: -1, answer: "" });
    this.queue = queue(model);
    this.refill = reachable(root, ".queue li");
    edits.listeners.push(() => this.fill());
    on(["tab"], () => state.tab === "review" && this.fill());
  }

  async fill() {
    if (state.tab !== "review") return;
    const { edits } = this,
      shown = this.queue.slice(0, AT_ONCE);
    const said = await Promise.all(shown.map(({ link }) => edits.said(link)));
    const made = make(
      "ol",
      { className: "made" },
      edits.made.map((edit) => make("li", {}, editText(edit))),
    );
    const save = served ? "Save and link again" : "Save edits.jsonl";
    const act = (name, title, click) => make("button", { type: "button", title, on: { click } }, name);
    const parts = [
      make("p", { className: shown.length ? "count" : "count hint" }, shown.length ? HINT : NOTHING),
      make("ul", { className: "queue" }, shown.map((item, k) => this.row(item, k, said[k]))),
      make("h3", {}, plural(edits.made.length, "correction")),
      made,
      make(
        "p",
        { className: "actions" },
        act("Undo", "Take the last one back (u)", () => edits.undo()),
        act(save, "", async () => {
          this.answer = await edits.save();
          this.fill();
        }),
      ),
      make("p", { className: "count" }, this.answer),
    ];
    this.refill(() => this.root.replaceChildren(...parts));
    shown.forEach(({ link }, k) => this.pictures(this.root.querySelectorAll(".queue .pair")[k], link));
  }

  row({ link, boxes }, k, said) {
    const { tracklets, cameras } = this.model,
      a = tracklets[link.from],
      b = tracklets[link.to];
    const rival = link.runnerUp >= 0 ? `, runner-up ${percent(link.runnerUpProbability)}` : "";
    const stake = `vehicle ${a.vehicle}, ${boxes} boxes at stake${rival}`;
    const button = (word, sign) =>
      make(
        "button",
        {
          type: "button",
          className: said === word ? "on" : "",
          title: word,
          on: {
            click: (event) => {
              event.stopPropagation();
              this.at = k;
              this.say(word);
            },
          },
        },
        sign,
      );
    return make(
      "li",
      { className: k === this.at ? "chosen" : "", on: { click: () => this.go(k) } },
      make("div", { className: "pair" }),
      make(
        "p",
        {},
        make("b", {}, link.proposed ? "not linked" : percent(link.probability)),
        ` ${cameras[a.camera].id} → ${cameras[b.camera].id}`,
        make("small", {}, link.proposed ? `vehicles ${a.vehicle} and ${b.vehicle}, ${boxes} boxes to win` : stake),
      ),
      make("span", {}, button("same", "✓"), button("different", "✗")),
    );
  }

  async pictures(root, link) {
    if (!root) return;
    for (const number of [link.from, link.to]) {
      const crops = await this.model.cropsOf(this.model.tracklets[number]);
      if (crops.length) root.append(make("img", { src: crops[0].url, alt: "", draggable: false }));
    }
  }

  go(k) {
    const item = this.queue[(k + this.queue.length) % Math.max(this.queue.length, 1)];
    if (!item) return;
    this.at = this.queue.indexOf(item);
    const from = this.model.tracklets[item.link.from];
    this.clock.play(false);
    this.clock.seek((from.start + from.end) / 2);
    set({ vehicle: from.vehicle });
    this.fill();
  }

  async say(word) {
    const item = this.queue[Math.max(this.at, 0)];
    if (!item) return;
    await this.edits.judge(item.link, word);
    this.go(this.at + 1);
  }
}

/** What is worth a look: links that were made, and pairs that look alike but were not linked. */
function queue(model) {
  const made = new Map(model.links.map((link) => [`${link.from}-${link.to}`, link]));
  const looks = model.head.looks.map(([from, to, chance, boxes, isMade]) => {
    const link = isMade ? made.get(`${from}-${to}`) : { from, to, probability: chance, proposed: true, runnerUp: -1 };
    return { link, boxes, gain: chance * boxes };
  });
  return looks.filter(once(({ link }) => (link.proposed ? vehicles(model, link) : link)));
}

/** Either of two vehicles may be proposed as the one that follows the other. */
const vehicles = (model, { from, to }) => [from, to].map((k) => model.tracklets[k].vehicle).sort().join("-");

/** Whether a key comes for the first time. */
function once(keyOf) {
  const seen = new Set();
  return (item) => !seen.has(keyOf(item)) && seen.add(keyOf(item));
}

/** Buttons on the card: what may be said of a vehicle. */
export function corrections(model, edits) {
  const button = (name, title, click) => make("button", { type: "button", title, on: { click } }, name);
  const kind = make(
    "select",
    { title: "It is a …", on: { change: () => edits.kind(kind.value) } },
    make("option", { value: "" }, "kind …"),
    model.labels.map((label) => make("option", { value: label }, label)),
  );
  return make(
    "details",
    { className: "correct" },
    make("summary", {}, edits.waiting ? "Now choose the same vehicle" : "Correct"),
    button("Same as …", "Then choose the other one (m)", () => edits.startSame()),
    button("Split here", "Another vehicle from this moment on (s)", () => edits.split()),
    button("Not a vehicle", "", () => edits.notVehicle()),
    kind,
  );
}
