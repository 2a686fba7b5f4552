// All cameras side by side on one clock; one shown large when asked for; only visible tiles decode.

import { on, set, state } from "page/state";
import { Tile } from "page/tile";

const GAP_PX = 6;
const STRIP_PX = 72; // the other cameras below the large one
const LEAST_PX = 210; // in smaller tiles nobody sees a car: scroll instead
const FEW = 9; // cameras that are seen at once
const JUMP_GAP_S = 2; // following a vehicle, longer absences are skipped

export class Mosaic {
  constructor(root, model, clock) {
    Object.assign(this, { root, model, clock });
    this.tiles = model.cameras.map((camera) => new Tile(model, camera, clock));
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries)
          this.tiles.find((tile) => tile.element === entry.target).show(entry.isIntersecting);
      },
      { root },
    );
    for (const tile of this.tiles) {
      tile.onPick = (id) =>
        set({ vehicle: id === state.vehicle ? null : id, tab: id === null ? state.tab : "vehicle" });
      tile.onHover = (id) => set({ hover: id });
      tile.onFocus = (index) => set({ focus: state.focus === index ? null : index, follow: false });
      root.append(tile.element);
      watcher.observe(tile.element);
    }
    new ResizeObserver(() => this.layOut()).observe(root);
    on(["focus"], () => this.layOut());
    on(["vehicle", "hover", "found"], () => this.tiles.forEach((tile) => tile.draw()));
    on(["vehicle", "follow"], () => this.followNow());
    if (model.cameras.length > FEW) on(["vehicle"], () => this.bringForward());
    clock.on(() => this.tick());
    this.layOut();
  }

  /** Of many cameras those that see the chosen vehicle come first, in the order of its way. */
  bringForward() {
    const way = this.model.byId.get(state.vehicle)?.cameras ?? [];
    for (const { element, camera } of this.tiles) {
      const place = way.indexOf(camera.index);
      element.style.order = place < 0 ? "" : place - way.length;
    }
    if (way.length) this.root.scrollTop = 0;
  }

  tick() {
    this.followNow();
    for (const tile of this.tiles) tile.sync();
    this.beside?.sync();
  }

  /** Another view of the camera in focus beside it, none for null. */
  stand(tile) {
    this.beside?.show(false);
    this.beside?.element.remove();
    this.beside = tile;
    this.root.classList.toggle("beside", tile !== null);
    if (tile) {
      tile.onFocus = () => set({ focus: null });
      this.root.append(tile.element);
    }
    this.layOut();
    tile?.show(true);
  }

  /** Columns that show the cameras largest; in focus, one large with the others in a strip below. */
  layOut() {
    const { paddingLeft: edge } = getComputedStyle(this.root);
    const width = this.root.clientWidth - 2 * parseFloat(edge),
      height = this.root.clientHeight - 2 * parseFloat(edge);
    const focus = state.focus;
    this.root.classList.toggle("focused", focus !== null);
    this.tiles.forEach((tile, index) => tile.element.classList.toggle("focus", index === focus));
    if (width <= 0) return;
    const aspect = Math.max(...this.model.cameras.map((camera) => camera.width / camera.height));
    let best = 1,
      size = 0;
    const count = this.tiles.length;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const wide = Math.min(
        (width - GAP_PX * (columns - 1)) / columns,
        ((height - GAP_PX * (rows - 1)) / rows) * aspect,
      );
      if (wide > size) [best, size] = [columns, wide];
    }
    const least = width < 560 ? (width - GAP_PX) / (count > 2 ? 2 : 1) : LEAST_PX;
    if (size < least) best = Math.max(1, Math.floor((width + GAP_PX) / (least + GAP_PX)));
    size = Math.max(size, Math.min(least, width));
    const cell = Math.min(size, (width - GAP_PX * (best - 1)) / best);
    this.root.style.setProperty("--columns", best);
    this.root.style.setProperty("--cell", `${Math.floor(cell)}px`);
    const room = this.beside && width > 560 ? (width - GAP_PX) / 2 : width,
      high = height - STRIP_PX - GAP_PX;
    this.root.style.setProperty("--focus", `${Math.floor(Math.min(room, high * aspect))}px`);
  }

  /** In follow mode the camera that sees the chosen vehicle is the large one; long absences are jumped over. */
  followNow() {
    const vehicle = this.model.byId.get(state.vehicle);
    if (!state.follow || !vehicle) return;
    const now = this.clock.time;
    const here = vehicle.visits.filter((visit) => visit.start <= now && now <= visit.end);
    if (here.length) {
      const same = here.find((visit) => visit.camera === state.focus);
      const latest = here.reduce((a, b) => (b.start > a.start ? b : a));
      const leaving = same && latest !== same && same.end - now < 0.6;
      if (!same || leaving) set({ focus: latest.camera });
      return;
    }
    const next = vehicle.visits.find((visit) => visit.start > now);
    if (next && this.clock.playing && next.start - now > JUMP_GAP_S) this.clock.seek(next.start - 0.5);
    else if (next && next.start - now < 0.5) set({ focus: next.camera });
  }

  /** How far apart the visible videos are: seconds between the clock and the frames on the screen. */
  spread() {
    const offs = this.tiles
      .filter((tile) => tile.visible && tile.boxes && tile.loaded && !tile.element.classList.contains("away"))
      .map((tile) => tile.video.currentTime + tile.camera.start - this.clock.time);
    return offs.length ? { spread: Math.max(...offs) - Math.min(...offs), off: offs } : { spread: 0, off: [] };
  }
}
