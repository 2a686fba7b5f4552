from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from reid.datasets import UNKNOWN_ID, ImageSet
from reid.errors import UserError
from reid.evaluation.ranking import RankScores
from reid.figures.rankings import QUERY, RIGHT, UNKNOWN, WRONG, draw_sheet, pick_queries, ranking_row, save_picture


@pytest.fixture
def some_images(tmp_path):
    def make(vehicles):
        paths = tuple(tmp_path / f"{i}.png" for i in range(len(vehicles)))
        for path in paths:
            Image.new("RGB", (30, 20), (0, 0, 255)).save(path)
        return ImageSet(paths, np.array(vehicles), np.ones(len(vehicles)))

    return make


def test_right_and_wrong_frames(some_images):
    row = ranking_row(some_images([7]), 0, some_images([3, 7]), np.array([1, 0]))
    assert [tile.colour for tile in row] == [QUERY, RIGHT, WRONG]
    assert [tile.caption for tile in row] == ["query  id 7  cam 1", "1  right  cam 1", "2  wrong  cam 1"]


def test_unlabelled_answers_are_neither(some_images):
    row = ranking_row(some_images([UNKNOWN_ID]), 0, some_images([UNKNOWN_ID]), np.array([0]))
    assert row[1].colour == UNKNOWN


def test_the_sheet_shows_frames_and_images(some_images, tmp_path):
    row = ranking_row(some_images([7]), 0, some_images([3, 7]), np.array([1, 0]))
    sheet = draw_sheet([row, row[:2]])
    save_picture(sheet, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png")).reshape(-1, 3)
    for colour in (QUERY, RIGHT, WRONG, (0, 0, 255)):
        assert (pixels == colour).all(axis=1).sum() > 400


def test_which_queries(some_images):
    scores = RankScores(0.5, np.ones(1), np.array([0.9, np.nan, 0.1, 0.5]), "drawn", np.ones(4), 0.5, 0.5)
    assert pick_queries(scores, 4, 2, "worst") == [2, 3]
    assert pick_queries(scores, 4, 2, "first") == [0, 2]
    assert sorted(pick_queries(scores, 4, 9, "random")) == [0, 2, 3]
    assert pick_queries(scores, 4, 2, "random") == pick_queries(scores, 4, 2, "random")
    assert pick_queries(None, 4, 2, "worst") == [0, 1]


def test_a_place_that_cannot_be_written(tmp_path):
    picture = Image.new("RGB", (2, 2))
    for path in (tmp_path / "none/x.png", tmp_path / "x.docx"):
        with pytest.raises(UserError, match="to write"):
            save_picture(picture, path)
