"""The table of answers that `predict --csv` writes."""

import copy
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from subjects import Subject, trained

import tenfold
from tenfold.run.run import Run


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return trained("image-classification", tmp_path_factory)


def table(run: Run, subject: Subject, path: Path, **options) -> tuple[pd.DataFrame, list]:
    answers = [
        one.answer for one in tenfold.predict(run, subject.data / "test", csv=path, **options)
    ]
    return pd.read_csv(path, dtype={"source": str}), answers


def test_every_class_has_its_column_also_where_few_are_asked_for(subject, tmp_path):
    found, answers = table(subject.run, subject, tmp_path / "top.csv", top=1)
    assert list(found.columns) == ["source", "label", "error", *sorted(subject.run.classes)]
    assert len({one.label for one in answers}) > 1
    for (_, row), one in zip(found.iterrows(), answers, strict=True):
        assert row["label"] == one.label
        assert row[subject.run.classes].dropna().to_dict() == one.probabilities


def test_a_class_named_as_a_column_does_not_take_its_place(subject, tmp_path):
    facts = copy.deepcopy(subject.run.facts)
    facts["truths"]["classes"] = ["label", "error", "猫"]
    found, answers = table(replace(subject.run, facts=facts), subject, tmp_path / "names.csv")
    names = ["error (class)", "label (class)", "猫"]
    assert list(found.columns) == ["source", "label", "error", *names]
    assert found["label"].tolist() == [one.label for one in answers]
    assert found["label (class)"].tolist() == [one.probabilities["label"] for one in answers]
