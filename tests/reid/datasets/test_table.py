from __future__ import annotations

from pathlib import Path

import pytest

from reid.datasets import load_dataset
from reid.errors import UserError

HEADER = "path,vehicle_id,camera_id,split,type"


def table(folder, *rows, header=HEADER):
    names = [row.split(",")[0] for row in rows]
    folder.images("crops", [Path(name).name for name in names if name])
    folder.text("index.csv", [header, *rows])
    return folder.root


def names(images):
    return [path.stem for path in images.paths]


def test_val_becomes_first_camera_against_the_others(folder):
    root = table(
        folder,
        "crops/t.png,1,1,train,car",
        "crops/a.png,2,3,val,car",
        "crops/b.png,2,1,val,car",
        "crops/c.png,2,1,val,car",
        "crops/d.png,5,3,val,bus",  # one camera only: a distractor
        "crops/e.png,4,2,val,bus",
        "crops/f.png,4,3,val,bus",
    )
    dataset = load_dataset("csv", root)
    assert names(dataset.train) == ["t"]
    assert names(dataset.query) == ["b", "c", "e"]
    assert names(dataset.gallery) == ["a", "d", "f"]


def test_query_and_gallery_as_given(folder):
    root = table(folder, "crops/a.png,1,1,query,car", "crops/b.png,1,1,gallery,car", "crops/c.png,1,2,gallery,car")
    dataset = load_dataset("csv", root)
    assert (names(dataset.query), names(dataset.gallery)) == (["a"], ["b", "c"])


def test_a_gallery_alone_asks_with_its_first_cameras(folder):
    rows = ("crops/a.png,1,1,gallery,car", "crops/b.png,1,2,gallery,car", "crops/c.png,2,2,gallery,car")
    dataset = load_dataset("csv", table(folder, *rows))
    assert (names(dataset.query), names(dataset.gallery)) == (["a"], ["b", "c"])


def test_train_only_has_an_empty_test(folder):
    dataset = load_dataset("csv", table(folder, "crops/a.png,1,1,train,car"))
    assert len(dataset.query) == len(dataset.gallery) == 0


def test_names_as_ids(folder):
    root = table(folder, "crops/a.png,van-7,c042,train,car", "crops/b.png,car-1,c041,train,car")
    train = load_dataset("csv", root).train
    assert train.vehicle_ids.tolist() == [1, 0]
    assert train.camera_ids.tolist() == [1, 0]


def test_the_table_itself_as_root(folder):
    root = table(folder, "crops/a.png,1,1,train,car")
    assert len(load_dataset("csv", root / "index.csv").train) == 1


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["crops/a.png,1,1,train"], "path,vehicle,camera_id,split", "no column vehicle_id"),
        ([], HEADER, "only a header"),
        (["crops/a.png,1,1,training,car"], HEADER, "line 2.*'training'"),
        (["crops/a.png,1,,train,car"], HEADER, "line 2.*no camera_id"),
        (["crops/a.png,1"], HEADER, "line 2.*no camera_id"),
        (["crops/a.png,1,1,val,car", "crops/b.png,1,1,test,car"], HEADER, "expected one test"),
        (["crops/a.png,1,1,val,car", "crops/b.png,1,1,query,car"], HEADER, "expected one test"),
    ],
)
def test_mistakes(folder, rows, header, message):
    root = table(folder, *rows, header=header)
    with pytest.raises(UserError, match=message):
        load_dataset("csv", root)


def test_no_table(tmp_path):
    with pytest.raises(UserError, match=r"index\.csv"):
        load_dataset("csv", tmp_path)


def test_a_missing_crop(folder):
    folder.text("index.csv", [HEADER, "crops/gone.png,1,1,train,car"])
    with pytest.raises(UserError, match=r"gone\.png"):
        load_dataset("csv", folder.root)


def test_vehicle_minus_one_is_junk_as_in_market(folder, caplog):
    rows = [
        "crops/a.png,1,1,test,car",
        "crops/b.png,1,2,test,car",
        "crops/x.png,-1,1,test,car",
        "crops/y.png,-1,2,test,car",
    ]
    dataset = load_dataset("csv", table(folder, *rows))
    assert (names(dataset.query), names(dataset.gallery)) == (["a"], ["b"])
    assert "2 rows of vehicle -1 are junk and left out" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_named(folder, encoding):
    root = table(folder, "crops/a.png,1,1,train,car")
    (root / "index.csv").write_bytes((HEADER + "\ncrops/a.png,1,1,train,car\n").encode(encoding))
    with pytest.raises(UserError, match="UTF-16"):
        load_dataset("csv", root)


def test_marks_and_line_ends_do_not_matter(folder):
    root = table(folder, "crops/a.png,1,1,train,car")
    (root / "index.csv").write_bytes(b"\xef\xbb\xbf" + (HEADER + "\r\ncrops/a.png,1,1,train,car\r\n").encode())
    assert names(load_dataset("csv", root).train) == ["a"]
