// What the panels share: the chosen vehicle, the filter, the range of time. Whoever changes it tells everybody.

const listeners = new Map();

export const state = {
  vehicle: null, // id of the chosen vehicle
  hover: null, // id of the vehicle under the pointer
  follow: false,
  focus: null, // index of the camera shown large
  range: null, // [from, to] in seconds, null for all
  found: null, // Set of ids that the search found, null for all
  tab: "vehicles",
};

/** Change some of the state and tell those who listen to what changed. */
export function set(changes) {
  const changed = Object.keys(changes).filter((key) => state[key] !== changes[key]);
  Object.assign(state, changes);
  const told = new Set(changed.flatMap((key) => listeners.get(key) ?? []));
  for (const listener of told) listener();
}

/** Call `listener` whenever one of the keys changes. */
export function on(keys, listener) {
  for (const key of keys) listeners.set(key, [...(listeners.get(key) ?? []), listener]);
}
