"""Files inside Parquet files: cells that name a row and a column, fetched group by group."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures_made import drawn, png

from tenfold.media.files import parquet_columns, references
from tenfold.media.files.references import Unreadable, fetch, parquet_cells
from tenfold.media.image import decode

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def written(path: Path, rows: int = 40, group: int = 8, **columns: object) -> Path:
    """A data set as it is published: pictures as structs, labels, names of labels as metadata."""
    pictures = [{"bytes": png(row, row % 2), "path": f"{row}.png"} for row in range(rows)]
    table = {"image": pa.array(pictures, FILE), "label": [row % 2 for row in range(rows)]}
    found = pa.table({**table, **columns})
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    found = found.replace_schema_metadata({"huggingface": json.dumps(names)})
    pq.write_table(found, path, row_group_size=group)
    return path


@pytest.fixture
def groups(monkeypatch) -> list[tuple[int, str]]:
    """The row groups that were read, in order."""
    read = list[tuple[int, str]]()
    real = parquet_columns.ParquetColumns._size

    def counting(self, group: int, column: str) -> int:
        read.append((group, column))
        return real(self, group, column)

    monkeypatch.setattr(parquet_columns.ParquetColumns, "_size", counting)
    return read


def test_every_row_is_found_and_each_group_is_read_once(tmp_path, groups):
    cells = parquet_cells(written(tmp_path / "train.parquet"))
    assert list(cells) == ["image"] and len(cells["image"]) == 40
    assert cells["image"][17] == f"{tmp_path}/train.parquet#row=17&column=image"
    for row, cell in enumerate(cells["image"]):
        assert fetch(cell) == png(row, row % 2)
    assert groups == [(group, "image") for group in range(5)]
    pictures, problems = decode.encode(cells["image"], 16, 16, 3)
    assert not problems and (pictures[7] == np.asarray(drawn(7, 1))).all()
    assert len(groups) == 5


def test_the_memory_of_row_groups_is_bounded(tmp_path, groups, monkeypatch):
    monkeypatch.setattr(parquet_columns, "KEPT_BYTES", 1)
    cells = parquet_cells(written(tmp_path / "a.parquet"))["image"]
    for row in (0, 1, 9, 0):
        assert fetch(cells[row]) == png(row, row % 2)
    assert [group for group, _ in groups] == [0, 1, 0]
    columns = references._parquet(
        tmp_path / "a.parquet", "", references._stamp(tmp_path / "a.parquet")
    )
    assert len(columns._kept) == 1


def test_a_row_group_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_columns, "LARGEST_GROUP", 1000)
    cells = parquet_cells(written(tmp_path / "a.parquet"))["image"]
    with pytest.raises(Unreadable) as refused:
        fetch(cells[0])
    assert refused.value.problem.code == "too-large" and refused.value.problem.fix


FORMS = {
    "bytes": pa.array([b"0", b"1", b"2"], pa.binary()),
    "large bytes": pa.array([b"0", b"1", b"2"], pa.large_binary()),
    "the same three times": pa.array([b"0", b"1", b"2"]).dictionary_encode().cast(pa.binary()),
    "bytes alone in a struct": pa.array(
        [{"bytes": b"0"}, {"bytes": b"1"}, {"bytes": b"2"}], pa.struct([("bytes", pa.binary())])
    ),
    "more in the struct": pa.array(
        [{"x": [row], "path": None, "bytes": b"%d" % row} for row in range(3)],
        pa.struct([("x", pa.list_(pa.int64())), ("path", pa.string()), ("bytes", pa.binary())]),
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["image", "a picture", "图片", "a&b=c#d%", "x.bytes"])
def test_every_form_and_name_of_a_column(form, name, tmp_path):
    pq.write_table(pa.table({name: FORMS[form], "n": [1, 2, 3]}), tmp_path / "a b#.parquet")
    cells = parquet_cells(tmp_path / "a b#.parquet")
    assert list(cells) == [name]
    assert [fetch(cell) for cell in cells[name]] == [b"0", b"1", b"2"]


def test_columns_that_hold_no_files(tmp_path):
    table = pd.DataFrame(
        {"text": ["a", "b"], "n": [1, 2], "when": pd.to_datetime(["2020", "2021"])}
    )
    table.to_parquet(tmp_path / "a.parquet")
    assert parquet_cells(tmp_path / "a.parquet") == {}
    pq.write_table(pa.table({"image": pa.array([], FILE)}), tmp_path / "b.parquet")
    assert parquet_cells(tmp_path / "b.parquet") == {"image": []}
    with pytest.raises(Unreadable) as refused:
        fetch(f"{tmp_path}/a.parquet#row=0&column=text")
    assert refused.value.problem.code == "missing-column"


@pytest.mark.parametrize(
    ("fragment", "code"),
    [
        ("row=40&column=image", "missing-row"),
        ("row=99999999999999999999999&column=image", "missing-row"),
        ("row=-1&column=image", "missing-row"),
        ("row=x&column=image", "missing-row"),
        ("row=&column=image", "missing-row"),
        ("row=1&column=picture", "missing-column"),
        ("row=1&column=label", "missing-column"),
        ("row=1", "missing-column"),
    ],
)
def test_a_row_or_column_that_is_missing(fragment, code, tmp_path):
    path = written(tmp_path / "a.parquet")
    with pytest.raises(Unreadable) as refused:
        fetch(f"{path}#{fragment}")
    assert refused.value.problem.code == code


def named(path: Path, *names: str | None) -> list[str]:
    files = [{"bytes": None, "path": name} for name in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": pa.array(files, FILE)}), path)
    return parquet_cells(path)["image"]


def test_where_the_bytes_are_null_the_path_is_read(tmp_path):
    (tmp_path / "data" / "photos").mkdir(parents=True)
    (tmp_path / "data" / "photos" / "猫 1.png").write_bytes(png(1))
    (tmp_path / "secret.png").write_bytes(png(2))
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    cells = named(
        tmp_path / "data" / "a.parquet",
        *("photos/猫 1.png", "gone.png", "../secret.png", f"{tmp_path}/secret.png", "link.png"),
        *("", None, "photos"),
    )
    assert fetch(cells[0]) == png(1)
    codes = []
    for cell in cells[1:]:
        with pytest.raises(Unreadable) as refused:
            fetch(cell)
        codes.append(refused.value.problem.code)
    assert codes[:4] == ["missing-file", "path-out", "path-out", "path-out"]
    assert codes[4:6] == ["empty-cell", "empty-cell"] and codes[6] in ("not-a-file", "unreadable")


def test_a_null_struct_is_an_empty_cell(tmp_path):
    pq.write_table(pa.table({"image": pa.array([None, None], FILE)}), tmp_path / "a.parquet")
    for cell in parquet_cells(tmp_path / "a.parquet")["image"]:
        with pytest.raises(Unreadable) as refused:
            fetch(cell)
        assert refused.value.problem.code == "empty-cell"


def test_a_parquet_file_in_an_archive(tmp_path):
    written(tmp_path / "a.parquet", rows=3)
    named(tmp_path / "b.parquet", "photos/1.png", "../../x.png", "gone.png")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.write(tmp_path / "a.parquet", "data/a.parquet")
        file.write(tmp_path / "b.parquet", "data/b.parquet")
        file.writestr("data/photos/1.png", png(5))
    cells = parquet_cells(tmp_path / "all.zip", "data/a.parquet")["image"]
    assert [fetch(cell) for cell in cells] == [png(row, row % 2) for row in range(3)]
    first, out, gone = parquet_cells(tmp_path / "all.zip", "data/b.parquet")["image"]
    assert fetch(first) == png(5)
    for cell in (out, gone):
        with pytest.raises(Unreadable) as refused:
            fetch(cell)
        assert refused.value.problem.code == "missing-file"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(99) + b"PAR1", b"<html>" * 99])
def test_a_file_that_is_no_parquet(content, tmp_path):
    (tmp_path / "a.parquet").write_bytes(content)
    for use in (
        lambda: parquet_cells(tmp_path / "a.parquet"),
        lambda: fetch(f"{tmp_path}/a.parquet#row=1&column=image"),
    ):
        with pytest.raises(Unreadable) as refused:
            use()
        assert refused.value.problem.code == "damaged"


def test_a_damaged_row_group_is_a_problem_of_its_rows(tmp_path):
    path = written(tmp_path / "a.parquet", rows=40, group=8)
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    cells = parquet_cells(path)["image"]
    assert fetch(cells[0]) == png(0) and fetch(cells[39]) == png(39, 1)
    with pytest.raises(Unreadable) as refused:
        fetch(cells[17])
    assert refused.value.problem.code == "damaged" and "PNG" not in refused.value.problem.reason


def test_a_file_that_changes_is_read_again(tmp_path):
    path = written(tmp_path / "a.parquet", rows=3)
    cell = parquet_cells(path)["image"][0]
    assert fetch(cell) == png(0)
    pq.write_table(pa.table({"image": pa.array([b"another one"], pa.binary())}), path)
    assert fetch(cell) == b"another one"
