// Two fingers on a panel that zooms.

/** Calls `pinched(factor, x, y, dx, dy)` as two fingers go apart about a place or move; gives whether two are down. */
export function pinch(element, pinched) {
  const fingers = new Map();
  const middle = () => {
    const [a, b] = fingers.values();
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  };
  const put = (event) => fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  element.addEventListener("pointerdown", put);
  element.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = fingers.size === 2 && middle();
    put(event);
    if (!before) return;
    const { x, y, far } = middle();
    pinched(far / before.far, x, y, x - before.x, y - before.y);
  });
  for (const name of ["pointerup", "pointercancel"])
    element.addEventListener(name, (event) => fingers.delete(event.pointerId));
  return () => fingers.size > 1;
}
