"""Seconds from texts in memory to answers for the test rows, beside fastText and scikit-learn.

Claims: to an accuracy as good or better, at least 1.5 times as fast as the fastText package and 5
times as fast as scikit-learn's TF-IDF and logistic regression.
Protocol: one process a model, the same rows, start-up and imports not counted, three rounds turn
about; of tenfold the fastest candidate (naive Bayes, linear) whose accuracy is at least the peer's:
learning the vocabulary, encoding, fitting, choosing on validation, answering. fastText with the
settings of its own tutorial (25 passes, rate 1.0, pairs of words, two threads), tokens parted by
spaces beforehand, not counted; scikit-learn with its defaults, of Chinese on characters 1-3.
    python benchmarks/texts_speed.py [--rounds 3] [--data sst2 trec ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from common import HERE, show, spread
from environments import python_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from texts import CHINESE, NAMES, TASK, rows_of, share

from tenfold.answers.label import LABEL
from tenfold.core.columns import Columns, Parts
from tenfold.core.plan import Plan
from tenfold.core.rows import Rows
from tenfold.data.prepare import prepare
from tenfold.media.text import tokens
from tenfold.tasks.registry import find
from tenfold.training.inference import by_torch

CANDIDATES = ("naive-bayes", "linear")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", nargs="+", default=NAMES, choices=NAMES)
    told = parser.parse_args()
    for name in told.data:
        prepared = prepare(find(TASK), rows_of(name, 0), seed=0)
        tables = {part: prepared.table(part) for part in ("train", "valid", "test")}
        rounds = [once(name, tables) for _ in range(told.rounds)]
        show(name, **summary(rounds))


def once(name: str, tables: dict[str, pd.DataFrame]) -> dict[str, tuple[float, float]]:
    """(seconds, accuracy) of each model."""
    found = {candidate: ours(candidate, tables) for candidate in CANDIDATES}
    return found | {"fasttext": fasttext(tables), "scikit_learn": scikit_learn(name, tables)}


def summary(rounds: list[dict[str, tuple[float, float]]]) -> dict[str, Any]:
    """Spread of seconds and of ratios to the fastest candidate that is at least as good."""
    found: dict[str, Any] = {
        name: {"seconds": spread(one[name][0] for one in rounds), "accuracy": rounds[0][name][1]}
        for name in rounds[0]
    }
    for peer in ("fasttext", "scikit_learn"):
        good = [
            candidate for candidate in CANDIDATES if rounds[0][candidate][1] >= rounds[0][peer][1]
        ]
        if good:
            candidate = min(good, key=lambda one: found[one]["seconds"]["median"])
            ratios = spread(one[peer][0] / one[candidate][0] for one in rounds)
            found[f"times_as_fast_as_{peer}"] = ratios | {"candidate": candidate}
    return found


def ours(candidate: str, tables: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """One candidate by the task's own hooks."""
    task: Any = find(TASK, model=candidate)
    began = time.perf_counter()
    facts = task.learn(Rows(tables["train"], answer=LABEL))
    columns = {
        part: Columns(task.encode(one, facts).columns | task.targets(one, facts))
        for part, one in tables.items()
    }
    parts = Parts(columns["train"], columns["valid"], columns["valid"])
    net = task.fit(task.build(facts), parts, Plan(facts=facts)).net
    said = by_torch(net)(columns["test"].only(["ids", "tokens"]))["probabilities"]
    seconds = time.perf_counter() - began
    return seconds, float((said.argmax(1) == columns["test"]["label"]).mean())


def fasttext(tables: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """fastText in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{part}.txt" for part in ("train", "test")]
        for path, part in zip(paths, ("train", "test"), strict=True):
            path.write_text("".join(map(line, tables[part]["text"], tables[part]["label"])))
        script = HERE / "peers" / "fasttext_texts.py"
        command = [str(python_of("fasttext")), str(script), *map(str, paths)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["accuracy"]


def line(text: str, label: str) -> str:
    """A line as fastText takes it."""
    words = " ".join(text[start:end].lower() for start, end in tokens.places(text))
    return f"__label__{label.replace(' ', '_')} {words}\n"


def scikit_learn(name: str, tables: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """TF-IDF and logistic regression."""
    words = {"analyzer": "char", "ngram_range": (1, 3)} if name in CHINESE else {}
    began = time.perf_counter()
    model = make_pipeline(TfidfVectorizer(**words), LogisticRegression(max_iter=1000))
    model.fit(tables["train"]["text"], tables["train"]["label"])
    found = share(model, tables["test"])
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
