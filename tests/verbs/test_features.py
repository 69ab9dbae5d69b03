"""Feature vectors: the same numbers in every file and form, all that can be read, and no more."""

import csv
import dataclasses
import io
import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from commands import tenfold
from pictures_made import HTML, drawn, folder, png, snapshot, zipped

import tenfold as api
from tenfold.core.columns import Columns
from tenfold.core.errors import DataRefused, EnvironmentRefused, UsageError
from tenfold.core.lazy import lazy

TASK = "image-classification"
SETTINGS = {"size": "tiny", "epochs": 2, "batch": 8, "device": "cpu"}
VERB = sys.modules[api.features.__module__]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Pictures, and beside them a run trained on them."""
    place = tmp_path_factory.mktemp("features")
    api.train(TASK, folder(place / "photos", 12), out=place / "run", **SETTINGS)
    return place


@pytest.fixture(scope="module")
def run(home):
    return api.open_run(home / "run", "cpu")


def embedding(run, pictures: list) -> np.ndarray:
    """What the network itself says of pictures."""
    encoded = run.task.encode(pd.DataFrame({"image": pictures}), run.facts)
    return run.infer(Columns(encoded.columns))["embedding"]


# --- what is written ------------------------------------------------------------------------------


def test_vectors_are_the_networks_own_in_the_order_of_the_inputs(run, home, tmp_path):
    names = [str(home / "photos" / name) for name in ("dog/3.png", "cat/1.png", "dog/0.png")]
    found = api.features(run, names, out=tmp_path / "some.npy")
    assert found.sources == names
    assert np.allclose(found.vectors, embedding(run, names), atol=1e-5)
    assert found["rows"] == 3 and found["dimensions"] == found.vectors.shape[1] > 1
    assert found["unreadable"] == []


def test_every_file_holds_the_same_numbers(run, home, tmp_path):
    wanted = api.features(run, str(home / "photos"), out=None)
    assert wanted["out"] is None and wanted.vectors.dtype == np.float32
    for suffix in (".npy", ".csv", ".parquet", ".NPY"):
        found = api.features(run, str(home / "photos"), out=tmp_path / f"all{suffix}")
        assert found["out"] == str(tmp_path / f"all{suffix}")
        assert found.sources == wanted.sources and len(found.sources) == 24
        assert found.vectors.dtype == np.float32 and (found.vectors == wanted.vectors).all()


def test_files_open_without_tenfold(run, home, tmp_path):
    paths = [tmp_path / f"f{suffix}" for suffix in (".npy", ".csv", ".parquet")]
    found = [api.features(run, str(home / "photos"), out=path) for path in paths]
    array = np.load(paths[0], allow_pickle=False)
    names = json.loads((tmp_path / "f.sources.json").read_text("utf-8"))
    assert found[0]["names"] == str(tmp_path / "f.sources.json") and found[1]["names"] is None
    frame = pd.read_csv(paths[1], encoding="utf-8-sig")
    table = pyarrow.parquet.read_table(paths[2])
    columns = ["source", *(f"f{n}" for n in range(array.shape[1]))]
    assert list(frame.columns) == columns == table.column_names
    assert list(frame["source"]) == names == table["source"].to_pylist() == found[0].sources
    assert np.allclose(frame[columns[1:]], array) and str(table.schema.field("f0").type) == "float"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["f.npy", "f.sources.json", "f.csv", "f.parquet"]
    )


def test_arrays_bytes_frames_zips_and_globs(run, home, tmp_path):
    (wanted,) = api.features(run, str(home / "photos/cat/1.png"), out=None).vectors
    array = np.asarray(drawn(1))
    archive = zipped(home / "photos", tmp_path / "p.zip")
    for one in (array, png(1), io.BytesIO(png(1)), pd.DataFrame({"image": [array]})):
        assert np.allclose(api.features(run, one, out=None).vectors, [wanted], atol=1e-5)
    many = api.features(run, [str(archive), str(home / "photos/c*/1.png"), np.stack([array] * 2)],
                        out=None)  # fmt: skip
    assert len(many.sources) == 24 + 1 + 2
    assert np.allclose(many.vectors[-3:], wanted, atol=1e-5)


def test_names_that_are_formulas_chinese_or_broken(run, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["=1+2.png", "猫 \u2028.png", "-x.png", "a\udcff.png"]
    for name in names:
        Path(name).write_bytes(png(1))
    given = [f"./{name}" if name[0] == "-" else name for name in names]
    found = api.features(run, given, out="f.csv")
    assert len(found.sources) == 4 and found.vectors.shape[0] == 4
    with Path("f.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [row["source"] for row in csv.DictReader(file)]
    assert cells[0] == "'=1+2.png" and cells[1] == "猫 \ufffd.png" and cells[2] == "./-x.png"
    api.features(run, given, out="f.npy")
    text = Path("f.sources.json").read_text("utf-8")
    assert "猫" in text and json.loads(text) == given
    api.features(run, given, out="f.parquet")
    assert pyarrow.parquet.read_table("f.parquet")["source"][0].as_py() == "=1+2.png"


def test_a_large_table_is_written_in_pieces(run, tmp_path):
    """Earlier rows are on the disk while later ones are still being handed over."""
    seen = []

    def pictures():
        for number in range(700):
            seen.append(sum(p.stat().st_size for p in tmp_path.rglob("f.npy")))
            yield np.asarray(drawn(number % 7))

    found = api.features(run, pictures(), out=tmp_path / "f.npy")
    assert found.vectors.shape == (700, found["dimensions"]) and len(found.sources) == 700
    assert seen[0] == 0 and seen[-1] > 4 * 256 * found["dimensions"]
    assert (found.vectors[0] == found.vectors[693]).all()


def test_memory_does_not_grow_with_the_rows(run, tmp_path):
    def peak(rows: int) -> int:
        picture = np.asarray(drawn(1))
        tracemalloc.start()
        api.features(run, (picture for _ in range(rows)), out=tmp_path / "f.npy")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(600)
    few, many = peak(600), peak(3000)
    assert many - few < 2400 * 300  # names alone: far less than encoded pictures or vectors


# --- what cannot be -------------------------------------------------------------------------------


def test_what_cannot_be_read_is_listed_and_left_out(run, home, tmp_path):
    (tmp_path / "page.png").write_bytes(HTML)
    inputs = [str(tmp_path / "page.png"), str(home / "photos/cat/0.png"), "nothing.png"]
    found = api.features(run, inputs, out=tmp_path / "f.npy")
    assert found.sources == [inputs[1]] and found.vectors.shape[0] == 1
    codes = [(one["source"], one["error"]["code"]) for one in found["unreadable"]]
    assert codes == [(inputs[0], "not-a-picture"), ("nothing.png", "missing-file")]
    assert str(found).count("ERROR") == 2 and "1 rows" not in str(found)
    json.dumps(found.to_json(), allow_nan=False)


def test_nothing_readable_leaves_what_was_there(run, tmp_path):
    (tmp_path / "f.npy").write_text("mine")
    for out in (tmp_path / "f.npy", None):
        with pytest.raises(DataRefused, match=r"None of the 2 inputs.*no\.png") as refused:
            api.features(run, ["no.png", "none.png"], out=out, force=True)
        assert (refused.value.code, refused.value.where) == ("missing-file", "no.png")
    with pytest.raises(DataRefused) as refused:
        api.features(run, pd.DataFrame({"image": []}), out=None)
    assert refused.value.code == "no-rows"
    with pytest.raises(UsageError) as nothing:
        api.features(run, [], out=tmp_path / "f.npy", force=True)
    assert nothing.value.code == "no-input"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("f.npy", "mine")]


def test_an_error_on_the_way_leaves_what_was_there(run, tmp_path):
    def pictures():
        yield from [np.asarray(drawn(1))] * 300
        raise KeyboardInterrupt

    for suffix in (".npy", ".csv", ".parquet"):
        (tmp_path / f"f{suffix}").write_text("mine")
        with pytest.raises(KeyboardInterrupt):
            api.features(run, pictures(), out=tmp_path / f"f{suffix}", force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.csv", "f.npy", "f.parquet"]
    assert {p.read_text() for p in tmp_path.iterdir()} == {"mine"}


@pytest.mark.parametrize(
    ("name", "fix"),
    [("f.txt", ".csv, .npy, .parquet"), ("f.parq", "'.parquet'"), ("f", "f.npy"), ("", "")],
)
def test_other_suffixes_are_refused_with_the_three_there_are(run, home, tmp_path, name, fix):
    with pytest.raises(UsageError, match=r"\.npy, \.csv or \.parquet") as told:
        api.features(run, str(home / "photos"), out=tmp_path / name)
    assert told.value.code == "bad-setting" and fix in told.value.fix


def test_nothing_goes_into_the_run_or_the_data(run, home):
    before = snapshot(home)
    one = str(home / "photos/cat/0.png")
    for out, said in (
        (run.folder / "f.npy", "run folder"),
        (run.folder / "deep/f.csv", "run folder"),
        (home / "photos/f.npy", "into the data"),  # of training, though one file was handed over
        (home / "photos/cat/f.npy", "into the data"),
    ):
        with pytest.raises(UsageError, match=said):
            api.features(run, one, out=out)
    with pytest.raises(UsageError, match="into the data"):
        api.features(run, str(home), out=home / "f.npy")
    assert snapshot(home) == before


def test_a_network_without_an_embedding_is_refused(run, home, tmp_path):
    def blind(columns):
        return {"probabilities": run.infer(columns)["probabilities"]}

    other = dataclasses.replace(run, infer=blind)
    for verb in (api.features, api.similar):
        with pytest.raises(UsageError, match="only probabilities") as told:
            verb(other, str(home / "photos/cat/0.png"))
        assert told.value.code == "no-embedding" and "'embedding'" in told.value.message


def test_parquet_without_pyarrow_is_one_sentence(run, home, tmp_path, monkeypatch):
    monkeypatch.setattr(VERB, "parquet", lazy("pyarrow.parquet"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(EnvironmentRefused, match="pyarrow") as told:
        api.features(run, str(home / "photos"), out=tmp_path / "f.parquet")
    assert told.value.code == "missing-package" and "tenfold[parquet]" in told.value.fix
    assert not list(tmp_path.iterdir())


# --- the command ----------------------------------------------------------------------------------


def test_the_command_writes_beside_the_run(home):
    done = tenfold("features", "run", "photos", cwd=home)
    assert done.code == 0 and "run-features.npy" in done.out, done.err
    assert np.load(home / "run-features.npy").shape[0] == 24
    assert len(json.loads((home / "run-features.sources.json").read_text())) == 24
    assert tenfold("predict", "run", "photos/cat/0.png", cwd=home).code == 0  # still sealed
    inside = tenfold("features", ".", "../photos/cat/0.png", "--json", cwd=home / "run")
    assert inside.code == 0 and inside.document["out"] == str(home / "run-features.npy")


def test_the_command_tells_what_it_did(home):
    words = ("photos/cat/0.png", "no.png", "--out", "f.csv", "--json")
    found = tenfold("features", "run", *words, cwd=home).document
    assert set(found) == {*"schema task run out names rows dimensions unreadable messages".split()}
    assert (found["out"], found["names"], found["rows"]) == ("f.csv", None, 1)
    names = "\n".join(["photos/cat/0.png", "photos/dog/1.png"]).encode()
    done = tenfold("features", "run", "-", "--out", "g.parquet", "--json", cwd=home, stdin=names)
    assert done.document["rows"] == 2
    done = tenfold("features", "run", "no.png", "--out", "h.npy", cwd=home)
    assert done.code == 3 and "no.png does not exist" in done.last and not (home / "h.npy").exists()
    assert tenfold("features", "run", "photos", "--out", "x.json", cwd=home).code == 2
