// Lists by keyboard: Tab reaches one row of each, arrows go on from it, Enter does what a click does.

/** Make the rows of a panel's lists reachable; gives a function that fills the panel again and keeps the place in it. */
export function reachable(panel, selector) {
  const beside = (row) => [...row.parentElement.children];
  const reach = (row) => {
    for (const other of beside(row)) other.tabIndex = other === row ? 0 : -1;
  };
  panel.addEventListener("focusin", ({ target }) => target.matches(selector) && reach(target));
  panel.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!target.matches(selector)) return;
    const rows = beside(target),
      at = rows.indexOf(target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key];
    if (to === undefined && key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (to === undefined) target.click();
    else rows[Math.max(0, Math.min(to, rows.length - 1))].focus();
  });
  return (fill) => {
    const inside = panel.contains(document.activeElement);
    fill();
    for (const row of panel.querySelectorAll(selector)) if (row === row.parentElement.firstElementChild) reach(row);
    const chosen = panel.querySelector(".chosen") ?? panel.querySelector(selector);
    if (chosen) reach(chosen);
    if (inside) chosen?.focus({ preventScroll: true });
  };
}
