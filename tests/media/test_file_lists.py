"""Pictures inside tables, list files, and tables of files given for prediction."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from files_listed import SHAPES, counted, made, numbered, pairs, refused, rows, told
from pictures_made import png

from tenfold.core.errors import DataRefused
from tenfold.media.files import labelled, references
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

# --- pictures in the table ------------------------------------------------------------------------


def test_pixels_in_columns(tmp_path):
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (6, 8, 8), np.uint8)
    smooth = np.cumsum(random.integers(0, 9, (6, 8, 8, 3)), axis=2).astype(np.uint8)
    layouts = {
        "label first": (["label", *(f"pixel{n}" for n in range(64))], grey, "first", ","),
        "label last": ([*(f"{n // 8}x{n % 8}" for n in range(64)), "class"], grey, "last", ";"),
        "own name": (["what", *(f"p{n}" for n in range(64))], grey, "first", "\t"),
        "colours": (["label", *(f"v{n}" for n in range(192))], smooth, "first", ","),
    }
    for names, pictures, end, comma in layouts.values():
        lines = [comma.join(names)]
        for at, picture in enumerate(pictures):
            values, label = [*map(str, picture.ravel())], str(at % 2)
            lines.append(comma.join([label, *values] if end == "first" else [*values, label]))
        told(tmp_path, {"data.csv": lines})
        found = rows(tmp_path / "data.csv")
        assert all(
            (cell == one).all() for cell, one in zip(found.table["image"], pictures, strict=True)
        )
        assert list(found.table["label"]) == ["0", "1"] * 3
    planes = np.cumsum(random.integers(0, 9, (6, 3, 8, 8)), axis=3).astype(np.uint8)
    lines = ["label," + ",".join(f"v{n}" for n in range(192))]
    lines += [f"{at % 2}," + ",".join(map(str, one.ravel())) for at, one in enumerate(planes)]
    told(tmp_path, {"data.csv": lines})
    assert (rows(tmp_path / "data.csv").table["image"][2] == planes[2].transpose(1, 2, 0)).all()


def test_pixels_in_one_cell_and_odd_lines(tmp_path):
    grey = np.random.default_rng(1).integers(0, 256, (30, 7, 7), np.uint8)
    usage = ["Training"] * 20 + ["PrivateTest"] * 10
    lines = [
        f"{at % 3},{' '.join(map(str, one.ravel()))},{part}"
        for at, (one, part) in enumerate(zip(grey, usage, strict=True))
    ]
    lines[4] = f"1,{' '.join(['300'] * 49)},Training"
    told(tmp_path, {"faces.csv": ["emotion,pixels,Usage", *lines]})
    found = labelled.read(tmp_path / "faces.csv", IMAGE)
    assert [one.code for one in found.table["problem"].dropna()] == ["bad-pixels"]
    assert (found.table["image"][29] == grey[29]).all()
    assert counted(found.table) == {"train": 20, "test": 10} and found.table["label"][5] == "2"


def test_pixels_without_a_header_are_read_by_the_place_of_the_label(tmp_path):
    values = np.random.default_rng(2).integers(0, 256, (20, 64))
    values[:, -1] = 0
    told(tmp_path, {"d.csv": [f"{at % 4}," + ",".join(map(str, v)) for at, v in enumerate(values)]})
    assert counted(rows(tmp_path / "d.csv").table, "label") == dict.fromkeys("0123", 5)
    values[:, -1] = np.arange(20) % 2
    told(tmp_path, {"d.csv": [f"{at % 4}," + ",".join(map(str, v)) for at, v in enumerate(values)]})
    assert refused(tmp_path / "d.csv").code == "two-readings"
    assert counted(rows(tmp_path / "d.csv", target="65").table, "label") == {"0": 10, "1": 10}


def test_a_wide_table_without_files_is_refused_in_a_short_sentence(tmp_path):
    lines = [",".join(f"c{n}" for n in range(300)), ",".join(["x"] * 300)]
    told(tmp_path, {"data.csv": lines})
    error = refused(tmp_path / "data.csv")
    assert isinstance(error, DataRefused) and str(error).count("', '") == 19


def test_parquet_with_pictures_as_bytes_and_named_classes(tmp_path):
    about = {"label": {"names": [*SHAPES], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    for number, (part, count) in enumerate([("train", 6), ("test", 3)]):
        pictures = [png(n, number) for n in range(count)]
        for kind in ("struct", "bytes"):
            held = [{"bytes": one, "path": f"{n}.png"} for n, one in enumerate(pictures)]
            cells = held if kind == "struct" else pictures
            table = pa.table({"image": cells, "label": [n % 3 for n in range(count)]})
            stated = {"huggingface": json.dumps({"info": {"features": about}})}
            (tmp_path / kind).mkdir(exist_ok=True)
            path = tmp_path / kind / f"{part}-00000-of-00001.parquet"
            pq.write_table(table.replace_schema_metadata(stated), path)
    for kind in ("struct", "bytes"):
        found = rows(tmp_path / kind)
        assert counted(found.table) == {"train": 6, "test": 3}
        assert counted(found.table, "label") == dict.fromkeys(SHAPES, 3)
        assert bytes(references.fetch(found.table["image"][7])) == png(1, 1)


# --- lists ----------------------------------------------------------------------------------------


def listed(root: Path, written, folder: str = "img/", labels=None) -> list[tuple[str, str]]:
    """Lists of train and test below `root`; the (path, class) that they mean."""
    want = []
    for part, first, count in (("train", 0, 6), ("test", 10, 3)):
        names = numbered(folder, count, first=first)
        made(root, *names)
        told(root, {f"{part}_list.txt": [written(name, at % 3) for at, name in enumerate(names)]})
        want += [(name, SHAPES[at % 3]) for at, name in enumerate(names)]
    return want


def test_lists_of_files(tmp_path):
    writings = {
        "number": (lambda name, k: f"{name} {k}", [*SHAPES]),
        "back slash": (lambda name, k: name.replace("/", "\\") + f"\t{k}", [*SHAPES]),
        "from one": (lambda name, k: f"{name},{k + 1}", [f"{k + 1} {SHAPES[k]}" for k in range(3)]),
        "label": (lambda name, k: f"{name} {SHAPES[k]}", None),
        "without suffix": (
            lambda name, k: f"{name[:-4]} {k}",
            [f"{s} {k}" for k, s in enumerate(SHAPES)],
        ),
    }
    for number, (written, names) in enumerate(writings.values()):
        root = tmp_path / str(number)
        want = listed(root, written)
        told(root, {"classes.txt": names} if names else {})
        found = rows(root)
        assert pairs(found) == want and counted(found.table) == {"train": 6, "test": 3}
        assert pairs(rows(root / "train_list.txt")) == want[:6]


def test_lists_beside_class_folders(tmp_path):
    for name in SHAPES:
        made(tmp_path, *numbered(f"images/{name}/", 4))
    for part, kept in (("train", (0, 1)), ("test", (2, 3))):
        lines = [f"{name}/{n:03}" for name in SHAPES for n in kept]
        told(tmp_path, {f"meta/{part}.txt": lines})
    found = rows(tmp_path)
    assert counted(found.table) == {"train": 6, "test": 6}
    assert counted(found.table, "label") == dict.fromkeys(SHAPES, 4)
    (tmp_path / "meta/train.txt").unlink()
    assert counted(rows(tmp_path).table) == {"train": 6, "test": 6}
    told(tmp_path, {"meta/other.txt": ["nothing in here", "names a file"]})
    assert counted(rows(tmp_path).table) == {"train": 6, "test": 6}


def test_numbers_of_a_list_are_named_by_the_folders_of_the_files(tmp_path):
    for name in SHAPES:
        made(tmp_path, *numbered(f"{name}/", 3))
    lines = [f"{name}/{n:03}.png {k + 1}" for k, name in enumerate(SHAPES) for n in range(3)]
    told(tmp_path, {"trainlist01.txt": lines[::2], "testlist01.txt": lines[1::2]})
    found = rows(tmp_path)
    assert all(name.startswith(label) for name, label in pairs(found))
    assert counted(found.table) == {"train": 5, "test": 4}


def voc(root: Path) -> dict[str, str]:
    """The layout of PASCAL VOC, a list for each class and part; returns the classes by name."""
    classes = ("cat", "dog", "tv_monitor")
    pictures, main = (
        root / "VOCdevkit/VOC2012/JPEGImages",
        root / "VOCdevkit/VOC2012/ImageSets/Main",
    )
    pictures.mkdir(parents=True)
    main.mkdir(parents=True)
    wanted: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for number in range(30):
        name, part = f"2008_{number:06}", "val" if number % 3 == 0 else "train"
        (pictures / f"{name}.png").write_bytes(png(number))
        marks = [1 if number % 3 == at or number % 7 == at else -1 for at in range(3)]
        marks = [0 if one == 1 and number % 10 == 9 else one for one in marks]
        if 1 in marks:
            pairs_ = zip(classes, marks, strict=True)
            wanted[name] = "|".join(one for one, mark in pairs_ if mark == 1)
        for one in (part, "trainval"):
            lists.setdefault(one, []).append(name)
            for class_, mark in zip(classes, marks, strict=True):
                lists.setdefault(f"{class_}_{one}", []).append(f"{name} {mark:2}")
    for name, texts in lists.items():
        (main / f"{name}.txt").write_text("\n".join(texts) + "\n")
    return wanted


def test_lists_of_each_class_as_in_pascal_voc(tmp_path: Path):
    wanted = voc(tmp_path)
    for place in ("", "VOCdevkit/VOC2012"):
        table = (found := rows(tmp_path / place)).table
        names = [Path(cell).stem for cell in table["image"]]
        labels = ["|".join(one) for one in table["labels"]]
        assert dict(zip(names, labels, strict=True)) == wanted and len(names) == len(wanted) == 27
        split = dict(zip(names, table["split"], strict=True))
        assert {split[name] for name in names if int(name[-6:]) % 3} == {"train"}
        assert {split[name] for name in names if int(name[-6:]) % 3 == 0} == {"valid"}
        assert not any("Main/cat_train.txt" in one for one in found.ignored)
        assert sum("difficult" in str(note) for note in found.taken.notes) == 2
    (tmp_path / "VOCdevkit/VOC2012/ImageSets/Main/dog_train.txt").write_text("2008_000001 1\n" * 2)
    assert refused(tmp_path).code == "several-manifests", "the lists name other files"


def test_a_table_given_for_prediction_names_files(tmp_path: Path):
    (tmp_path / "img").mkdir()
    for at in range(4):
        (tmp_path / "img" / f"p{at}.png").write_bytes(png(8))
    table = tmp_path / "new.csv"
    table.write_text("id,note\np0,a\np1,b\np2.png,c\np9,d\n")
    (task_input,) = find("image-classification").inputs({}).values()
    found = task_input.file(table, Reading(found={"image": "id"}))
    assert found is not None and [Path(str(one)).name for one in found["image"][:3]] == [
        "p0.png", "p1.png", "p2.png",
    ]  # fmt: skip
    assert found["image"][3].code == "missing-file" and "new.csv:5" in found["source"][3]
    assert task_input.file(tmp_path / "img" / "p0.png", Reading()) is None
