"""Tables and lists that name files, in the writings in which they are given, are read alike."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures_made import png

from tenfold.core.errors import DataRefused, TenfoldError, UsageError
from tenfold.core.rows import Rows
from tenfold.media.files import labelled, references
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

SHAPES = ("circle", "square", "triangle")


def made(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(number))


def numbered(folder: str, count: int, suffix: str = ".png", first: int = 0) -> list[str]:
    return [f"{folder}{number:03}{suffix}" for number in range(first, first + count)]


def told(root: Path, lines: dict[str, list[str]]) -> None:
    for name, texts in lines.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(texts) + "\n", encoding="utf-8")


def rows(source, **given) -> Rows:
    found = labelled.read(source, IMAGE, Reading(**given))
    assert found.table["problem"].isna().all(), list(found.table["problem"].dropna())[:2]
    return found


def pairs(found: Rows) -> list[tuple[str, str]]:
    """(path below the folder, label) of each row."""
    folder = found.root.resolve()
    cells = [references.file_of(cell) for cell in found.table["image"]]
    names = [str(cell.relative_to(folder)) for cell in cells]
    return list(zip(names, found.table["label"], strict=True))


def refused(source, **given) -> TenfoldError:
    with pytest.raises(TenfoldError) as error:
        labelled.read(source, IMAGE, Reading(**given))
    assert len(str(error.value)) < 700 and "\\x" not in str(error.value)
    return error.value


def counted(table: pd.DataFrame, column: str = "split") -> dict:
    return table[column].value_counts().to_dict()


# --- names of files -------------------------------------------------------------------------------


def test_names_are_completed_by_suffix_and_folder(tmp_path):
    names = numbered("", 12, "")
    labels = [SHAPES[at % 3] for at in range(12)]
    writings = {
        "ids": ("id", "shape", ",", lambda name: name, "train/"),
        "suffix": ("filename", "label", ";", lambda name: f"{name}.png", "images/"),
        "another machine": ("file", "y", "\t", lambda n: f"C:\\Users\\a\\pics\\{n}.png", "pics/"),
        "upper case": ("datei", "form", ",", lambda name: f"{name}.PNG", "bilder/alle/"),
        "part of the path": ("图片", "类别", ",", lambda name: f"b/{name}", "a/b/"),
    }
    for number, (path, label, comma, written, folder) in enumerate(writings.values()):
        root = tmp_path / str(number)
        made(root, *(f"{folder}{name}.png" for name in names))
        lines = [comma.join(two) for two in zip(map(written, names), labels, strict=True)]
        told(root, {"table.csv": [comma.join((path, label)), *lines]})
        want = [(f"{folder}{n}.png", label) for n, label in zip(names, labels, strict=True)]
        for source in (root, root / "table.csv"):
            found = rows(source)
            assert pairs(found) == want, path
            assert len(found.taken.notes) == 1 and found.reading.value("image") == path


def test_names_that_fit_no_file_or_several_are_problems_with_the_place(tmp_path):
    made(tmp_path, *numbered("a/", 6), "b/9.png", "c/9.png")
    lines = ["file,label", *(f"{name},x" for name in numbered("", 6)), "9.png,y", "none.png,y"]
    told(tmp_path, {"table.csv": lines})
    table = labelled.read(tmp_path, IMAGE).table
    assert [one and one.code for one in table["problem"]] == [None] * 6 + [
        "ambiguous-file",
        "missing-file",
    ]
    made(tmp_path / "two", *numbered("left/", 4), *numbered("right/", 4))
    told(tmp_path / "two", {"table.csv": ["file,label", *(f"{n},x" for n in numbered("", 4))]})
    assert refused(tmp_path / "two").code == "two-readings"


def test_two_columns_of_files_are_asked_back(tmp_path):
    made(tmp_path, *numbered("left/", 6), *numbered("right/", 6))
    lines = [f"left/{n:03}.png,right/{n:03}.png,{'xy'[n % 2]}" for n in range(6)]
    told(tmp_path, {"table.csv": ["before,after,label", *lines]})
    error = refused(tmp_path)
    assert error.code == "two-readings" and "--image before" in str(error)
    assert pairs(rows(tmp_path, image="after"))[0] == ("right/000.png", "x")
    assert refused(tmp_path, image="nothing").code == "missing-column"


def test_a_table_that_is_not_used_is_named_with_the_reason(tmp_path):
    made(tmp_path, *numbered("cat/", 3), *numbered("dog/", 3))
    tables = {
        "sizes.csv": ["file,width", *(f"cat/{n:03}.png,{n}" for n in range(3))],
        "other.csv": ["a,b", "1,2"],
        "classes.csv": ["label,name", "0,a cat", "1,a dog"],
    }
    told(tmp_path, tables)
    found = rows(tmp_path)
    assert counted(found.table, "label") == {"cat": 3, "dog": 3}
    assert {one.names[0] for one in found.taken.left if one.why} == set(tables)


def test_pictures_without_labels_are_refused_as_such(tmp_path):
    for number, folder in enumerate(("", "images/", "train_images/")):
        root = tmp_path / str(number)
        made(root, *numbered(folder, 4), *(numbered("test_images/", 4) if number == 2 else []))
        assert refused(root).code == "no-labels"
        told(root, {"about.csv": ["a,b", "1,2"]})
        assert "about.csv" in str(refused(root))


# --- parts ----------------------------------------------------------------------------------------


def test_part_folders_beside_a_table_are_no_classes(tmp_path):
    for number, (train, test) in enumerate(
        [("train_images", "test_images"), ("X", "Y"), ("t", "u")]
    ):
        root = tmp_path / str(number)
        made(root, *numbered(f"{train}/", 9), *numbered(f"{test}/", 4, first=50))
        lines = [f"{name},{at % 3}" for at, name in enumerate(numbered("", 9))]
        sheet = ["image_id,label", *(f"{n},0" for n in numbered("", 4, first=50))]
        told(root, {"train.csv": ["image_id,label", *lines], "sample_submission.csv": sheet})
        told(root, {"test.csv": ["image_id", *numbered("", 4, first=50)]})
        found = rows(root)
        assert counted(found.table, "label") == {"0": 3, "1": 3, "2": 3}
        assert "split" not in found.table
        left = {one.kind: one.count for one in found.taken.left}
        assert left["files"] == 4 and "tables" in left


def test_tables_of_the_parts_are_read_together(tmp_path):
    layouts = {
        "in the folders": ("train/metadata.csv", "test/metadata.csv", "file_name", ""),
        "jsonl": ("Train/meta.jsonl", "Val/meta.jsonl", "file_name", ""),
        "beside the folders": ("train.csv", "valid.csv", "path", "img/"),
        "annotations": ("annotations/train.tsv", "annotations/test.tsv", "image", "img/"),
        "around": ("data/train.csv", "data/test.csv", "file", "data/img/"),
    }
    for number, (first, second, path, folder) in enumerate(layouts.values()):
        root = tmp_path / str(number)
        for table, at, count in ((first, 0, 6), (second, 10, 3)):
            where = folder or table.rpartition("/")[0] + "/"
            made(root, *numbered(where, count, first=at))
            pieces = [(name, SHAPES[n % 3]) for n, name in enumerate(numbered("", count, first=at))]
            comma = "\t" if table.endswith("tsv") else ","
            lines = [f"{path}{comma}label", *(comma.join(two) for two in pieces)]
            if table.endswith("jsonl"):
                lines = [json.dumps({path: name, "label": label}) for name, label in pieces]
            told(root, {table: lines})
        found = rows(root)
        assert list(counted(found.table).values()) == [6, 3] and found.table["split"][0] == "train"
        assert counted(found.table, "label") == dict.fromkeys(SHAPES, 3)


def test_a_column_of_parts_by_any_name(tmp_path):
    made(tmp_path, *numbered("img/", 10))
    columns = {
        "set": (["Train"] * 6 + ["Val"] * 2 + ["Test"] * 2, {"train": 6, "valid": 2, "test": 2}),
        "dataset": (["training"] * 7 + ["testing"] * 3, {"train": 7, "test": 3}),
        "is_valid": (["False"] * 8 + ["True"] * 2, {"train": 8, "valid": 2}),
        "is_test": (["0"] * 8 + ["1"] * 2, {"train": 8, "test": 2}),
        "fold": ([str(n % 5) for n in range(10)], {"train": 8, "test": 2}),
        "Usage": (["Training"] * 6 + ["PublicTest"] * 2 + ["PrivateTest"] * 2, None),
        "anything": (["train_set"] * 8 + ["test_set"] * 2, {"train": 8, "test": 2}),
        "划分": (["训练集"] * 8 + ["测试集"] * 2, {"train": 8, "test": 2}),
    }
    for name, (cells, want) in columns.items():
        lines = [f"img/{n:03}.png,{SHAPES[n % 3]},{cell}" for n, cell in enumerate(cells)]
        told(tmp_path, {"table.csv": [f"filename,label,{name}", *lines]})
        found = rows(tmp_path)
        assert counted(found.table) == (want or {"train": 6, "valid": 2, "test": 2}), name
        assert found.reading.value("split") == name
    told(tmp_path, {"table.csv": [f"filename,label,{name}", *(f"{one},a" for one in lines)]})
    named = [f"img/{n:03}.png,{SHAPES[n % 3]},Ann" for n in range(10)]
    told(tmp_path, {"table.csv": ["filename,label,set", *named]})
    assert "split" not in rows(tmp_path).table


def test_parts_given_by_the_folders_of_the_files(tmp_path):
    made(tmp_path, *numbered("train/", 6), *numbered("test/", 3))
    names = [*numbered("train/", 6), *numbered("test/", 3)]
    told(
        tmp_path,
        {"labels.csv": ["path,label", *(f"{n},{SHAPES[at % 3]}" for at, n in enumerate(names))]},
    )
    assert counted(rows(tmp_path).table) == {"train": 6, "test": 3}


# --- answers --------------------------------------------------------------------------------------


def test_several_answers_a_row(tmp_path):
    made(tmp_path, *numbered("img/", 10))
    want = [("circle",), ("circle", "dark"), ("square",), ("dark", "square"), ("dark",)] * 2
    for comma in "|,; ":
        lines = [f'img/{n:03}.png,"{comma.join(labels)}"' for n, labels in enumerate(want)]
        told(tmp_path, {"labels.csv": ["image,labels", *lines]})
        found = rows(tmp_path)
        assert list(found.table["labels"]) == want and found.reading.found["several"] == comma
    flags = [[str(int(one in labels)) for one in ("circle", "square", "dark")] for labels in want]
    for cells in (flags, [["True" if one == "1" else "False" for one in row] for row in flags]):
        lines = [f"img/{n:03}.png,x{n}," + ",".join(row) for n, row in enumerate(cells)]
        told(tmp_path, {"labels.csv": ["filename,note,circle,square,dark", *lines]})
        found = rows(tmp_path)
        assert list(found.table["labels"]) == want
        assert [one.names for one in found.taken.left if one.kind == "columns"] == [("note",)]
    one = [f"img/{n:03}.png,{n % 2},{1 - n % 2}" for n in range(8)]
    told(tmp_path, {"labels.csv": ["filename,cat,dog", *one]})
    assert counted(rows(tmp_path).table, "label") == {"cat": 4, "dog": 4}


def test_one_odd_cell_of_a_class_column_is_a_problem_of_its_row(tmp_path):
    made(tmp_path, *numbered("img/", 40))
    lines = [f"img/{n:03}.png,{n % 2},{n % 3 // 2},{1 - n % 2}" for n in range(39)]
    told(tmp_path, {"l.csv": ["filename,a,b,c", *lines, "img/039.png,0,maybe,1"]})
    table = labelled.read(tmp_path, IMAGE).table
    assert list(table["problem"].dropna().index) == [39] and table["labels"][1] == ("a",)


def test_two_columns_that_can_be_the_answer_are_asked_back(tmp_path):
    made(tmp_path, *numbered("img/", 12))
    lines = [f"img/{n:03}.png,{SHAPES[n % 3]},{'red' if n % 2 else 'blue'}" for n in range(12)]
    told(tmp_path, {"l.csv": ["file,shape,colour", *lines]})
    error = refused(tmp_path)
    assert isinstance(error, UsageError) and error.code == "two-readings"
    assert "--target shape: circle" in str(error) and "--target colour: blue" in str(error)
    assert counted(rows(tmp_path, target="colour").table, "label") == {"blue": 6, "red": 6}
    stored = Reading(found={"target": "colour", "image": "file"})
    assert counted(labelled.read(tmp_path, IMAGE, stored).table, "label") == {"blue": 6, "red": 6}


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
