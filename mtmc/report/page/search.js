// What the search field understands. Every word narrows: "red truck c001>c003 travel<60 p<0.6".
// `mtmc find` takes the same words.
//
//   12                 the vehicle of this id                     c001       seen by this camera
//   red, truck         colour, kind                               c001>c003  seen by these cameras one after the other
//   stay>10            longest stay in one camera, seconds        travel<60  seconds between these, or first to last
//   p<0.6              its least sure link                        cameras>2, boxes>50, speed>40 (km/h)

const COMPARE = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
};

const MEASURES = {
  stay: (vehicle) => Math.max(...vehicle.visits.map((visit) => visit.end - visit.start)),
  travel: (vehicle) => vehicle.end - vehicle.start,
  p: (vehicle) => vehicle.sure,
  cameras: (vehicle) => vehicle.cameras.length,
  boxes: (vehicle) => vehicle.boxes,
  speed: (vehicle) => Math.max(-1, ...vehicle.visits.map((visit) => visit.speed).filter(Number.isFinite)),
};

/** {find: vehicle -> whether it fits, unknown: words that mean nothing}. */
export function parse(query, model) {
  const words = query
    .trim()
    .toLowerCase()
    .replace(/\s*(<=|>=|<|>|=)\s*/g, "$1")
    .split(/[\s,]+/)
    .filter(Boolean);
  const cameras = new Map(model.cameras.map((camera) => [camera.id.toLowerCase(), camera.index]));
  const routes = words.filter((word) => word.includes(">") && word.split(">").every((name) => cameras.has(name)));
  const legs = routes.map((word) => word.split(">").map((name) => cameras.get(name)));
  const tests = [],
    unknown = [];
  for (const word of words) {
    if (routes.includes(word)) continue;
    const test = meaning(word, model, cameras, legs);
    if (test) tests.push(test);
    else unknown.push(word);
  }
  const goes = (vehicle) => legs.every((leg) => trips(vehicle, leg).length > 0);
  return { find: (vehicle) => goes(vehicle) && tests.every((test) => test(vehicle)), unknown };
}

function meaning(word, model, cameras, legs) {
  if (/^\d+$/.test(word) && !cameras.has(word)) return (vehicle) => vehicle.id === Number(word);
  if (cameras.has(word)) return (vehicle) => vehicle.cameras.includes(cameras.get(word));
  if (model.labels.includes(word)) return (vehicle) => vehicle.label === word;
  if (model.head.colours.includes(word)) return (vehicle) => vehicle.colour === word;
  const [, name, sign, number] = word.match(/^([a-z]+)(<=|>=|<|>|=)([\d.]+)$/) ?? [];
  if (!MEASURES[name]) return null;
  const fits = (value) => COMPARE[sign](value, Number(number));
  if (name === "travel" && legs.length) return (vehicle) => legs.every((leg) => trips(vehicle, leg).some(fits));
  return (vehicle) => fits(MEASURES[name](vehicle));
}

/** Seconds from leaving the first camera of a leg to coming into its last one, for every time the vehicle did so. */
function trips(vehicle, leg) {
  return vehicle.visits
    .filter((visit) => visit.camera === leg[0])
    .flatMap((first) => {
      let last = first;
      for (const camera of leg.slice(1)) {
        last = vehicle.visits.find((visit) => visit.camera === camera && visit.start > last.start);
        if (!last) return [];
      }
      return [last.start - first.end];
    });
}
