"""Tables and lists that name files, in the writings in which they are given, are read alike."""

import json

from files_listed import SHAPES, counted, made, numbered, pairs, refused, rows, told

from tenfold.core.errors import UsageError
from tenfold.media.files import labelled
from tenfold.media.image.medium import IMAGE
from tenfold.media.reading import Reading

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
