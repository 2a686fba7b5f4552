// Health without labels: one light, and the numbers behind it with what they mean.

import { set, state } from "page/state";
import { make } from "page/words";

const WORDS = { good: "nothing unusual", look: "worth a look", bad: "do not trust it yet" };

export function health(root, light, model) {
  const { light: state_, signs } = model.head.health;
  light.dataset.light = state_;
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
    make("p", { className: "count" }, "Told by the run's own numbers, without any truth."),
    make("ul", { className: "signs" }, sorted.map(row)),
    make("p", { className: "count" }, model.head.audit ?? ""),
  );
}
