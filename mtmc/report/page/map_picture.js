// How the map looks: footprints, flows, cameras, and every vehicle where it is now.

import { cameraColour, themed, vehicleColour } from "page/colours";
import { state } from "page/state";

export const NODE_PX = 15;
const TRAIL_S = 3;
const MOST_LETTERS = 14; // of a camera's name
const SCALES_M = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

export function drawMap(map) {
  const { canvas } = map,
    { clientWidth: width, clientHeight: height } = canvas,
    ratio = devicePixelRatio;
  if (!width || state.tab !== "map") return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext("2d");
  map.colours = Object.fromEntries(
    ["line", "text", "dim", "panel", "lift", "font"].map((name) => [name, themed(name)]),
  );
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.strokeStyle = map.colours.dim;
  g.lineWidth = 1;
  for (const points of map.layer) line(map, g, points);
  map.dots = [];
  if (map.ground) drawGround(map, g);
  arrows(map, g);
  nodes(map, g);
  if (map.ground) scaleBar(map, g, height);
  if (map.ground) vehiclesOnGround(map, g);
  else vehiclesInGraph(map, g);
}

function line(map, g, points, close = false) {
  g.beginPath();
  points.forEach((point, k) => g[k ? "lineTo" : "moveTo"](...map.place(point)));
  if (close) g.closePath();
  g.stroke();
}

function drawGround(map, g) {
  const { cameras } = map.model;
  cameras.forEach(({ footprint }, k) => {
    if (!footprint) return;
    g.fillStyle = cameraColour(k, cameras.length, 0.13);
    g.strokeStyle = cameraColour(k, cameras.length, state.focus === k ? 1 : 0.45);
    g.lineWidth = state.focus === k ? 2 : 1;
    line(map, g, footprint, true);
    g.fill();
  });
}

function arrows(map, g) {
  const { flows } = map.model.head,
    { centre } = map.world(),
    { cameras } = map.model;
  const index = new Map(cameras.map((camera) => [camera.id, camera.index]));
  const most = Math.max(1, ...flows.map((flow) => flow.vehicles));
  for (const { from, to, vehicles } of flows) {
    const a = centre[index.get(from)],
      b = centre[index.get(to)];
    if (a && b)
      arrow(
        g,
        map.place(a),
        map.place(b),
        0.7 + 4 * (vehicles / most),
        map.ground ? map.colours.line : map.colours.dim,
      );
  }
}

/** Names of cameras where there is room for them, else dots; the one in focus has its name always. */
function nodes(map, g) {
  const { cameras } = map.model,
    placed = [];
  const order = map.world().centre.map((centre, k) => k).filter((k) => map.world().centre[k]);
  order.sort((a, b) => (b === state.focus) - (a === state.focus));
  g.font = `650 11px ${map.colours.font}`;
  g.textBaseline = "middle";
  g.textAlign = "center";
  for (const k of order) {
    const { id } = cameras[k],
      name = id.length > MOST_LETTERS ? `${id.slice(0, MOST_LETTERS - 1)}…` : id;
    const wide = g.measureText(name).width + 12,
      [at, y] = map.place(map.world().centre[k]);
    const inside = at > 0 && at < map.canvas.clientWidth;
    const x = inside ? Math.max(wide / 2 + 3, Math.min(at, map.canvas.clientWidth - wide / 2 - 3)) : at;
    const named = placed.every(([px, py, pw]) => Math.abs(px - x) > (pw + wide) / 2 || Math.abs(py - y) > 19);
    if (named) placed.push([x, y, wide]);
    g.fillStyle = cameraColour(k, cameras.length);
    g.beginPath();
    if (named) g.roundRect(x - wide / 2, y - 9, wide, 18, 9);
    else g.arc(x, y, 5, 0, 7);
    g.fill();
    if (state.focus === k) {
      g.strokeStyle = map.colours.text;
      g.lineWidth = 2;
      g.stroke();
    }
    g.fillStyle = "oklch(0.2 0.03 260)";
    if (named) g.fillText(name, x, y + 0.5);
  }
  g.textAlign = "left";
}

/** Where every vehicle stands now, with the last seconds of its path; the chosen one's whole way. */
function vehiclesOnGround(map, g) {
  for (const [index, boxes] of map.loaded()) {
    if (!boxes.east) continue;
    const place = (row) => map.place([boxes.east[row] / 10, boxes.north[row] / 10]);
    const path = (rows) => {
      g.beginPath();
      rows.forEach((row, k) => g[k ? "lineTo" : "moveTo"](...place(row)));
      g.stroke();
    };
    boxes.tracklets.forEach((tracklet, k) => {
      if (tracklet.vehicle !== state.vehicle) return;
      g.strokeStyle = vehicleColour(tracklet.vehicle, 0.9);
      g.lineWidth = 2.5;
      path(Array.from({ length: tracklet.boxes }, (_, j) => boxes.first[k] + j));
    });
    const now = map.clock.time;
    if (now < map.model.cameras[index].start) continue;
    for (const row of boxes.rowsAt(boxes.frameAt(now))) {
      const tracklet = boxes.tracklets[boxes.owner[row]];
      let first = row;
      while (first > boxes.first[boxes.owner[row]] && boxes.timeOf(boxes.frame[first - 1]) > now - TRAIL_S) first--;
      g.strokeStyle = vehicleColour(tracklet.vehicle, 0.5);
      g.lineWidth = 1.5;
      path(Array.from({ length: row - first + 1 }, (_, j) => first + j));
      dot(map, g, place(row), tracklet.vehicle);
    }
  }
}

/** Vehicles in a camera around its name, those under way on the arrow, as far as their time has gone. */
function vehiclesInGraph(map, g) {
  const now = map.clock.time,
    { centre } = map.world(),
    inside = centre.map(() => 0);
  for (const vehicle of map.model.vehicles) {
    if (vehicle.start > now || vehicle.end < now) continue;
    const here = vehicle.visits.findLast((visit) => visit.start <= now && now <= visit.end);
    if (here) {
      const turn = inside[here.camera]++ * 0.62,
        far = NODE_PX + 11 + turn * 0.9;
      const [x, y] = map.place(centre[here.camera]);
      dot(map, g, [x + Math.cos(turn) * far * 1.3, y + Math.sin(turn) * far], vehicle.id);
      continue;
    }
    const before = vehicle.visits.findLast((visit) => visit.end < now),
      after = vehicle.visits.find((visit) => visit.start > now);
    if (!before || !after) continue;
    const share = (now - before.end) / (after.start - before.end);
    const a = map.place(centre[before.camera]),
      b = map.place(centre[after.camera]);
    dot(map, g, bend(a, b, share), vehicle.id);
  }
}

function dot(map, g, at, id) {
  const vehicle = map.model.byId.get(id),
    chosen = id === state.vehicle || id === state.hover;
  const shown = (state.vehicle === null || id === state.vehicle) && (!state.found || state.found.has(id));
  g.globalAlpha = shown || chosen ? 1 : 0.25;
  g.fillStyle = vehicleColour(id);
  g.strokeStyle = map.colours.panel;
  g.lineWidth = 1.5;
  g.beginPath();
  g.arc(...at, chosen ? 7 : 4, 0, 7);
  g.fill();
  g.stroke();
  g.globalAlpha = 1;
  map.dots.push({ at, vehicle });
}

/** A place on the bent way from a to b. */
function bend([ax, ay], [bx, by], share) {
  const [cx, cy] = [(ax + bx) / 2 + (by - ay) * 0.12, (ay + by) / 2 - (bx - ax) * 0.12],
    rest = 1 - share;
  return [
    rest * rest * ax + 2 * rest * share * cx + share * share * bx,
    rest * rest * ay + 2 * rest * share * cy + share * share * by,
  ];
}

function arrow(g, a, b, width, colour) {
  if (Math.hypot(b[0] - a[0], b[1] - a[1]) < 3 * NODE_PX) return;
  const far = Math.hypot(b[0] - a[0], b[1] - a[1]),
    cut = (NODE_PX + 4) / far;
  const start = bend(a, b, cut),
    end = bend(a, b, 1 - cut),
    control = [(a[0] + b[0]) / 2 + (b[1] - a[1]) * 0.12, (a[1] + b[1]) / 2 - (b[0] - a[0]) * 0.12];
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = width;
  g.beginPath();
  g.moveTo(...start);
  g.quadraticCurveTo(...control, ...end);
  g.stroke();
  const way = Math.atan2(end[1] - control[1], end[0] - control[0]),
    size = 5 + 1.4 * width;
  g.beginPath();
  g.moveTo(end[0] + size * Math.cos(way), end[1] + size * Math.sin(way));
  for (const turn of [2.5, -2.5])
    g.lineTo(end[0] + size * Math.cos(way + turn), end[1] + size * Math.sin(way + turn));
  g.fill();
}

function scaleBar(map, g, height) {
  const [a] = map.place([0, 0]),
    [b] = map.place([1, 0]);
  const metres = SCALES_M.find((m) => m * (b - a) > 50) ?? 10_000,
    wide = metres * (b - a);
  g.fillStyle = g.strokeStyle = map.colours.dim;
  g.lineWidth = 1.5;
  g.beginPath();
  g.moveTo(12, height - 16);
  g.lineTo(12, height - 12);
  g.lineTo(12 + wide, height - 12);
  g.lineTo(12 + wide, height - 16);
  g.stroke();
  g.font = `11px ${map.colours.font}`;
  g.textBaseline = "bottom";
  g.fillText(metres < 1000 ? `${metres} m` : `${metres / 1000} km`, 16, height - 14);
}
