"""Verbs x flags x tasks: every task goes through every verb, or is refused in a sentence.

A refusal must name what can be done instead; a crash is never an answer.
"""

import csv
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import served
from exported import exported
from subjects import Subject, subject

import tenfold
from tenfold.answers.files import CSV
from tenfold.core.errors import TenfoldError, UsageError
from tenfold.data.prepare import prepare
from tenfold.media.files import references
from tenfold.media.registry import medium_of
from tenfold.run import rows as run_rows
from tenfold.run.run import open_run

__all__ = ["subject"]


def refused(caught: pytest.ExceptionInfo[TenfoldError]) -> TenfoldError:
    """The refusal, once it says what, and what to do."""
    assert caught.value.message and caught.value.fix and caught.value.code != "error"
    return caught.value


def settings(subject: Subject) -> dict[str, Any]:
    return {"seed": 3, "device": "cpu", **subject.world.plan, **subject.world.settings}


# --- check and train ---


def test_check_with_a_class_mapping(subject: Subject, tmp_path: Path):
    """Classes are merged where answers have some, and named as missing where they have none."""
    names = sorted(subject.prepared.answer.classes_in(subject.prepared.used))
    page, own = tmp_path / "check.html", subject.world.settings
    if not names:
        with pytest.raises(UsageError) as caught:
            tenfold.check(subject.name, subject.data, classes={"a": "b"}, out=page, **own)
        assert refused(caught).code == "no-classes"
        return
    mapping = {names[0]: f"new {names[0]}"}
    found = tenfold.check(subject.name, subject.data, classes=mapping, out=page, **own).to_json()
    assert set(found["classes"]) == {*names[1:], f"new {names[0]}"}
    with pytest.raises(UsageError) as caught:
        tenfold.check(subject.name, subject.data, classes={"nothing": "x"}, out=page, **own)
    assert refused(caught).code == "unknown-class"


def test_a_dropped_class_is_learnt_no_more(subject: Subject):
    names = sorted(subject.prepared.answer.classes_in(subject.prepared.used))
    if not names:
        return
    left = prepare(subject.task, subject.data, seed=3, mapping={names[0]: None})
    assert names[0] not in left.answer.classes_in(left.used)
    assert names[1] in left.answer.classes_in(left.used)


@pytest.mark.parametrize("on_bad", ["stop", "skip", "fail"])
def test_check_with_a_limit_and_every_rule_for_bad_rows(
    subject: Subject, on_bad: str, tmp_path: Path
):
    page = tmp_path / "check.html"
    found = tenfold.check(
        subject.name, subject.data, limit=5, on_bad=on_bad, out=page, **subject.world.settings
    ).to_json()
    assert max(found["parts"].values()) == 5 and found["beyond"] > 0
    assert page.read_text("utf-8").count("<html") == 1


def test_train_with_a_plan_alone_learns_nothing(subject: Subject, tmp_path: Path):
    out = tmp_path / "run"
    told = tenfold.train(
        subject.name, subject.data, out=out, plan=True, **subject.world.settings
    ).to_json()
    assert not out.exists() and told["task"] == subject.name


def test_stored_rows_are_plain_text(subject: Subject):
    """Only the reasons of unusable rows are messages, which store a template and values each."""
    lines = (subject.run.folder / "rows.jsonl").read_text("utf-8").splitlines()
    assert lines and not any('"messages"' in line for line in lines)


# --- test, report, compare ---


def test_test_on_data_given(subject: Subject, tmp_path: Path):
    """Rows that learnt are left out of data that hold them all."""
    found = tenfold.test(subject.run.folder, subject.data).to_json()
    assert found["headline"] == subject.prepared.answer.headline
    assert found["rows"]["test"] == len(subject.prepared.rows(subject.part))
    own = tenfold.test(subject.run.folder).to_json()
    name = own["headline"]
    assert own["scores"][name] == subject.run.scores["scores"][name] == found["scores"][name]


def test_reports_are_written_in_both_languages(subject: Subject, tmp_path: Path):
    for lang in ("en", "zh"):
        page = tmp_path / f"{lang}.html"
        tenfold.report(subject.run.folder, out=page, data=subject.data, lang=lang)
        text = page.read_text("utf-8")
        assert f'lang="{lang}' in text and "None</" not in text and "Undefined" not in text


def test_rows_whose_truth_differs_are_not_compared(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two runs that were told different truths of some test rows are not compared on these."""
    other = tmp_path / "other"
    changed = {**settings(subject), "seed": 4}
    tenfold.train(subject.name, subject.data, out=other, **changed)
    pair = [subject.run.folder, other]
    both = tenfold.report(pair, compare=True, out=tmp_path / "one.html").to_json()
    assert both["rows"]["judged"] == len(subject.prepared.rows(subject.part))
    real = run_rows.rows_of
    truths = subject.prepared.answer.truths
    test = [row for row in real(subject.run) if row["split"] == subject.part]
    moved = {
        row["digest"]: {name: next_[name] for name in truths}
        for row, next_ in list(itertools.pairwise(test))[:7]
        if not subject.prepared.answer.same(row, next_)
    }
    assert moved, "the world's truths are all equal"

    def rows_of(run):
        rows = real(run)
        return [row | moved.get(row["digest"], {}) for row in rows] if run.home == other else rows

    monkeypatch.setattr(run_rows, "rows_of", rows_of)
    less = tenfold.report(pair, compare=True, out=tmp_path / "two.html").to_json()
    assert less["rows"]["judged"] == both["rows"]["judged"] - len(moved)


# --- predict, explain, similar, features ---


def test_predict_writes_every_format(subject: Subject, tmp_path: Path):
    """Each that the kind of the answers declares; one that no kind knows is refused by name."""
    handed, kind = subject.world.hand_over(subject.data), subject.run.result_kind
    assert {".csv", ".jsonl"} <= set(kind.files)
    for end in kind.files:
        path = tmp_path / f"answers{end}"
        answers = [one.to_json() for one in tenfold.predict(subject.run, handed, out=path)]
        assert path.exists() and len(answers) > 0
        assert {one["answer"] for one in answers} == {kind.name}
    table = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8-sig")))
    assert {row["source"] for row in table} == {one["source"] for one in answers}
    if kind.files[".csv"] is CSV:  # a row for each answer; others have a row for each object
        assert len(table) == len(answers) and set(kind.prediction.columns) <= set(table[0])
    lines = map(json.loads, (tmp_path / "answers.jsonl").read_text("utf-8").splitlines())
    bare = [{key: one for key, one in line.items() if key != "asked"} for line in lines]
    assert bare == json.loads(json.dumps(answers))
    with pytest.raises(UsageError) as caught:
        tenfold.predict(subject.run, handed, out=tmp_path / "answers.xyz")
    assert refused(caught).code == "bad-setting" and ".jsonl" in caught.value.fix


def test_predict_draws_or_says_that_it_cannot(subject: Subject, tmp_path: Path):
    handed = subject.world.hand_over(subject.data)
    try:
        count = len(list(tenfold.predict(subject.run, handed, draw=tmp_path / "drawn")))
    except UsageError as error:
        assert error.fix and "draw" in error.where
        return
    assert len(list((tmp_path / "drawn").iterdir())) == count


def test_explain_with_and_without_a_class(subject: Subject, tmp_path: Path):
    handed, out = subject.world.hand_over(subject.data), tmp_path / "explained"
    found = tenfold.explain(subject.run, handed, out=out, limit=1).to_json()
    assert found["inputs"][0]["explanations"]
    names = subject.prepared.answer.explainable(subject.facts.get("truths", {}))
    if not names:
        with pytest.raises(UsageError) as caught:
            tenfold.explain(subject.run, handed, out=out, about="a")
        assert refused(caught).code == "unknown-class"
        return
    about = tenfold.explain(subject.run, handed, out=out, about=names[-1], limit=1).to_json()
    assert about["about"] == names[-1] and about["inputs"][0]["explanations"]


def test_similar_and_features(subject: Subject, tmp_path: Path):
    handed = subject.world.hand_over(subject.data)
    embeds = "embedding" in subject.run.infer(subject.prepared.inputs(subject.part))
    if not embeds:
        for verb in (tenfold.similar, tenfold.features):
            with pytest.raises(UsageError) as caught:
                list(verb(subject.run, handed))
            assert refused(caught).code == "no-embedding"
        return
    near = [one.to_json() for one in tenfold.similar(subject.run, handed, k=2, data=subject.data)]
    assert near and all(len(one["neighbours"]) == 2 for one in near if "neighbours" in one)
    json.dumps(near, allow_nan=False)
    made = tenfold.features(subject.run, handed, out=tmp_path / "f.csv")
    assert len(made.vectors) == len(made.sources) > 0


def test_an_export_is_opened_and_answers(subject: Subject, tmp_path: Path, tmp_path_factory):
    """The suite of exports compares every answer; here one goes through the verbs."""
    handed = subject.world.hand_over(subject.data)
    home = exported(subject.name, tmp_path_factory)
    opened = open_run(shutil.copytree(home / "run" / "export", tmp_path / "export"))
    want = [one.answer for one in tenfold.predict(subject.run, handed)]
    have = [one.answer for one in tenfold.predict(opened, handed)]
    kind = subject.prepared.answer
    assert all(kind.decides_alike(one, other, 1e-3) for one, other in zip(want, have, strict=True))


# --- serve ---


def as_sent(declared: Any, cell: Any) -> Any:
    """The JSON value of a cell: base64 of a file, an object of fields, else what the cell holds."""
    medium = medium_of(declared)
    if declared.fields:
        known = [None if value != value else value for value in cell.values]
        return dict(zip(declared.fields, known, strict=True))
    return served.coded(references.fetch(cell)) if medium.files else cell


def rounded(answer: Any) -> Any:
    """The answer with its numbers to four places: rows asked together differ in the sixth."""
    if isinstance(answer, dict):
        return {name: rounded(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [rounded(value) for value in answer]
    return pytest.approx(answer, abs=1e-4) if isinstance(answer, float) else answer


def test_a_server_gives_the_answers_of_predict(subject: Subject):
    """Asked alone and in a batch; what is no value of the medium is refused."""
    handed = subject.world.hand_over(subject.data)
    ((name, declared),) = subject.task.inputs(subject.facts).items()
    medium = medium_of(declared)
    ((cell, _),) = medium.rows(handed, itertools.count(1), subject.run.reading)
    good, bad = {name: as_sent(declared, cell)}, {name: {"no": "value"}}
    if declared.fields:  # a server asks for each field
        good = good[name]
        bad = good | {next(iter(declared.fields)): {"no": "value"}}
    want = rounded(served.in_process(subject.run, [handed]))
    with served.thread([subject.run]) as server:
        alone = server.post(served.PREDICT, {"inputs": good}).json()
        assert alone["predictions"] == want
        refusal = server.post(served.PREDICT, {"inputs": bad})
        assert (refusal.status, refusal.code) == (422, "bad-input")
        found = server.post(served.BATCH, {"inputs": [good, good]}).json()["results"]
    assert [one["predictions"] for one in found] == [want, want]
