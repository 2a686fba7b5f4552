// Numbers as people read them.

/** Seconds as 0:07.3, 12:40, 1:02:03. */
export function clockText(seconds, decimals = 0) {
  const step = 10 ** decimals;
  const total = Math.round(Math.abs(seconds) * step) / step;
  const hours = Math.floor(total / 3600),
    minutes = Math.floor(total / 60) % 60;
  const rest = (total % 60).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  const head = hours ? `${hours}:${String(minutes).padStart(2, "0")}` : `${minutes}`;
  return `${seconds < 0 ? "−" : ""}${head}:${rest}`;
}

/** Seconds since midnight of a date and time such as 2024-05-01T08:15:00; 0 without one. */
export function secondsOfDay(moment) {
  const [, hours, minutes, seconds] = moment?.match(/T(\d+):(\d+):([\d.]+)/) ?? [0, 0, 0, 0];
  return 3600 * hours + 60 * minutes + Number(seconds);
}

/** A span of time: 8.3 s, 2 min 10 s, 1 h 5 min. */
export function spanText(seconds) {
  const size = Math.abs(seconds),
    whole = Math.round(size),
    minutes = Math.round(size / 60);
  if (size < 9.95) return `${size.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A share as 84%, 99.7%; never quite 100% where doubt is left. */
export function percent(share) {
  if (share > 0.9995 && share < 1) return ">99.9%";
  return `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)}%`;
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Log-likelihood ratio as odds: ×14 likelier, ÷3 less likely. */
export function oddsText(ratio) {
  const odds = Math.exp(Math.abs(ratio));
  const shown = odds > 9999 ? `10${superscript(Math.log10(odds))}` : odds >= 10 ? Math.round(odds) : odds.toFixed(1);
  return Math.abs(ratio) < 0.05 ? "×1" : `${ratio > 0 ? "×" : "÷"}${shown}`;
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (power) => String(Math.round(power)).replace(/\d/g, (digit) => RAISED[digit]);

/** An element with properties and children, in one call. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { data = {}, style = {}, on = {}, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
