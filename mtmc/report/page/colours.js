// The same colours as mtmc/report/colours.py, and those of the cameras.

const LIGHTNESS = [0.62, 0.92, 0.86, 0.74, 0.68];

/** A vehicle's colour, on pictures and in lists alike. */
export function vehicleColour(id, alpha = 1) {
  return `oklch(${LIGHTNESS[id % LIGHTNESS.length]} 0.16 ${(id * 137.508) % 360} / ${alpha})`;
}

/** A camera's colour in the timeline and on the map: even steps around the circle, in two lightnesses. */
export function cameraColour(index, count, alpha = 1) {
  const hue = (30 + (360 * index) / Math.max(count, 1)) % 360;
  return `oklch(${count > 8 && index % 2 ? 0.62 : 0.72} 0.11 ${hue} / ${alpha})`;
}

/** A colour variable of the style sheet, for canvases. */
export const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
