"""What the command says of what it is handed: documents, tables, errors a line."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Done, refused, tenfold
from commands import home as home
from pictures_made import HTML, TASK, cut, drawn, encoded, folder, png, zipped

import tenfold as api
from tenfold.core.errors import UsageError

# --- documents ------------------------------------------------------------------------------------


def scored(document: dict) -> bool:
    one = document["scores"][document["headline"]]
    assert (
        set(one) == {"value", "low", "high", "baseline"}
        and one["low"] <= one["value"] <= one["high"]
    )
    assert document["schema"] == 1 and document["task"] == TASK and document["run"] == "run"
    assert document["headline"] in document["baselines"]["constant baseline"]
    return all(
        set(one) == {"value", "low", "high", "baseline"} for one in document["scores"].values()
    )


def test_train_as_json(home):
    found = json.loads((home / "trained.json").read_text())
    assert scored(found) and set(found["rows"]) == {"train", "valid", "test", "quarantined"}
    assert set(found["seconds"]) == {"read", "encode", "train", "test", "total"}
    assert (home / found["report"]).exists()
    kept = json.loads((home / "run" / "scores.json").read_text())
    assert found | {"report": ""} == kept | {"report": ""}


def test_test_as_json(home):
    found = tenfold("test", "run", "--json", cwd=home).document
    trained = json.loads((home / "trained.json").read_text())
    assert scored(found) and found["scores"] == trained["scores"]
    assert found["rows"]["test"] == trained["rows"]["test"]
    folder(home / "fresh", 4, side=20)
    found = tenfold("test", "run", "fresh", "--json", cwd=home).document
    assert scored(found) and found["rows"]["test"] == 8
    rows = {"train", "valid", "test", "left_out", "quarantined"}
    assert set(found["rows"]) == rows and found["rows"]["left_out"] == 0
    assert found["seconds"]["total"] > 0 and found["report"].endswith("report.html")
    found = tenfold("test", "run", "photos", "--json", cwd=home).document
    assert found["rows"]["left_out"] + found["rows"]["test"] == 32


def test_check_as_json(home):
    folder(home / "dirty", 24)
    (home / "dirty" / "cat" / "bad.png").write_bytes(b"")
    (home / "dirty" / "note.txt").write_text("x")
    (home / "dirty" / "dog" / "same.png").write_bytes(png(3, 0))
    found = tenfold("check", TASK, "dirty", "--json", "--size", "tiny", cwd=home).document
    wanted = "found used quarantined ignored duplicates leaks conflicts classes estimate"
    assert set(wanted.split()) <= set(found) and found["schema"] == 1
    assert (found["found"], found["used"]) == (51, 49)
    (bad,) = found["quarantined"]
    assert bad["source"] == "cat/bad.png" and bad["reason"] and bad["fix"]
    assert found["ignored"] == ["note.txt"] and len(found["conflicts"]) == 1
    assert {"minutes", "memory", "disk"} <= set(found["estimate"])


def test_predict_as_json_is_an_object_a_line(home):
    done = tenfold("predict", "run", "photos/cat", "nothing.png", "--json", cwd=home)
    assert done.code == 3 and len(done.lines) == 17
    first, last = done.lines[0], done.lines[-1]
    assert first["source"] == "photos/cat/0.png" and first["answer"] == "label"
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert last["source"] == "nothing.png" and last["error"]["code"] == "missing-file"


def test_explain_and_report_as_json(home):
    found = tenfold("explain", "run", "photos/cat/0.png", "--json", cwd=home).document
    assert found["schema"] == 1 and found["inputs"][0]["explanations"]
    assert (home / found["page"]).exists()
    found = tenfold("report", "run", "--json", cwd=home).document
    assert found["schema"] == 1 and (home / found["report"]).exists()


def test_kinds_runs_and_doctor_as_json(home):
    found = tenfold("tasks", "--json", cwd=home).document
    assert TASK in found["tasks"] and found["schema"] == 1
    found = tenfold("tasks", TASK, "--json", cwd=home).document
    assert found["settings"]["size"]["choices"] and "top" in found["options"]
    found = tenfold("runs", ".", "--json", cwd=home).document
    assert [one["run"] for one in found["runs"]] == ["run"] and found["runs"][0]["finished"]
    found = tenfold("doctor", "--json", cwd=home).document
    assert found["versions"]["tenfold"] == api.__version__ and found["schema"] == 1


@pytest.mark.slow
def test_demo_as_json(tmp_path):
    found = tenfold("demo", "--json", cwd=tmp_path).document
    assert found["schema"] == 1 and found["scores"]["accuracy"]["value"] > 0.9
    assert len(found["answers"]) >= 1 and (tmp_path / found["report"]).exists()


def test_an_error_as_json_is_one_document(home):
    for words, code in (
        (["train", TASK, "nowhere", "--json"], 2),
        (["train", "nothing", "--json"], 2),
        (["trian", "--json"], 2),
        (["train", TASK, "photos", "--sized", "1", "--json"], 2),
        (["test", "nowhere", "--json"], 2),
    ):
        done = tenfold(*words, cwd=home)
        assert done.code == code
        found = done.document
        assert found["schema"] == 1
        assert set(found["error"]) == {"code", "message", "where", "fix", "values"}
        assert found["error"]["message"] and found["error"]["fix"]


# --- what can be handed over ----------------------------------------------------------------------


def sources(done: Done) -> list[str]:
    assert done.code == (3 if any("error" in line for line in done.lines) else 0), done.err
    return [line["source"] for line in done.lines]


def predicted(home: Path, *words: str, **more) -> list[str]:
    return sources(tenfold("predict", "run", *words, "--json", cwd=home, **more))


def test_files_folders_globs_zips_and_standard_input(home):
    zipped(home / "photos" / "cat", home / "cats.zip")
    names = [f"photos/cat/{n}.png" for n in sorted(map(str, range(16)))]
    assert predicted(home, *names) == names
    assert sorted(predicted(home, "photos/cat/")) == sorted(names)
    assert sorted(predicted(home, "photos/c*/1*.png")) == sorted(n for n in names if "/1" in n)
    assert len(predicted(home, "photos/**/*.png")) == 32
    assert len(predicted(home, "cats.zip")) == 16
    lines = "\n".join(names).encode()
    assert predicted(home, "-", stdin=lines) == names
    assert predicted(home, "-", stdin=lines.replace(b"\n", b"\r\n") + b"\r\n\r\n") == names


def test_names_on_standard_input_need_not_be_utf_8(home):
    path = os.fsencode(home / "photos") + b"/caf\xe9.png"
    Path(os.fsdecode(path)).write_bytes(png(1))
    try:
        (line,) = tenfold("predict", "run", "-", "--json", cwd=home, stdin=path + b"\n").lines
        assert line["label"] and os.fsencode(line["source"]) == path
        text = tenfold("predict", "run", path, cwd=home)
        assert text.code == 0 and "caf\N{REPLACEMENT CHARACTER}.png" in text.out
    finally:
        os.remove(path)


def test_a_glob_without_a_match_and_an_empty_folder(home):
    (home / "empty").mkdir(exist_ok=True)
    done = tenfold("predict", "run", "x*.png", "photos/cat/0.png", "empty", "--json", cwd=home)
    assert done.code == 3 and [("error" in line) for line in done.lines] == [True, False]
    refused(tenfold("predict", "run", "empty", cwd=home), 3, "No input was found", "(empty)")
    refused(tenfold("predict", "run", cwd=home), 2, "files or folders")


def test_what_cannot_be_read_is_answered_on_its_own_line(home):
    place = home / "mixed"
    place.mkdir(exist_ok=True)
    (place / "a.png").write_bytes(b"")
    (place / "b.png").write_bytes(png(1))
    (place / "c.jpg").write_bytes(HTML)
    (place / "d.png").write_bytes(cut(png(2), 0.6))
    with zipfile.ZipFile(place / "e.zip", "w") as file:
        file.writestr("../out.png", png(3))
    os.mkfifo(place / "f.png")
    words = ["mixed/a.png", "mixed", "mixed/e.zip", "mixed/f.png", "mixed/b.png", "photos/dgo"]
    done = tenfold("predict", "run", *words, "--json", cwd=home)
    assert done.code == 3 and "Traceback" not in done.err
    bad = {line["source"]: line["error"] for line in done.lines if "error" in line}
    good = [line["source"] for line in done.lines if "error" not in line]
    assert good == ["mixed/b.png"] * 2 and set(bad) == {
        *(f"mixed/{name}" for name in ("a.png", "c.jpg", "d.png", "e.zip", "f.png")),
        "photos/dgo",
    }
    assert all(one["message"] and one["code"] for one in bad.values())
    assert "'dog'" in bad["photos/dgo"]["fix"]
    done = tenfold("predict", "run", "mixed/a.png", "mixed/c.jpg", cwd=home)
    assert done.code == 3 and len(done.out.splitlines()) == 2 and "ERROR" in done.out


def test_a_name_with_a_dash_in_front(home):
    (home / "-x.png").write_bytes(png(1))
    refused(tenfold("predict", "run", "-x.png", cwd=home), 2, "'./-x.png'")
    assert predicted(home, "./-x.png") == ["./-x.png"]
    assert sources(tenfold("predict", "run", "--json", "--", "-x.png", cwd=home)) == ["-x.png"]


def test_answers_as_csv_and_drawn(home):
    names = ["nothing.png", "photos/cat/0.png", "=1+1.png", "a#b %41.png"]
    for number, name in enumerate(names[2:]):
        (home / name).write_bytes(png(number))
    zipped(home / "photos" / "dog", home / "dogs.zip")
    words = [*names, "dogs.zip", "--csv", "out.csv", "--draw", "drawn"]
    assert tenfold("predict", "run", *words, cwd=home).code == 3
    table = pd.read_csv(home / "out.csv")
    assert list(table.columns) == ["source", "label", "error", "cat", "dog"] and len(table) == 20
    assert table["error"].notna().tolist() == [True] + [False] * 19
    assert list(table["source"][:4]) == [*names[:2], "'=1+1.png", names[3]]
    assert len(list((home / "drawn").glob("*.png"))) == 19
    words = ["nothing.png", "--csv", "none.csv"]
    assert tenfold("predict", "run", *words, cwd=home).code == 3
    assert list(pd.read_csv(home / "none.csv")["source"]) == ["nothing.png"]


def test_python_takes_arrays_bytes_files_and_frames_too(home):
    run = api.open_run(home / "run", "cpu")
    picture, path = drawn(3), home / "photos" / "cat" / "3.png"
    wanted = [one.to_json()["probabilities"] for one in api.predict(run, str(path))]

    def answers(inputs) -> list:
        return [one.to_json().get("probabilities") for one in api.predict(run, inputs)]

    array = np.asarray(picture)
    with path.open("rb") as opened:
        many = [path, array, encoded(picture), opened, picture, None]
        assert answers(many) == wanted * 5 + [None]
    with path.open("rb") as opened:
        assert answers(opened) == wanted
    assert answers(array) == answers(array[None]) == answers(iter([array])) == wanted
    for name in ("image", "path"):
        frame = pd.DataFrame({name: pd.Series([str(path), array, None], dtype=object)})
        found = list(api.predict(run, frame))
        assert [one.to_json().get("probabilities") for one in found] == [*wanted, *wanted, None]
        assert [one.source for one in found] == [str(path), "row 1", "row 2"]
    named = pd.DataFrame({"image": [array], "source": ["mine"]}, index=[7])
    assert [one.source for one in api.predict(run, named)] == ["mine"]
    with pytest.raises(UsageError, match="no column 'image'"):
        list(api.predict(run, pd.DataFrame({"x": [1]})))
