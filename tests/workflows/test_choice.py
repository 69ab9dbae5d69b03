"""The task that fits data best, found from a few files, and what is asked where two are near."""

import gzip
import json
import os
import random
from pathlib import Path

import pytest
from commands import QUICK, refused, tenfold
from commands import home as home
from counting import rows_read
from pictures_made import TASK, folder
from PIL import Image

from tenfold.core.errors import DataRefused, UsageError
from tenfold.media.files.sample import MAX_BYTES, MAX_FILES_A_FOLDER, small_copy
from tenfold.media.interactions import read as interactions
from tenfold.media.registry import known
from tenfold.workflows import choice
from worlds import WORLDS

WORDS = [f"word{number}" for number in range(150)]


def text(row: int) -> str:
    return " ".join(random.Random(row).choices(WORDS, k=8))


def table(path: Path, header: str, line, rows: int = 300) -> Path:
    path.write_text("\n".join([header, *(line(row) for row in range(rows))]) + "\n")
    return path


# --- which task -----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", sorted({*WORLDS} & {*choice.found_by_data()}))
def test_the_data_of_each_task_are_recognised_as_its_own(task: str, tmp_path: Path):
    data = WORLDS[task].make(tmp_path / "data", 3)
    assert choice.guessed(str(data), "train") == task


@pytest.mark.parametrize(
    ("header", "line", "task"),
    [
        ("text,label", lambda row: f"{text(row)},{'ab'[row % 2]}", "text-classification"),
        ("label,review", lambda row: f"{row % 2},{text(row)}", "text-classification"),
        ("user,item,rating", lambda row: f"{row % 40},{row * 7 % 90},{row % 5}", "recommendation"),
        ("customer,product,rating", lambda row: f"c{row % 40},p{row % 70},3", "recommendation"),
    ],
)
def test_a_table_is_recognised_by_its_columns(header, line, task, tmp_path):
    data = table(tmp_path / "data.csv", header, line)
    assert choice.guessed(str(data), "check") == task


TEA = "steep_c,minutes,season,grade"


def cup(row: int) -> str:
    values = random.Random(row)
    blank = values.random() < 0.02
    return (
        f"{values.uniform(60, 95):.1f},{values.uniform(1, 7):.2f},"
        f"{values.choice(['spring', 'summer'])},{'' if blank else values.choice([1, 2, 4])}"
    )


@pytest.mark.parametrize(
    ("target", "tasks"),
    [
        ("season", ["tabular-classification"]),
        ("steep_c", ["tabular-regression"]),
        ("grade", ["tabular-classification", "tabular-regression"]),  # classes or amounts
    ],
)
def test_the_column_to_learn_decides_the_task_of_a_table(target, tasks, tmp_path):
    data = table(tmp_path / "tea.csv", TEA, cup)
    words = [str(data), "--target", target]
    if len(tasks) == 1:
        assert choice.with_task(words, set(), "train") == [*tasks, *words]
        return
    with pytest.raises(UsageError) as asked:
        choice.with_task(words, set(), "train")
    assert asked.value.code == "missing-task" and "1, 2, 4" in asked.value.fix
    for task in tasks:
        assert f"tenfold train {task} {data} --target {target}" in asked.value.fix


def test_a_table_without_a_column_to_learn_asks_for_both(tmp_path):
    data = table(tmp_path / "tea.csv", TEA, cup)
    with pytest.raises(UsageError) as asked:
        choice.guessed(str(data), "check")
    assert asked.value.code == "missing-task"
    assert f"tenfold check tabular-regression {data} --target NAME" in asked.value.fix


def test_a_table_of_numbers_is_no_list_of_items(tmp_path):
    data = table(tmp_path / "tea.csv", TEA.replace("grade", "quality"), cup)
    assert not any(one.task == "recommendation" for one in choice.fits(str(data)))


def test_a_rating_table_of_numbers_is_no_table_of_texts(tmp_path):
    data = table(
        tmp_path / "r.csv",
        "user,item,rating,time",
        lambda n: f"{n % 40},{n % 70},3,{1_600_000_000 + n}",
    )
    assert [one.task for one in choice.fits(str(data))] == ["recommendation"]


@pytest.mark.parametrize("between", [" ", ""])
def test_texts_beside_a_class_are_no_interactions(between, tmp_path):
    """Also in Chinese, which has no spaces."""

    def line(row: int) -> str:
        said = (
            text(row) if between else "".join(random.Random(row).choices("味道好送餐快面汤", k=16))
        )
        return f"{row % 2},{said}"

    data = table(tmp_path / "t.csv", "label,review", line)
    with pytest.raises(DataRefused) as stopped:
        interactions.read(data)
    assert stopped.value.code == "missing-column"


def test_most_files_decide_and_not_the_ones_beside_them(tmp_path):
    """Pictures in class folders, and a text in each that describes the class."""
    data = folder(tmp_path / "data", 8)
    for name in ("cat", "dog"):
        (data / name / "about.txt").write_text(text(len(name)))
    (data / "LICENSE").write_text(text(1))
    assert choice.guessed(str(data), "train") == TASK


def test_two_near_readings_are_both_shown(tmp_path):
    data = folder(tmp_path / "data", 4)
    for label, name in enumerate(("cat", "dog")):
        for number in range(4):
            (data / name / f"{number}.txt").write_text(text(9 * number + label))
    with pytest.raises(UsageError) as asked:
        choice.guessed(str(data), "tune")
    assert asked.value.code == "missing-task" and "several" in asked.value.message
    for task, medium in ((TASK, "pictures"), ("text-classification", "texts")):
        assert f"{medium} with the classes cat, dog: tenfold tune {task} {data}" in asked.value.fix


def test_sounds_beside_a_licence_end_in_a_sentence(tmp_path):
    for name in ("rock", "jazz"):
        (tmp_path / "songs" / name).mkdir(parents=True)
        (tmp_path / "songs" / name / "1.mp3").write_bytes(b"ID3")
    (tmp_path / "songs" / "LICENSE").write_text("Anyone may listen.\n")
    for verb in ("train", "check", "tune"):
        done = tenfold(verb, "songs", cwd=tmp_path)
        refused(done, 2, "The data are sounds, and no task reads sounds", TASK)
        assert "Traceback" not in done.err
    assert not any(one.suffixes & one.unread for one in known().values())


def test_data_of_no_task_name_the_whole_command(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.bin").write_bytes(bytes(range(256)))
    with pytest.raises(UsageError) as asked:
        choice.guessed(str(tmp_path / "data"), "check")
    assert asked.value.code == "missing-task" and "tenfold check TASK" in asked.value.fix


def test_labels_beside_many_pictures_are_read_with_their_pictures(tmp_path):
    """YOLO files with four of six classes each."""
    for folder_name in ("images", "labels"):
        (tmp_path / "parts" / folder_name).mkdir(parents=True)
    names = "".join(f"  {number}: part {number}\n" for number in range(6))
    (tmp_path / "parts" / "data.yaml").write_text(f"train: images\nnames:\n{names}")
    for number in range(70):
        noise = random.Random(number).randbytes(32 * 32 * 3)
        Image.frombytes("RGB", (32, 32), noise).save(tmp_path / f"parts/images/{number:03d}.png")
        lines = [f"{(number + one) % 6} 0.5 0.{one + 3} 0.2 0.1\n" for one in range(4)]
        (tmp_path / f"parts/labels/{number:03d}.txt").write_text("".join(lines))
    copy = small_copy(tmp_path / "parts", tmp_path / "place")
    stems = [{one.stem for one in (copy / name).iterdir()} for name in ("images", "labels")]
    assert stems[0] == stems[1] and len(stems[0]) == MAX_FILES_A_FOLDER
    best = choice.fits(str(tmp_path / "parts"))[0]
    assert best.task == "object-detection" and best.score > 0.85
    assert choice.guessed(str(tmp_path / "parts"), "train") == best.task


# --- a few files only -----------------------------------------------------------------------------


def test_no_task_reads_more_than_the_first_files(tmp_path, monkeypatch):
    data = folder(tmp_path / "data", 3)
    for number in range(400):
        os.link(data / "cat" / "0.png", data / "cat" / f"copy-{number}.png")
    rows = rows_read(monkeypatch)
    assert choice.guessed(str(data), "train") == TASK
    assert rows and max(rows) <= MAX_FILES_A_FOLDER + 3


def test_packed_texts_are_cut_and_other_packed_files_are_whole(tmp_path):
    line = "a warm day,good\n"
    documents = {f"item {number}": [text(number)] for number in range(3000)}
    contents = {
        "long.csv.gz": ("text,label\n" + line * 100_000).encode(),
        "short.csv.gz": line.encode(),
        "images.gz": b"\0\0\x08\x03" + bytes(300_000),
        "attributes.json.gz": json.dumps(documents).encode(),
        "rows.json.gz": b'{"text": "a", "label": "b"}\n' * 20_000,
    }
    (tmp_path / "data").mkdir()
    for name, content in contents.items():
        (tmp_path / "data" / name).write_bytes(gzip.compress(content))
    (tmp_path / "data" / "attributes.json").write_bytes(contents["attributes.json.gz"])
    copy = small_copy(tmp_path / "data", tmp_path / "place")
    for name, content in contents.items():
        found = gzip.decompress((copy / name).read_bytes())
        if name in ("long.csv.gz", "rows.json.gz"):
            assert len(found) <= MAX_BYTES and found.endswith(b"\n")
            assert content.startswith(found)
        else:
            assert found == content
    assert (copy / "attributes.json").read_bytes() == contents["attributes.json.gz"]


# --- through the real command ---------------------------------------------------------------------


def test_the_command_goes_on_with_the_flags_given(home):
    done = tenfold("train", *QUICK, "photos", "--out", "guessed", "--seed", "5", cwd=home)
    assert done.code == 0, done.err
    assert f"Task: {TASK} (pictures with the classes cat, dog)" in done.err
    task = json.loads((home / "guessed" / "task.json").read_text())
    plan = json.loads((home / "guessed" / "plan.json").read_text())
    assert task["task"] == TASK and '"seed": 5' in json.dumps(plan)
    assert '"size": "tiny"' in json.dumps(task)
    done = tenfold("check", "photos", "--size", "tiny", "--quiet", "--json", cwd=home)
    assert done.code == 0 and done.document["task"] == TASK and done.err == ""
    refused(tenfold("check", "photos", "--size", "huge", cwd=home), 2, "size of", "one of tiny")
