"""No verb replaces what the user made: inputs, data, runs, files of other programs."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import tenfold as command
from learning import watching
from pictures_made import folder, png
from subjects import Subject, trained

import tenfold
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.run.outputs import placed


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained("image-classification", tmp_path_factory)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "photo.png"
    path.write_bytes(png(1, 0))
    return path


def everything(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def refused(code: str, call, *args, **named) -> None:
    with pytest.raises(UsageError) as caught:
        list(call(*args, **named))
    error = caught.value
    assert error.code == code and error.where and error.fix


def outputs_of(run, photo: Path, data: Path):
    """Every verb that writes a file or a folder of pictures, by name: a call with its output."""
    return {
        "predict --csv": lambda out, **f: tenfold.predict(run, photo, csv=out, **f),
        "predict --out": lambda out, **f: tenfold.predict(
            run, photo, out=out.with_suffix(".jsonl"), **f
        ),
        "report": lambda out, **f: [tenfold.report(run, data=data, out=out, **f)],
        "report --compare": lambda out, **f: [
            tenfold.report(run, run, data=data, compare=True, out=out, **f)
        ],
        "check": lambda out, **f: [
            tenfold.check("image-classification", data, out=out.with_suffix(".html"), **f)
        ],
        "features": lambda out, **f: [
            tenfold.features(run, photo, out=out.with_suffix(".npy"), **f)
        ],
    }


PLACES = ("input", "hard link", "link to the input", "data", "run", "link into the run")


@pytest.mark.parametrize("place", PLACES)
def test_no_output_replaces_an_input_or_lies_in_data_or_a_run(subject, photo, tmp_path, place):
    hard, link, inside = tmp_path / "hard.png", tmp_path / "link.png", tmp_path / "inside"
    os.link(photo, hard)
    link.symlink_to(photo)
    inside.symlink_to(subject.run.folder)
    out = {
        "input": photo.parent / ".." / "in" / photo.name,
        "hard link": hard,
        "link to the input": link,
        "data": subject.data / "answers.csv",
        "run": subject.run.folder / "facts.json",
        "link into the run": inside / "facts.json",
    }[place]
    before = everything(subject.run.folder) | everything(subject.data) | everything(photo.parent)
    for force in (False, True):
        refused("bad-output", tenfold.predict, subject.run, photo, csv=out, force=force)
    assert before == (
        everything(subject.run.folder) | everything(subject.data) | everything(photo.parent)
    )


def test_every_verb_refuses_a_file_of_another_program(subject, photo, tmp_path):
    for name, call in outputs_of(subject.run, photo, subject.data).items():
        place = tmp_path / name.replace(" ", "")
        place.mkdir()
        for end in (".out", ".jsonl", ".html", ".npy", ".json"):
            (place / f"mine{end}").write_text("source,thoughts\na,b\n")
        before = everything(place)
        refused("output-exists", call, place / "mine.out")
        assert everything(place) == before, name


def test_a_report_does_not_replace_its_data(subject, tmp_path):
    rows = [f"{path},{path.parent.name}" for path in sorted(subject.data.rglob("*.png"))[:20]]
    table = tmp_path / "data.csv"
    table.write_text("\n".join(["file,label", *rows]))
    for more in ({}, {"force": True}):
        refused(
            "bad-output",
            lambda more=more: [tenfold.report(subject.run, data=table, out=table, **more)],
        )
    assert table.read_text().startswith("file,label")


def test_every_verb_refuses_a_place_in_a_run(subject, photo):
    before = everything(subject.run.folder)
    for call in outputs_of(subject.run, photo, subject.data).values():
        refused("bad-output", call, subject.run.folder / "new.out")
    assert everything(subject.run.folder) == before


def test_an_earlier_output_of_the_same_verb_is_replaced(subject, photo, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(png(2, 1))
    for end in (".csv", ".jsonl"):
        out = tmp_path / f"answers{end}"
        for one in (photo, other):
            list(tenfold.predict(subject.run, one, out=out))
        assert "other.png" in out.read_text("utf-8-sig") and "photo" not in out.read_text(
            "utf-8-sig"
        )
    for end in (".npy", ".csv", ".parquet"):
        out = tmp_path / f"features{end}"
        for one in ([photo, other], [other]):
            found = tenfold.features(subject.run, one, out=out)
        assert found["rows"] == 1 and len(found.vectors) == 1
    page = tmp_path / "check.html"
    for _ in range(2):
        tenfold.check("image-classification", subject.data, out=page, size="tiny")
    refused("output-exists", lambda: [tenfold.report(subject.run, data=subject.data, out=page)])


def test_a_table_of_the_user_with_similar_columns_is_no_earlier_output(subject, photo, tmp_path):
    out = tmp_path / "mine.csv"
    out.write_text("source,label,note\na.png,cat,blurred\n")
    refused("output-exists", tenfold.predict, subject.run, photo, csv=out)
    lines = tmp_path / "mine.jsonl"
    lines.write_text('{"source": "a.png", "label": "cat"}\n')
    refused("output-exists", tenfold.predict, subject.run, photo, out=lines)
    list(tenfold.predict(subject.run, photo, csv=out, force=True))
    assert next(csv.reader(out.open(encoding="utf-8-sig")))[:3] == ["source", "label", "error"]


def test_pictures_of_the_user_stay_where_answers_are_drawn(subject, photo, tmp_path):
    place = tmp_path / "drawn"
    for _ in range(2):
        list(tenfold.predict(subject.run, photo, draw=place))
    (place / "notes.txt").write_text("mine")
    list(tenfold.predict(subject.run, photo, draw=place))
    (place / "00000-photo.png").write_bytes(png(0, 0))
    before = everything(place)
    refused("output-exists", tenfold.predict, subject.run, photo, draw=place)
    refused("output-exists", tenfold.similar, subject.run, photo, draw=place)
    assert everything(place) == before
    explained = tmp_path / "explained"
    for _ in range(2):
        tenfold.explain(subject.run, photo, out=explained)
    (explained / "index.html").write_text("<p>mine</p>")
    refused("output-exists", lambda: [tenfold.explain(subject.run, photo, out=explained)])


def test_what_was_written_is_stated_with_its_place_and_number(subject, photo, tmp_path):
    broken = photo.with_name("broken.png")
    broken.write_bytes(b"x")
    out, drawn, near = tmp_path / "a.csv", tmp_path / "drawn", tmp_path / "near"
    with watching() as heard:
        answers = tenfold.predict(subject.run, [photo, photo, broken], out=out, draw=drawn)
        next(answers)
        assert not any(str(one) in str(s) for one in (out, drawn) for s in heard.sentences)
        list(answers)
        list(tenfold.similar(subject.run, [photo, broken], draw=near))
    told = [one.values for one in heard.sentences if isinstance(one, Message)]
    assert {"path": str(out), "count": 3} in told
    assert {"folder": str(drawn), "count": 2} in told and len([*drawn.iterdir()]) == 2
    assert {"folder": str(near), "count": 1} in told and len([*near.iterdir()]) == 1


def test_a_glob_that_matches_the_output_is_refused(subject, photo):
    out = photo.with_name("answers.csv")
    list(tenfold.predict(subject.run, str(photo), csv=out))
    refused("bad-output", tenfold.predict, subject.run, str(photo.parent / "*"), csv=out)


def test_a_run_is_not_trained_into_its_data_or_into_a_run(subject, tmp_path, monkeypatch):
    data = folder(tmp_path / "photos", 6)
    settings = {"size": "tiny", "epochs": 1, "device": "cpu"}
    for out in (data / "run", subject.run.folder / "run"):
        refused(
            "bad-output",
            lambda out=out: [tenfold.train("image-classification", data, out=out, **settings)],
        )
    monkeypatch.chdir(data)
    refused("bad-output", lambda: [tenfold.train("image-classification", ".", **settings)])
    assert sorted(path.name for path in data.iterdir()) == ["cat", "dog"]


def test_an_export_is_not_written_into_another_run_or_the_data(subject, tmp_path):
    for out in (subject.run.folder / "elsewhere", subject.data / "export"):
        refused("bad-output", lambda out=out: [tenfold.export(subject.run, out=out)])


def test_an_output_appears_when_it_is_complete(subject, photo, tmp_path):
    out = tmp_path / "answers.csv"
    answers = tenfold.predict(subject.run, [photo, photo], csv=out)
    next(answers)
    assert not out.exists()
    del answers
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_interrupted_output_leaves_the_earlier_one(tmp_path):
    out = tmp_path / "a" / "out.txt"
    with placed(out) as part:
        part.write_text("first")

    def interrupted() -> None:
        with placed(out) as part:
            part.write_text("second")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert out.read_text() == "first" and len(list(out.parent.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="needs /dev/stdout, links and a umask")
def test_streams_links_and_the_umask(subject, photo, tmp_path):
    done = command(
        "predict", subject.run.folder, photo, "--csv", "/dev/stdout", "--quiet", cwd=tmp_path
    )
    assert "source,label,error" in done.out.replace("\ufeff", "")
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.touch()
    link.symlink_to(real)
    list(tenfold.predict(subject.run, photo, csv=link))
    assert link.is_symlink() and "photo.png" in real.read_text("utf-8-sig")
    code = (
        "import os, pathlib; os.umask(0o077)\n"
        "from tenfold.core.system import write_atomically\n"
        "from tenfold.run.outputs import placed\n"
        "write_atomically(pathlib.Path('a'), 'x')\n"
        "with placed(pathlib.Path('b')) as part: part.write_text('x')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in "ab"} == {0o600}


def test_vectors_that_tenfold_did_not_write(subject, photo, tmp_path):
    out = tmp_path / "mine.npy"
    np.save(out, np.zeros((3, 4), np.float32))
    refused("output-exists", lambda: [tenfold.features(subject.run, photo, out=out)])
