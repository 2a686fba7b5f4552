// Health without labels: one light, and the numbers behind it with what they mean.

import { set, state } from "page/state";
import { make } from "page/words";

const WORDS = { good: "Nothing unusual", look: "Worth a look", bad: "Do not trust it yet" };

const BLIND =
  "Told by the run's own numbers, without any truth. They cannot see vehicles that were never detected, tracks that " +
  "go over to another vehicle, nor two look-alikes that changed places.";

export function health(root, light, model) {
  const { light: state_, signs } = model.head.health;
  light.dataset.light = state_;
  light.append(make("span", {}, WORDS[state_]));
  light.title = [
    WORDS[state_],
    ...signs.filter((sign) => sign.state !== "good").map((s) => `${s.name}: ${s.value}`),
  ].join("\n");
  light.addEventListener("click", () => set({ tab: state.tab === "health" ? "vehicles" : "health" }));
  const row = ({ name, value, meaning, state: how }) =>
    make("li", { data: { light: how } }, make("b", {}, name), make("span", {}, value), make("p", {}, meaning));
  const order = ["bad", "look", "good"];
  const sorted = [...signs].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  root.replaceChildren(
    make("h2", {}, WORDS[state_]),
    make("p", { className: "count" }, BLIND),
    make("ul", { className: "signs" }, sorted.map(row)),
    make("p", { className: "count" }, model.head.audit ?? ""),
  );
}
