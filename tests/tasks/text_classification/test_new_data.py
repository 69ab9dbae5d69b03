"""A run of texts on new data: lines and tables as in training, classes that it does not know."""

import pytest

import tenfold

WORDS = {"pos": "warm fresh tasty friendly lovely", "neg": "cold stale rude bland dirty"}
SETTINGS = {"model": "naive-bayes", "size": "tiny", "device": "cpu"}


def texts(label: str, count: int) -> list[str]:
    words = WORDS.get(label, "plain usual normal average common").split()
    return [f"soup {words[n % 5]} waiter {words[n // 5 % 5]} dinner {n}" for n in range(count)]


def test_lines_are_answered_one_by_one(tmp_path):
    rows = [(label, text) for label in WORDS for text in texts(label, 40)]
    (tmp_path / "train.txt").write_text("".join(f"{a} {b}\n" for a, b in rows))
    run = tmp_path / "run"
    tenfold.train("text-classification", tmp_path / "train.txt", out=run, **SETTINGS)
    new = tmp_path / "new.txt"
    new.write_text("the soup was warm and lovely\na cold stale soup\nthe waiter was rude\n")
    answers = [*tenfold.predict(run, str(new))]
    assert [one.answer.label for one in answers] == ["pos", "neg", "neg"]
    assert [one.source.rpartition(":")[2] for one in answers] == ["1", "2", "3"]


@pytest.mark.parametrize("unknown", [["neutral"], ["neutral", "mixed"]])
def test_classes_that_the_run_does_not_know_are_counted(tmp_path, unknown):
    def write(name: str, counts: dict[str, int], mark: str):
        lines = [f"{mark} {b},{a}\n" for a, count in counts.items() for b in texts(a, count)]
        (tmp_path / name).write_text("text,label\n" + "".join(lines))
        return tmp_path / name

    run, known = tmp_path / "run", {"pos": 40, "neg": 40}
    tenfold.train("text-classification", write("a.csv", known, "x"), out=run, **SETTINGS)
    new = write("b.csv", {"pos": 10, "neg": 10} | dict.fromkeys(unknown, 5), "y")
    found = tenfold.test(run, new)
    scores, classes = found["scores"], 2 + len(unknown)
    assert found["unknown_classes"] == dict.fromkeys(unknown, 5)
    assert scores["accuracy"]["value"] == pytest.approx(20 / (20 + 5 * len(unknown)))
    assert scores["macro_f1"]["value"] <= 2 / classes
    plain = tenfold.test(run, write("c.csv", {"pos": 10, "neg": 10}, "z"))
    assert plain["unknown_classes"] == {} and plain["scores"]["macro_f1"]["value"] == 1.0
