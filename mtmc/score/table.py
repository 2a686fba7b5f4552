"""Scores for people: rich tables."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich.table import Table
from rich.text import Text

from mtmc.score.loss import CAUSES
from mtmc.score.scores import Metrics, Scores

COLUMNS = {"IDF1": "idf1", "IDP": "idp", "IDR": "idr", "HOTA": "hota", "MOTA": "mota"}
MORE = {"MOTP": "motp", "DetA": "deta", "AssA": "assa", "LocA": "loca"}
MOST_CAUSES = 5
"""Columns of the vehicles' table, so that it fits 80 columns."""
FILTER_NAMES = {
    "roi": "outside the mask",
    "single_camera": "seen by one camera only",
    "duplicate": "repeated",
    "other_camera": "in cameras without ground truth",
}
ORACLE_NAMES = {
    "links": "links",
    "tracklets": "tracklets",
    "tracklets_links": "tracklets and links",
    "boxes": "boxes",
    "boxes_tracklets": "boxes and tracklets",
    "boxes_retracked": "boxes, tracked anew, and links",
    "tracklets_relinked": "tracklets, linked anew",
}
MOST_VEHICLES = 20


def renderables(scores: Scores, explain: bool = False, everything: bool = False) -> Iterator[Table | Text]:
    """The parts of the report, in order; they fit 80 columns, but for ``everything``, which has all metrics."""
    yield metrics_table(scores, everything)
    yield Text(_filter_line(scores))
    if scores.pairs:
        yield pairs_table(scores)
        links = scores.links
        yield Text(
            f"links between tracklets: {links.right} right, {links.wrong} wrong, {links.missed} missed; "
            f"precision {links.precision:.4f}, recall {links.recall:.4f}, F1 {links.f1:.4f}"
        )
    if explain:
        yield loss_table(scores)
        if scores.loss.boxes.any():
            yield vehicles_table(scores)
    if scores.oracle:
        yield oracle_table(scores)


def metrics_table(scores: Scores, everything: bool = False) -> Table:
    """One row for the scene, one per camera."""
    table = Table(title=f"{scores.vehicles} true vehicles, {scores.truth_boxes} boxes in {len(scores.cameras)} cameras")
    table.add_column("", overflow="fold")
    more = (*MORE, "frag.", "MT/PT/ML") if everything else ()
    for heading in (*COLUMNS, "switches", *more):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = {"scene": scores, **scores.cameras}
    for name, metrics in rows.items():
        scene = name == "scene"
        table.add_row(name, *_cells(metrics, everything), style="bold" if scene else None, end_section=scene)
    return table


def _cells(metrics: Metrics, everything: bool) -> list[str]:
    cells = [*(_number(getattr(metrics, key)) for key in COLUMNS.values()), str(metrics.switches)]
    if not everything:
        return cells
    tracked = f"{metrics.mt}/{metrics.pt}/{metrics.ml}"
    more = [_number(getattr(metrics, key)) for key in MORE.values()]
    return [*cells, *more, str(metrics.fragmentations), tracked]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _filter_line(scores: Scores) -> str:
    parts = []
    for name, count in scores.filters.items():
        if count is None:
            parts.append(f"rows {FILTER_NAMES[name]} not looked for")
        elif count or name != "other_camera":
            parts.append(f"{count} rows {FILTER_NAMES[name]}")
    error = f"; ground error {scores.ground_error_m:.2f} m" if not math.isnan(scores.ground_error_m) else ""
    scored = f"{scores.predicted_boxes} boxes of {scores.predicted_vehicles} vehicles{error}"
    return f"dropped before scoring: {', '.join(parts)}; scored: {scored}"


def pairs_table(scores: Scores) -> Table:
    """One row per pair of cameras."""
    table = Table(title="camera pairs")
    for heading in ("cameras", "vehicles in both", "right", "missed", "wrong links"):
        table.add_column(heading, justify="left" if heading == "cameras" else "right")
    for pair in scores.pairs:
        table.add_row(" - ".join(pair.cameras), *map(str, (pair.vehicles, pair.right, pair.missed, pair.wrong)))
    return table


def loss_table(scores: Scores) -> Table:
    """Where 1 - IDF1 went."""
    table = Table(title=f"where {1 - scores.idf1:.4f} of IDF1 went", show_footer=True)
    boxes = scores.loss.boxes
    table.add_column("cause", "1 - IDF1")
    table.add_column("lost boxes", str(int(boxes.sum())), justify="right")
    table.add_column("IDF1", f"{sum(scores.loss.shares.values()):.4f}", justify="right")
    for number, (cause, share) in enumerate(scores.loss.shares.items()):
        table.add_row(cause.replace("_", " "), str(boxes[number]), f"{share:.4f}")
    return table


def vehicles_table(scores: Scores) -> Table:
    """The vehicles that cost the most, with the causes that cost the most."""
    loss = scores.loss
    ranked = sorted(((name, boxes) for name, boxes in loss.vehicles.items() if boxes.any()), key=lambda x: -x[1].sum())
    title = "vehicles that cost the most" if len(ranked) > MOST_VEHICLES else "what each vehicle cost"
    table = Table(title=f"{title} (IDF1)")
    costly = [n for n in np.argsort(-loss.boxes, kind="stable")[:MOST_CAUSES] if loss.boxes[n]]
    for heading in ("vehicle", "total", *(CAUSES[number].replace("_", " ") for number in costly)):
        table.add_column(heading, justify="right", min_width=7 if heading == "vehicle" else 6)
    for name, boxes in ranked[:MOST_VEHICLES]:
        shares = [f"{boxes[number] / loss.total:.4f}" if boxes[number] else "" for number in costly]
        table.add_row("none" if name is None else str(name), f"{boxes.sum() / loss.total:.4f}", *shares)
    return table


def oracle_table(scores: Scores) -> Table:
    """Ceilings: IDF1 if stages were perfect."""
    table = Table(title="ceilings")
    table.add_column("if these were true")
    table.add_column("IDF1", justify="right")
    table.add_column("gain", justify="right")
    table.add_row("nothing (as scored)", f"{scores.idf1:.4f}", "", end_section=True)
    for name, ceiling in scores.oracle.items():
        table.add_row(ORACLE_NAMES[name], f"{ceiling.idf1:.4f}", f"{ceiling.gain:+.4f}")
    return table


def differences_table(found: dict[str, dict[str, tuple[float, float]]]) -> Table:
    """Where two engines disagree."""
    table = Table(title="the engines disagree")
    for heading in ("scope", "metric", "mtmc", "motmetrics"):
        table.add_column(heading)
    for scope, metrics in found.items():
        for name, (ours, theirs) in metrics.items():
            table.add_row(scope, name, repr(ours), repr(theirs))
    return table
