"""A model on a data set's test: embeds it, applies the data set's protocols, and names the protocol beside each figure.

The model may come from any other data set; query and gallery images are all that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reid.datasets.structures import Dataset, ImageSet
from reid.devices import PrecisionName, choose_precision
from reid.errors import UserError
from reid.evaluation.embed import embed_images
from reid.evaluation.protocols import TrackRule, image_to_image, image_to_track, random_galleries
from reid.evaluation.ranking import (
    WITHIN,
    Embedded,
    Features,
    NoAnswerError,
    RankScores,
    bootstrap,
    first_answers,
)
from reid.evaluation.rerank import Reciprocal, reciprocal

Evaluate = Callable[[torch.nn.Module, Dataset], dict[str, float]]
"""Scores by name, in 0..1, of a network on a data set."""
Embed = Callable[[Sequence[Path]], Features]
"""Unit vectors (N, D) of image files."""

SUBMISSION_LENGTH = 100


@dataclass(frozen=True)
class Figure:
    """One row of the table: how it was measured, over how many queries, and mAP, Top-1, Top-5, Top-10, ... in [0, 1].

    deviations: standard deviation over trials by the same names, empty for a single ranking. intervals: 95 % intervals
    of some of them, over vehicles, empty for trials.
    """

    protocol: str
    queries: int
    values: dict[str, float]
    deviations: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def evaluate_dataset(
    embed: Embed, dataset: Dataset, track_rule: TrackRule = "correct", rerank: Reciprocal | None = None
) -> list[Figure]:
    """The figures that the field reports of a data set.

    VeRi-776: imAP and tmAP; VehicleID: one row per test size, 10 random galleries each; others: imAP. Re-ranking, where
    asked for, applies to images, not to tracks. Raises UserError where the test is empty, unlabelled, or has no right
    answer.
    """
    require_labels(dataset)
    if dataset.pools:
        return list(_pool_figures(embed, dataset, rerank))
    query, gallery = embed_test(embed, dataset)
    figures = [_figure(ranked(dataset.name, query, gallery, rerank), query)]
    if dataset.tracks:
        with _answerable(dataset.name):
            figures.append(_figure(image_to_track(query, gallery, dataset.tracks, track_rule), query))
    return figures


def evaluator(size: tuple[int, int], device: torch.device, precision: PrecisionName) -> Evaluate:
    """How a training scores its network: by the data set's own protocol, embedding (h, w) images on a device."""
    chosen = choose_precision(precision, device)

    def evaluate(model: torch.nn.Module, data: Dataset) -> dict[str, float]:
        first, *others = evaluate_dataset(
            lambda paths: embed_images(model, paths, size, device, precision=chosen), data
        )
        return first.values | {
            f"{each.protocol}: {name}": value for each in others for name, value in each.values.items()
        }

    return evaluate


def embed_test(embed: Embed, dataset: Dataset) -> tuple[Embedded, Embedded]:
    """(query, gallery) with their vectors. Raises UserError where either is empty."""
    for name, images in (("query", dataset.query), ("gallery", dataset.gallery)):
        if not len(images):
            fix = "Give it a test: in a table, rows of split val, or of query and gallery."
            raise UserError(dataset.name, f"{name} images", "none", fix)
    vectors = embed((*dataset.query.paths, *dataset.gallery.paths))
    count = len(dataset.query)
    return _labelled(vectors[:count], dataset.query), _labelled(vectors[count:], dataset.gallery)


def ranked(name: str, query: Embedded, gallery: Embedded, rerank: Reciprocal | None = None) -> RankScores:
    """Image-to-image scores of the data set `name`. Raises UserError where no query has a right answer."""
    with _answerable(name):
        return image_to_image(query, gallery, rerank)


def require_labels(dataset: Dataset) -> None:
    """Raise UserError where the test's vehicle ids are not public."""
    if not (dataset.query.labelled and dataset.gallery.labelled):
        fix = "Write the challenge's answer with --submission FILE, or evaluate on another data set."
        raise UserError(dataset.name, "public labels of the test", "none", fix)


def write_submission(
    path: Path, query: Embedded, gallery: Embedded, images: ImageSet, rerank: Reciprocal | None = None
) -> None:
    """Write the challenge's answer file: per query, in order, the numbers of its first 100 gallery images.

    Raises UserError where image names are not numbers or the file cannot be written.
    """
    names = [image.stem for image in images.paths]
    odd = next((name for name in names if not name.isdecimal()), None)
    if odd is not None:
        raise UserError(
            images.paths[0].parent, "numbers as image names", repr(odd), "Only CityFlow-ReID takes a submission."
        )
    scorer = reciprocal(query, gallery, rerank) if rerank else None
    answers = first_answers(query, gallery, SUBMISSION_LENGTH, scorer)
    try:
        path.write_text("".join(" ".join(str(int(names[i])) for i in row) + "\n" for row in answers))
    except OSError as error:
        raise UserError(path, "a file to write", str(error), "Choose another --submission.") from None


@contextmanager
def _answerable(name: str) -> Iterator[None]:
    try:
        yield
    except NoAnswerError as none_found:
        fix = "Check vehicle and camera ids: an answer is the same vehicle in another camera."
        raise UserError(name, "a query with a right answer", str(none_found), fix) from None


def _labelled(vectors: Features, images: ImageSet) -> Embedded:
    return Embedded(vectors, images.vehicle_ids, images.camera_ids)


def _pool_figures(embed: Embed, dataset: Dataset, rerank: Reciprocal | None) -> Iterator[Figure]:
    paths = sorted({path for pool in dataset.pools.values() for path in pool.paths})
    row_of = {path: row for row, path in enumerate(paths)}
    vectors = embed(paths)
    for size, pool in dataset.pools.items():
        items = _labelled(vectors[[row_of[path] for path in pool.paths]], pool)
        with _answerable(dataset.name):
            scores = random_galleries(items, rerank=rerank)
        spread = {"mAP": scores.mean_ap, "Top-1": scores.rank1, "Top-5": scores.rank5}
        suffix = f", {rerank.name}" if rerank else ""
        yield Figure(
            f"test size {size}, mean of {scores.trials} random galleries{suffix}",
            len(pool) - pool.vehicle_count,
            {name: mean for name, (mean, _) in spread.items()},
            {name: deviation for name, (_, deviation) in spread.items()},
            {},
        )


def _figure(scores: RankScores, query: Embedded) -> Figure:
    values = {"mAP": scores.mean_ap} | {f"Top-{k}": scores.rank(k) for k in (1, 5, 10)}
    values |= {"mINP": scores.mean_inp, f"mAP@{WITHIN}": scores.mean_ap_within}
    first = np.where(np.isfinite(scores.first_rank), scores.first_rank <= 1, np.nan)
    per_query = {"mAP": scores.average_precision, "Top-1": first}
    intervals = {name: bootstrap(each, query.vehicle_ids) for name, each in per_query.items()}
    return Figure(scores.protocol, scores.queries, values, {}, intervals)
