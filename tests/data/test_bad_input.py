"""The dirt that real folders hold: strange names, links, pipes, closed files, broken tables.

Each is used, or listed with a reason, or refused in one sentence; nothing the user made changes.
"""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import tenfold
from learning import watching
from pictures_made import TASK, bad_pictures, folder, ordinary_user, png, snapshot
from preparing import prepared, read, reasons

from tenfold.core.errors import DataRefused, EnvironmentRefused, TenfoldError
from tenfold.media.files import labelled, references
from tenfold.media.image.medium import IMAGE


@pytest.fixture
def photos(tmp_path):
    """A good folder; the test adds its dirt, and nothing in it may change."""
    return folder(tmp_path / "photos", 6)


# --- names ----------------------------------------------------------------------------------------

NAMES = [
    "猫的照片.png",
    "😀👩‍👩‍👧.png",
    "a#b.png",
    "a#path=x&item=3.png",
    "100%.png",
    "%41%2F.png",
    "with space .png",
    " leading.png",
    "new\nline.png",
    "tab\there.png",
    "-dash.png",
    "--help.png",
    "\u202egnp.exe.png",
    "quo'te\".png",
    "CON.png",
    "aux",
    "back\\slash.png",
    "semi;colon&and|pipe.png",
    "[glob]*?.png",
    "x" * 251 + ".png",
    "a..b.png",
    "é.png",
    "e\u0301.png",
    os.fsdecode(b"not-utf8-\xff\xe9.png"),
]


@pytest.fixture
def named(photos) -> Path:
    for number, name in enumerate(NAMES):
        (photos / "cat" / name).write_bytes(png(100 + number))
    return photos


def test_no_name_is_too_strange(named):
    before = snapshot(named)
    data = prepared(named)
    assert not data.quarantined and len(data.used) == 12 + len(NAMES)
    json.dumps(data.used["source"].tolist()).encode()
    assert not any(set(source) & set("\n\t\u202e") for source in data.used["source"])
    assert snapshot(named) == before


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_cell_of_a_name_leads_back_to_the_file(named, name):
    cell = references.file_cell(named / "cat" / name)
    cell.encode()
    assert references.file_of(cell) == named / "cat" / name
    assert references.fetch(cell) == (named / "cat" / name).read_bytes()


def test_strange_names_in_a_zip(named, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(named.rglob("*.png")):
            name = os.fsencode(path.relative_to(named)).decode("utf-8", "replace")
            file.writestr(name.replace("\\", "_"), path.read_bytes())
    data = prepared(archive)
    assert not data.quarantined and len(data.used) == 12 + len(NAMES) - 1


@pytest.mark.parametrize(
    "name", ["猫", "😀", "a#b", "50% off", "with space", "-dash", "quo'te\"", "CON", "train"]
)
def test_strange_class_names_come_out_as_they_went_in(photos, name):
    (photos / "dog").rename(photos / name)
    data = prepared(photos)
    assert set(data.facts["truths"]["classes"]) == {name, "cat"}


@pytest.mark.parametrize(
    ("name", "label"), [("two\nlines", "two%0Alines"), (os.fsdecode(b"n\xe9"), "n%E9")]
)
def test_class_names_that_json_cannot_carry_are_percent_encoded(photos, name, label):
    (photos / "dog").rename(photos / name)
    assert set(prepared(photos).used["label"]) == {"cat", label}


def test_upper_and_lower_case_are_two_classes_and_said(photos):
    for number in range(6):
        (photos / "Cat").mkdir(exist_ok=True)
        (photos / "Cat" / f"{number}.png").write_bytes(png(50 + number, 2))
    with watching() as listener:
        data = prepared(photos)
    assert set(data.used["label"]) == {"Cat", "cat", "dog"}
    assert any("differ only in case: 'Cat', 'cat'" in said for said in listener.sentences)


def test_composed_and_decomposed_names_are_one_class_of_two_folders(photos):
    (photos / "dog").rename(photos / "caf\u00e9")
    (photos / "cafe\u0301").mkdir()
    (photos / "cafe\u0301" / "0.png").write_bytes(png(50, 1))
    data = prepared(photos)
    assert data.used["label"].value_counts().to_dict() == {"caf\u00e9": 7, "cat": 6}
    assert len(data.used) == 13


def test_very_deep_folders(photos):
    place = str(photos / "cat")
    for _ in range(1100):  # deeper than Python's stack
        place += "/d"
        os.mkdir(place)
    with open(f"{place}/x.png", "wb") as file:
        file.write(png(9))
    try:
        assert len(prepared(photos).used) == 13
    finally:
        subprocess.run(["rm", "-rf", photos / "cat" / "d"], check=True)


# --- links, pipes, permissions --------------------------------------------------------------------


def test_links_that_leave_loop_or_lead_nowhere(photos, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png(77))
    cat = photos / "cat"
    (cat / "out.png").symlink_to(outside / "secret.png")
    (cat / "out-folder").symlink_to(outside, target_is_directory=True)
    (cat / "up.png").symlink_to("../../outside/secret.png")
    (cat / "nothing.png").symlink_to("gone.png")
    (cat / "self.png").symlink_to("self.png")
    (cat / "loop").symlink_to("..", target_is_directory=True)
    (cat / "twice.png").symlink_to("0.png")
    before = snapshot(tmp_path)
    data = prepared(photos)
    assert reasons(data) == {
        "cat/out.png": "link-out",
        "cat/out-folder": "link-out",
        "cat/up.png": "link-out",
        "cat/nothing.png": "broken-link",
        "cat/self.png": "broken-link",
    }
    assert "cat/loop" in data.ignored and len(data.used) == 13
    assert data.duplicates == [["cat/0.png", "cat/twice.png"]]
    assert snapshot(tmp_path) == before


def test_the_folder_itself_may_be_a_link(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos, target_is_directory=True)
    assert len(prepared(tmp_path / "link").used) == 12


def test_a_manifest_does_not_follow_links_out(photos, tmp_path):
    (tmp_path / "secret.png").write_bytes(png(77))
    (photos / "in.png").symlink_to(tmp_path / "secret.png")
    lines = [f"{name}/{n}.png,{name}" for name in ("cat", "dog") for n in range(6)]
    text = "\n".join(["path,label", *lines, "in.png,cat", "../secret.png,cat"])
    (photos / "l.csv").write_text(f"{text}\n{tmp_path}/secret.png,cat\n")
    for source in (photos, photos / "l.csv"):
        codes = list(reasons(prepared(source)).values())
        assert len(codes) == 3 and set(codes) <= {"link-out", "path-out"}


def test_a_pipe_is_not_waited_for(photos):
    os.mkfifo(photos / "cat" / "pipe.png")
    os.mkfifo(photos / "labels.csv")
    os.mkfifo(photos / "cat" / "unnamed")
    with pytest.raises(DataRefused, match=r"labels\.csv"):
        prepared(photos)
    (photos / "labels.csv").unlink()
    data = prepared(photos)
    assert reasons(data) == {"cat/pipe.png": "not-a-file", "cat/unnamed": "not-a-file"}
    os.mkfifo(photos / "alone")
    with pytest.raises(TenfoldError, match="neither a folder nor a file"):
        prepared(photos / "alone")


def test_files_and_folders_that_may_not_be_read(photos):
    secret, closed = photos / "cat" / "0.png", photos / "dog" / "closed"
    closed.mkdir()
    (closed / "x.png").write_bytes(png(8))
    secret.chmod(0)
    closed.chmod(0)
    try:
        with ordinary_user():
            data = prepared(photos)
        assert reasons(data) == {"cat/0.png": "no-permission", "dog/closed": "no-permission"}
        photos.chmod(0)
        with ordinary_user(), pytest.raises(EnvironmentRefused, match="cannot be read"):
            prepared(photos)
    finally:
        for path in (photos, secret, closed):
            path.chmod(0o700)


def test_a_manifest_that_may_not_be_read(photos):
    (photos / "l.csv").write_text("path,label\n")
    (photos / "l.csv").chmod(0)
    for source in (photos, photos / "l.csv"):
        with ordinary_user(), pytest.raises(DataRefused, match="denied"):
            prepared(source)


# --- manifests ------------------------------------------------------------------------------------

GOOD = "".join(f"{name}/{n}.png,{name}\n" for name in ("cat", "dog") for n in range(6))
REFUSED = {
    "no path column": ("a,label\n1,cat\n", "no column 'path'"),
    "no label column": ("path,b\ncat/0.png,1\n", "no column 'label'"),
    "header only": ("path,label\n", "a header and no rows"),
    "empty": ("", "is empty"),
    "blank": ("\n \n,,\n", "no column 'path'"),
}
ELSEWHERE = ("no path column", "no label column", "blank")
"""Tables that do not say what the files show: beside class folders, these count."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_manifest_is_refused(photos, name):
    text, said = REFUSED[name]
    (photos / "labels.csv").write_text(text)
    with pytest.raises(DataRefused) as refused:
        read(photos / "labels.csv")
    assert said in refused.value.message and "labels.csv" in str(refused.value)
    assert refused.value.fix and len(str(refused.value)) < 500
    if name in ELSEWHERE:
        rows = labelled.read(photos, IMAGE)
        assert len(rows.table) == 12 and rows.taken.left[0].names == ("labels.csv",)
        return
    with pytest.raises(DataRefused, match=said):
        read(photos)


def test_a_broken_line_changes_no_other_line(photos):
    broken = {
        "open quote": ('"cat/1.png,cat', "open-quote"),
        "quote inside": ('"cat/1.png"x,cat', "missing-file"),
        "NUL": ("cat/\0.png,cat", "nul"),
        "4 MB cell": (f"{'x' * (4 << 20)},cat", "missing-file"),
    }
    for line, code in broken.values():
        (photos / "labels.csv").write_text(f"path,label\n{GOOD}{line}\n{GOOD}")
        table = read(photos / "labels.csv")
        assert [one.code for one in table["problem"].dropna()] == [code]
        assert len(table) == 25 and table["source"].str.len().max() < 500


def test_broken_parquet_is_refused(photos):
    (photos / "labels.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(DataRefused, match="Parquet"):
        prepared(photos)


def test_lines_that_cannot_be_used_are_listed(photos):
    lines = ["nowhere.png,cat", ",cat", "cat,dog", "cat/0.png,dog,more", "cat/1.png", "cat/2.png,"]
    (photos / "l.csv").write_text("path,label\n" + GOOD + "\n".join(lines))
    data = prepared(photos)
    assert {source.split(" ")[0]: code for source, code in reasons(data).items()} == {
        "l.csv:14": "missing-file",
        "l.csv:15": "missing-path",
        "l.csv:16": "missing-file",
        "l.csv:17": "ragged",
        "l.csv:18": "ragged",
        "l.csv:19": "no-label",
    }
    assert len(data.used) == 12


def test_a_column_twice_and_a_wide_table(photos):
    (photos / "l.csv").write_text("path,label,label\n" + GOOD.replace("\n", ",z\n"))
    with pytest.raises(DataRefused, match="twice"):
        prepared(photos)
    wide = ",".join(f"c{n}" for n in range(20_000))
    (photos / "l.csv").write_text(f"path,label,{wide}\n" + GOOD.replace("\n", "," * 20_000 + "\n"))
    assert len(prepared(photos).used) == 12


def test_any_bytes_as_a_manifest_give_rows_or_a_sentence(photos):
    random = np.random.default_rng(3)
    start = ("path,label\n" + GOOD).encode()
    for number in range(60):
        data = bytearray(start)
        for at in random.integers(0, len(data), 1 + number % 5):
            data[at] = random.integers(256)
        (photos / "l.csv").write_bytes(bytes(data))
        try:
            table = read(photos / "l.csv")
            assert len(table) <= 14 and not table.empty
        except TenfoldError as error:
            assert error.code in ("bad-manifest", "two-readings", "encoding", "missing-column")
            assert error.fix and len(str(error)) < 1000


# --- all of it at once, through the real command --------------------------------------------------


def test_a_folder_full_of_dirt_is_learnt_from(tmp_path):
    root = folder(tmp_path / "dirty", 40)
    for number, name in enumerate(NAMES):
        (root / "dog" / name).write_bytes(png(100 + number, 1))
    for name, content in bad_pictures().items():
        (root / "cat" / f"bad-{name}").write_bytes(content)
    (root / "cat" / "out.png").symlink_to("/etc/hostname")
    (root / "cat" / "loop").symlink_to("..", target_is_directory=True)
    os.mkfifo(root / "cat" / "pipe.png")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "list.csv").write_text("id,value\n1,2\n")
    (root / "cat" / "same.png").write_bytes(png(3, 1))
    before = snapshot(root)
    words = [TASK, "dirty", "--size", "tiny", "--epochs", "3", "--batch", "16", "--device", "cpu"]
    done = tenfold("train", *words, cwd=tmp_path)
    assert done.code == 3 and "more than 5 %" in done.err and not (tmp_path / "runs").exists()
    done = tenfold("train", *words, "--on-bad", "skip", "--out", "run", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    rows = done.document["rows"]
    assert rows["train"] + rows["valid"] + rows["test"] == 80 + len(NAMES) + 1
    listed = [json.loads(line) for line in (tmp_path / "run" / "quarantine.jsonl").open()]
    assert len(listed) == rows["quarantined"] == len(bad_pictures()) + 2
    assert "report.html" in os.listdir(tmp_path / "run")
    again = tenfold("test", "run", "--json", cwd=tmp_path)
    assert again.code == 0 and again.document["scores"] == done.document["scores"]
    answers = tenfold("predict", "run", "dirty", "--json", cwd=tmp_path)
    assert answers.code == 3 and sum("error" in line for line in answers.lines) >= 16
    assert snapshot(root) == before


def test_a_run_on_names_that_are_not_utf_8(tmp_path):
    root = folder(tmp_path / "photos", 8)
    (root / "dog").rename(root / os.fsdecode(b"d\xf6g"))
    words = ["--size", "tiny", "--epochs", "1", "--batch", "8", "--device", "cpu", "--out", "run"]
    done = tenfold("train", TASK, "photos", *words, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert facts["truths"]["classes"] == ["cat", "d%F6g"]
    line = tenfold("predict", "run", "photos", "--json", cwd=tmp_path).lines[0]
    assert set(line["probabilities"]) == {"cat", "d%F6g"}
