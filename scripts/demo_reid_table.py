"""The tables that the packaged embedder learns from: crops of the synthetic city and, where they are given, real ones.

They list images under their full paths for `reid train --dataset csv`. Real vehicles have two images each: they are
listed several times, and are half of the first two tables, less of the others, where renderings count for more. The
first and the third keep a hundred real vehicles back (split val) to choose the recipe by; the others learn from all.
With --motorcycles synthetic.csv has no real vehicle to learn from: all of them are its split val.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reid.data.images import find_images

COLUMNS = ("path", "vehicle_id", "camera_id", "split")
Row = tuple[str, int, int, str]
SYNTHETIC_IDS, SYNTHETIC_CAMERAS = 100_000, 100
"""Added to a synthetic set's numbers, so that they meet no real vehicle's; twice to a second set's."""
HELD_OUT = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synthetic", type=Path, help="folder that `mtmc synth --reid` made")
    parser.add_argument("out", type=Path, help="folder for first.csv to fifth.csv")
    parser.add_argument("--motorcycles", type=Path, help="another such folder, with motorcycles")
    parser.add_argument("--real", type=Path, help="folder of an index.csv with split train")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    real = list(read_real(args.real)) if args.real else []
    held = set(rng.permutation(sorted({vehicle for _, vehicle, _, _ in real}))[:HELD_OUT].tolist())
    args.out.mkdir(parents=True, exist_ok=True)
    held_out = [(path, vehicle, camera, "val") for path, vehicle, camera, _ in real if vehicle in held]
    rest = [row for row in real if row[1] not in held]
    rendered = list(synthetic(args.synthetic, 8, rng))
    write(args.out / "first.csv", [*held_out, *rest * 10, *rendered])
    write(args.out / "second.csv", [*real * 6, *synthetic(args.synthetic, 4, rng)])
    write(args.out / "third.csv", [*held_out, *rest * 3, *rendered])
    write(args.out / "fourth.csv", [*real * 4, *synthetic(args.synthetic, 6, np.random.default_rng(1))])
    write(args.out / "fifth.csv", [*real * 10, *synthetic(args.synthetic, 16, np.random.default_rng(0))])
    if args.motorcycles:
        unseen = [(path, vehicle, camera, "val") for path, vehicle, camera, _ in real]
        rng = np.random.default_rng(0)
        learned = [*synthetic(args.synthetic, 3, rng), *synthetic(args.motorcycles, 6, rng, second=True)]
        write(args.out / "synthetic.csv", [*unseen, *learned])


def read_real(folder: Path) -> Iterator[Row]:
    with (folder / "index.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] == "train":
                path = str((folder / row["path"]).resolve())
                yield path, int(row["vehicle_id"]), int(row["camera_id"]), "train"


def synthetic(folder: Path, each: int, rng: np.random.Generator, second: bool = False) -> Iterator[Row]:
    """So many random images of each training vehicle, by names like 0001_c001_00000100_0.jpg."""
    images: dict[int, list[Path]] = {}
    for path in find_images([folder / "image_train"]):
        images.setdefault(int(path.name.split("_")[0]), []).append(path)
    for vehicle, paths in sorted(images.items()):
        for row in sorted(rng.permutation(len(paths))[:each]):
            camera = int(paths[row].name.split("_")[1].removeprefix("c"))
            times = 2 if second else 1
            yield (
                str(paths[row].resolve()),
                times * SYNTHETIC_IDS + vehicle,
                times * SYNTHETIC_CAMERAS + camera,
                "train",
            )


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
