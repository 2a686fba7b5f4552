// The page: panels put together, keys, and the address that remembers where one was.

import { Card } from "page/card";
import { Clock } from "page/clock";
import { Edits } from "page/edits";
import { health } from "page/health";
import { List } from "page/list";
import { loadModel } from "page/model";
import { MapPanel } from "page/map";
import { Mosaic } from "page/mosaic";
import { Review } from "page/review";
import { parse } from "page/search";
import { on, set, state } from "page/state";
import { Timeline } from "page/timeline";
import { TrafficPanel } from "page/traffic";
import { TruthPanel } from "page/truth";
import { plural, spanText } from "page/words";

const $ = (selector) => document.querySelector(selector);
const RATES = [0.1, 0.25, 0.5, 1, 2, 4, 8];
const WIDEST_NAME = 14; // letters of a camera's name in lists

const model = await loadModel();
const clock = new Clock(model.start, model.end);
const mosaic = new Mosaic($("#mosaic"), model, clock);
const timeline = new Timeline($("#timeline canvas"), $("#timeline .tip"), model, clock);
const list = new List($("#vehicles"), model, clock);
const edits = new Edits(model, clock);
const card = new Card($("#vehicle"), model, clock, edits);
const review = new Review($("#review"), model, clock, edits);
const map = new MapPanel($("#map"), model, clock);
const truth = TruthPanel.available(model) ? new TruthPanel($("#truth"), model, clock, mosaic) : null;
$("[data-tab=truth]").hidden = !truth;
const traffic = TrafficPanel.available(model) ? new TrafficPanel($("#traffic"), model, mosaic) : null;
$("[data-tab=traffic]").hidden = !traffic;

// --- head ------------------------------------------------------------------------------------------------

const several = model.vehicles.filter((vehicle) => vehicle.cameras.length > 1).length;
health($("#health"), $("#light"), model);
$("#scene").textContent = $("#scene").title = model.head.scene;
const longest = Math.max(...model.cameras.map((camera) => camera.id.length));
document.documentElement.style.setProperty("--name", `${Math.min(longest, WIDEST_NAME) + 1}ch`);
$("#numbers").textContent = [
  plural(model.vehicles.length, "vehicle"),
  `${several} in several cameras`,
  plural(model.cameras.length, "camera"),
  spanText(model.end - model.start),
].join(" · ");

if (model.head.hide !== "nothing") {
  $("#private").hidden = false;
  $("#private").title = model.head.audit;
  $("#private").addEventListener("click", () => set({ tab: "health" }));
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("mtmc-theme", name);
  } catch {
    // a browser that keeps nothing still shows the page
  }
  clock.tell();
}
const dark = () => document.documentElement.dataset.theme === "dark";
$("#theme").addEventListener("click", () => theme(dark() ? "light" : "dark"));

// --- transport -------------------------------------------------------------------------------------------

function step(frames) {
  const tile = mosaic.tiles[state.focus ?? 0],
    camera = model.cameras[state.focus ?? 0];
  clock.play(false);
  if (!tile.boxes) return clock.seek(clock.time + frames / camera.fps);
  clock.seek(tile.boxes.timeOf(tile.boxes.frameAt(clock.time) + frames) + 1e-4);
}

function rate(by) {
  const at = RATES.indexOf(clock.rate) + by;
  clock.rate = RATES[Math.max(0, Math.min(RATES.length - 1, at))];
  clock.tell();
}

/** The next moment before or after now at which the chosen vehicle (or any) comes into a camera. */
function jump(direction) {
  const vehicles = state.vehicle === null ? timeline.lanes : [model.byId.get(state.vehicle)];
  const times = vehicles.flatMap((vehicle) => vehicle.visits.map((visit) => visit.start)).sort((a, b) => a - b);
  const found =
    direction > 0 ? times.find((t) => t > clock.time + 0.05) : times.findLast((t) => t < clock.time - 0.05);
  if (found !== undefined) clock.seek(found + 1e-3);
}

function follow() {
  if (state.vehicle === null) set({ vehicle: timeline.lanes[0]?.id ?? null });
  set({ follow: !state.follow, focus: state.follow ? null : state.focus });
  const vehicle = model.byId.get(state.vehicle);
  const outside = vehicle && !vehicle.visits.some((visit) => visit.start <= clock.time && clock.time <= visit.end);
  if (state.follow && outside) clock.seek(vehicle.start);
}
card.onFollow = follow;

const buttons = {
  "#play": () => clock.play(),
  "#back": () => step(-1),
  "#forward": () => step(1),
  "#slower": () => rate(-1),
  "#faster": () => rate(1),
  "#follow": follow,
  "#all": () => set({ focus: null, follow: false }),
  "#in": () => timeline.zoom(0.5),
  "#out": () => timeline.zoom(2),
  "#fit": () => timeline.reset({ offsetY: 1e9 }),
};
for (const [selector, act] of Object.entries(buttons)) $(selector).addEventListener("click", act);

clock.on(() => {
  $("#time").textContent = model.when(clock.time, 2);
  $("#play").textContent = clock.playing ? "❚❚" : "▶";
  $("#play").title = clock.playing ? "Pause (space)" : "Play (space)";
  $("#rate").textContent = `${clock.rate}×`;
  if (clock.playing && state.range && clock.time > state.range[1]) clock.seek(state.range[0]);
});
on(["follow", "focus"], () => {
  $("#follow").classList.toggle("on", state.follow);
  $("#all").hidden = state.focus === null;
});

// --- tabs, search ----------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("#tabs button")].filter((tab) => !tab.hidden);
function showTab() {
  for (const tab of tabs) {
    tab.ariaSelected = String(tab.dataset.tab === state.tab);
    tab.tabIndex = tab.dataset.tab === state.tab ? 0 : -1;
  }
  for (const panel of document.querySelectorAll(".panel")) panel.hidden = panel.id !== state.tab;
}
for (const tab of tabs) tab.addEventListener("click", () => set({ tab: tab.dataset.tab }));
$("#tabs").addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.stopPropagation();
  const next = tabs.at((tabs.indexOf(event.target) + by) % tabs.length);
  set({ tab: next.dataset.tab });
  next.focus();
});
on(["tab"], showTab);

/** Narrow to what the field and the range ask for. */
function find() {
  const query = $("#query").value;
  const { find: fits, unknown } = parse(query, model);
  $("#query").classList.toggle("unknown", unknown.length > 0);
  $("#query").title = unknown.length ? `No meaning: ${unknown.join(", ")}` : "";
  const [from, to] = state.range ?? [-Infinity, Infinity];
  const seen = (vehicle) => vehicle.visits.some((visit) => visit.start <= to && visit.end >= from);
  const all = !query.trim() && !state.range;
  list.scores = null;
  set({ found: all ? null : new Set(model.vehicles.filter((v) => seen(v) && fits(v)).map((v) => v.id)) });
}
$("#query").addEventListener("input", () => {
  find();
  set({ tab: "vehicles" });
});
$("#query").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && list.found.length) list.choose(list.found[0]);
  if (event.key === "Enter" || event.key === "Escape") event.target.blur();
});
on(["range"], find);

/** Sort all vehicles by how much they look like a tracklet. */
async function likeThis(tracklet) {
  const cosines = await model.alike(tracklet);
  if (!cosines) return;
  const best = new Map();
  model.tracklets.forEach(({ vehicle, number }) =>
    best.set(vehicle, Math.max(best.get(vehicle) ?? -1, cosines[number])),
  );
  list.scores = best;
  list.fill();
  set({ tab: "vehicles" });
}
card.onLike = likeThis;

const showFlow = (from, to) => {
  $("#query").value = `${from}>${to}`;
  find();
};
map.onFlow = showFlow;
if (traffic) traffic.onFlow = showFlow;

// --- keys ------------------------------------------------------------------------------------------------

function neighbour(by) {
  const { lanes } = timeline,
    at = lanes.findIndex((vehicle) => vehicle.id === state.vehicle);
  if (lanes.length) list.choose(lanes[at < 0 ? 0 : (at + by + lanes.length) % lanes.length]);
}

function letGo() {
  $("#query").value = "";
  set({ vehicle: null, follow: false, focus: null, range: null, tab: "vehicles" });
  find();
}

const keys = {
  " ": () => clock.play(),
  k: () => clock.play(),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  j: () => clock.seek(clock.time - 5),
  l: () => clock.seek(clock.time + 5),
  Home: () => clock.seek(clock.start),
  End: () => clock.seek(clock.end),
  "<": () => rate(-1),
  ">": () => rate(1),
  PageDown: () => jump(1),
  PageUp: () => jump(-1),
  n: () => jump(1),
  b: () => jump(-1),
  ".": () => neighbour(1),
  ",": () => neighbour(-1),
  ArrowDown: () => neighbour(1),
  ArrowUp: () => neighbour(-1),
  f: follow,
  "+": () => timeline.zoom(0.5),
  "=": () => timeline.zoom(0.5),
  "-": () => timeline.zoom(2),
  0: () => set({ focus: null, follow: false }),
  "[": () => set({ range: [clock.time, Math.max(state.range?.[1] ?? model.end, clock.time)] }),
  "]": () => set({ range: [Math.min(state.range?.[0] ?? model.start, clock.time), clock.time] }),
  y: () => state.tab === "review" && review.say("same"),
  x: () => state.tab === "review" && review.say("different"),
  u: () => edits.undo(),
  a: () => card.gaze(),
  m: () => edits.startSame(),
  s: () => edits.split(),
  v: () => set({ tab: "vehicles" }),
  c: () => set({ tab: "vehicle" }),
  g: () => (state.tab === "map" ? map.turn() : set({ tab: "map" })),
  h: () => set({ tab: "health" }),
  t: () => traffic && (state.tab === "traffic" ? traffic.turn() : set({ tab: "traffic" })),
  r: () => set({ tab: "review" }),
  e: () => truth?.step(1),
  E: () => truth?.step(-1),
  d: () => theme(dark() ? "light" : "dark"),
  "/": () => $("#query").focus(),
  "?": () => $("#help").showModal(),
  Escape: letGo,
};
addEventListener("keydown", (event) => {
  const { target, key } = event;
  const pressing = key === " " && target.matches("button:focus-visible, summary:focus-visible");
  if (pressing || target.matches("input, textarea, select") || $("#help").open) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act =
    keys[event.key] ??
    (/^[1-9]$/.test(event.key) && model.cameras[event.key - 1] && (() => set({ focus: event.key - 1 })));
  if (!act) return;
  event.preventDefault();
  act();
});
$("#ask").addEventListener("click", () => $("#help").showModal());

// --- where one was ---------------------------------------------------------------------------------------

const place = new URLSearchParams(location.hash.slice(1));
function remember() {
  const parts = [`t=${clock.time.toFixed(2)}`];
  if (state.vehicle !== null) parts.push(`v=${state.vehicle}`);
  if (state.focus !== null) parts.push(`c=${model.cameras[state.focus].id}`);
  history.replaceState(null, "", `#${parts.join("&")}`);
}
on(["vehicle", "focus"], remember);
clock.on(() => clock.playing || remember());

/** The moment at which most vehicles that several cameras know are in sight: a page opens on something to see. */
function telling() {
  const { count, step: width } = timeline.crowd;
  return model.start + (count.indexOf(Math.max(...count)) + 0.5) * width;
}

const focus = model.cameras.findIndex((camera) => camera.id === place.get("c"));
set({
  vehicle: model.byId.has(Number(place.get("v"))) ? Number(place.get("v")) : null,
  focus: focus < 0 ? null : focus,
});
showTab();
clock.seek(place.has("t") ? Number(place.get("t")) : telling());
timeline.measure();
timeline.openAt(clock.time);
timeline.reveal();
timeline.draw();
document.documentElement.classList.add("ready");
window.mtmc = { edits, review, map, truth, find, parse, likeThis, model, clock, mosaic, timeline, list, state, set };
