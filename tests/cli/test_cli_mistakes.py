"""Mistakes at the command line: a word for the nearest right one, and an exit code each."""

import subprocess

import pytest
from commands import QUICK, refused, tenfold
from commands import home as home
from pictures_made import TASK, folder

import tenfold as api
from tenfold.core.errors import UsageError

# --- mistakes -------------------------------------------------------------------------------------

MISTYPED = [
    (["trian", TASK, "photos"], "'train'"),
    (["train", "image-clasification", "photos"], f"'{TASK}'"),
    (["train", "image_classification", "photos"], f"'{TASK}'"),
    (["train", TASK, "fotos"], "'photos'"),
    (["check", TASK, "photos/../fotos"], "'photos'"),
    (["train", TASK, "photos", "--epoch", "1"], "'--epochs'"),
    (["train", TASK, "photos", "--netwrok", "fast"], "'--network'"),
    (["train", TASK, "photos", "--network", "fats"], "'fast'"),
    (["train", TASK, "photos", "--optimizer", "adam"], "'adamw'"),
    (["predict", "run", "photos", "--topp", "1"], "'--top'"),
    (["tasks", "image-classifier"], f"'{TASK}'"),
]


@pytest.mark.parametrize(("words", "right"), MISTYPED, ids=str)
def test_a_mistyped_word_gets_the_nearest_right_one(home, words, right):
    refused(tenfold(*words, cwd=home), 2, f"Did you mean {right}?")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--epochs", "0"], "epochs must be more than 0"),
        (["--epochs", "many"], "--epochs"),
        (["--minutes", "-1"], "minutes must be more than 0"),
        (["--minutes", "1", "--epochs", "1"], "not both"),
        (["--batch", "0"], "batch"),
        (["--seed", "-1"], "seed must be from 0"),
        (["--limit", "0"], "limit"),
        (["--on-bad", "ignore"], "stop, fail, skip"),
        (["--device", "gpu"], "device must be"),
        (["--precision", "int8"], "precision must be one of"),
        (
            ["--image-size", "5000"],
            "image_size of image-classification must be a whole number from 0",
        ),
        (["--learning-rate", "nan"], "learning_rate of image-classification must be a number"),
        (["--size", ""], "size of image-classification must be one of tiny"),
    ],
    ids=str,
)
def test_values_that_cannot_be_say_what_can(home, words, said):
    refused(tenfold("train", TASK, "photos", *words, cwd=home), 2, said)


def test_a_mistyped_task_gets_the_command_that_fits_the_data(home):
    right = f"tenfold train {TASK} photos"
    for words in (
        ["zebra", "photos"],
        ["zebra", "photos", "--size", "tiny"],
        ["photos", TASK],
    ):
        refused(tenfold("train", *words, cwd=home), 2, right)
    folder(home / "my photos", 3)
    done = tenfold("check", "zebra", "my photos", cwd=home)
    refused(done, 2, f"tenfold check {TASK} 'my photos'")
    refused(tenfold("train", TASK, cwd=home), 2, f"tenfold train {TASK} FOLDER")
    refused(tenfold("train", cwd=home), 2, "TASK")
    refused(tenfold("train", "fotos", cwd=home), 2, "no file has this name")


def test_python_says_the_same(home, monkeypatch):
    monkeypatch.chdir(home)
    said = tenfold("train", "zebra", "photos", cwd=home).last
    with pytest.raises(UsageError) as error:
        api.train("zebra", "photos")
    assert f"Error: {error.value}" == said.strip() and error.value.exit_code == 2
    said = tenfold("train", TASK, "empty-one", cwd=home).last
    with pytest.raises(UsageError) as error:
        api.train(TASK, "empty-one")
    assert f"Error: {error.value}" == said.strip()


# --- exit codes -----------------------------------------------------------------------------------


def test_2_a_file_for_a_folder_and_a_run_that_is_none(home):
    refused(tenfold("train", TASK, "photos/cat/0.png", cwd=home), 2, "is a file")
    refused(tenfold("test", "photos", cwd=home), 2, "not a run folder", "tenfold runs")
    refused(
        tenfold("predict", "nowhere", "x.png", cwd=home),
        2,
        "The run folder 'nowhere' does not exist",
    )
    refused(tenfold("runs", "--remove", "photos", cwd=home), 2, "not a run folder")
    assert (home / "photos" / "cat").is_dir()
    refused(tenfold("train", TASK, "photos", "--out", "run", *QUICK, cwd=home), 2, "finished run")
    refused(
        tenfold("train", TASK, "photos", "--out", "photos", *QUICK, cwd=home), 2, "into the data"
    )


def test_3_data_that_cannot_be_learnt_from(home):
    (home / "hollow").mkdir(exist_ok=True)
    refused(tenfold("train", TASK, "hollow", cwd=home), 3, "The folder holds no files", "(hollow)")
    folder(home / "single", 4, classes=("cat",))
    refused(tenfold("train", TASK, "single", *QUICK, cwd=home), 3, "only one class, 'cat'")
    folder(home / "rotten", 9)
    for number in range(3):
        (home / "rotten" / "cat" / f"{number}.png").write_bytes(b"")
    done = refused(tenfold("train", TASK, "rotten", *QUICK, cwd=home), 3, "3 of 18 files", "5 %")
    assert "cat/0.png" in done.last
    words = [*QUICK, "--on-bad", "skip", "--out", "anyway"]
    assert tenfold("train", TASK, "rotten", *words, cwd=home).code == 0
    words = [*QUICK, "--on-bad", "fail"]
    refused(tenfold("train", TASK, "rotten", *words, cwd=home), 3, "cat/0.png", "0 bytes")


def test_4_a_cache_that_cannot_be_written(home):
    env = {"TENFOLD_CACHE": str(home / "trained.json" / "cache")}
    words = ["train", TASK, "photos", "--image-size", "9", *QUICK]
    refused(tenfold(*words, cwd=home, env=env), 4, "cache cannot be written", "TENFOLD_CACHE")


def test_6_a_run_that_was_changed(home):
    assert subprocess.run(["cp", "-r", home / "run", home / "changed"]).returncode == 0
    facts = home / "changed" / "facts.json"
    facts.write_text(facts.read_text().replace("cat", "cow"))
    refused(
        tenfold("predict", "changed", "photos", cwd=home), 6, "facts.json", "changed or damaged"
    )
