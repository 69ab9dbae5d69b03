"""The laws of the house, for every task there is: a file in tasks/ is found by its name.

a task is held against its world (tests/kit/worlds.py). Nothing here names a task,
and no task is excused. The laws of learning stand in test_contract_learning.py, those of odd rows
in test_contract_odd_rows.py.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import pytest
from learning import as_bytes
from subjects import SEED, TASKS, Subject, some, trained
from subjects import subject as subject

import tenfold
from tenfold.answers import registry as registry_of_answers
from tenfold.core.columns import Columns, Ragged
from tenfold.core.errors import UsageError
from tenfold.core.rows import BY, reported
from tenfold.core.settings import check_settings, settings_of
from tenfold.data.prepare import prepare
from tenfold.media.tables.schema import TableRow
from tenfold.run.by_values import by_values
from tenfold.run.run import open_run
from tenfold.task import Task, options_of
from tenfold.tasks import registry
from tenfold.training.inference import by_torch
from worlds import WORLDS

LOWER_IS_BETTER = {"log_loss", "ece", "wer", "cer", "rmse", "mae", "eer"}


def test_every_world_belongs_to_a_task():
    assert set(WORLDS) <= set(TASKS)


# --- the class ---


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_a_final_frozen_dataclass_of_few_knobs(name: str):
    cls = registry.class_of(name)
    assert cls.__mro__[1] is Task
    assert dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    assert dataclasses.is_dataclass(cls.options) and cls.options.__dataclass_params__.frozen
    assert len(dataclasses.fields(cls)) <= 8
    with pytest.raises(TypeError, match="final"):
        type("Sub", (cls,), {})


@pytest.mark.parametrize("name", TASKS)
def test_a_task_adds_no_public_name(name: str):
    cls = registry.class_of(name)
    settings = {entry.name for entry in dataclasses.fields(cls)}
    public = {name for name in vars(cls) if not name.startswith("_")}
    assert public - settings - set(vars(Task)) - set(Task.__annotations__) == set()


@pytest.mark.parametrize("name", TASKS)
def test_every_setting_says_what_it_is(name: str):
    cls = registry.class_of(name)
    for entry in [*dataclasses.fields(cls), *dataclasses.fields(options_of(cls))]:
        assert entry.metadata.get("help"), f"{entry.name} of {name} has no help"


def wrong(entry: dataclasses.Field[Any], hint: Any) -> list[Any]:
    """Values that a setting must refuse: of another type, beside its choices, out of range."""
    low, high = entry.metadata.get("low"), entry.metadata.get("high")
    found: list[Any] = [{}, "many" if hint in (int, float, bool) else 3.5]
    if hint in (int, float):
        found += [True, float("nan"), float("inf")]
    found += ["no such choice"] if entry.metadata.get("choices") else []
    found += [] if low is None else [low - 1]
    return found + ([] if high is None else [high + 1])


@pytest.mark.parametrize("name", TASKS)
def test_a_setting_out_of_range_gets_the_standard_sentence(name: str):
    cls = registry.class_of(name)
    for settings, make in ((cls, registry.find), (options_of(cls), check_option)):
        hints = get_type_hints(settings)
        for entry in dataclasses.fields(settings):
            make(name, **{entry.name: entry.default})
            for value in wrong(entry, hints[entry.name]):
                with pytest.raises(UsageError) as refused:
                    make(name, **{entry.name: value})
                sentence = f"{entry.name} of {name} must be .+, got {re.escape(repr(value))}"
                assert re.fullmatch(sentence, refused.value.message), refused.value.message
                assert refused.value.exit_code == 2


def check_option(name: str, **options: Any) -> Any:
    return check_settings(options_of(registry.class_of(name)), options, name)


@pytest.mark.parametrize("name", TASKS)
def test_an_unknown_setting_gets_the_nearest_one(name: str):
    known = dataclasses.fields(registry.class_of(name))[0].name
    with pytest.raises(UsageError, match=f"(?s)no setting '{known}x'.*Did you mean '{known}'"):
        registry.find(name, **{f"{known}x": 1})


# --- facts ---


def test_facts_are_json_under_their_keys(subject: Subject):
    rows = subject.task.read(subject.data)
    learnt = subject.task.learn(rows.with_table(subject.prepared.table("train")))
    assert json.loads(json.dumps(learnt, allow_nan=False)) == learnt
    assert {"data", "net"} <= set(learnt) <= {"data", "truths", "net"}
    assert {"fitted"} <= set(subject.run.facts) - set(learnt) <= {"fitted", "memory", "reading"}
    assert json.loads(json.dumps(subject.run.facts, allow_nan=False)) == subject.run.facts


def test_what_is_remembered_changes_no_answer_to_labelled_rows(subject: Subject):
    rows = subject.prepared.inputs(subject.part)
    bare = {key: value for key, value in subject.run.facts.items() if key != "memory"}
    assert dataclasses.replace(subject.run, facts=bare).answer(rows) == subject.run.answer(rows)


def test_facts_do_not_move_with_rows_that_do_not_learn(subject: Subject, tmp_path: Path):
    if subject.world.spoil is None:
        assert subject.prepared.answer.fits_all(subject.prepared.used)
        pytest.skip(f"{subject.name} fits every row")
    data = subject.world.make(tmp_path / "data", SEED)
    subject.world.spoil(data)
    spoilt = prepare(subject.task, data, seed=SEED)
    for part, moved in (("train", False), ("valid", True), ("test", True)):
        before, after = subject.prepared.table(part), spoilt.table(part)
        assert moved == (set(before["digest"]) != set(after["digest"]))
        answers = list(subject.prepared.answer.truths)
        assert moved == (not by_digest(before, answers).equals(by_digest(after, answers)))
    assert spoilt.facts == subject.facts


def by_digest(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return table[["digest", *names]].sort_values("digest").reset_index(drop=True)


# --- encode and targets ---


def cell(column: Any, row: int) -> bytes:
    """Bytes of one row of a column."""
    if isinstance(column, Ragged):
        return column.values[column.offsets[row] : column.offsets[row + 1]].tobytes()
    return np.asarray(column[row]).tobytes()


def rows_of(columns: dict[str, Any], count: int) -> list[dict[str, bytes]]:
    return [{name: cell(column, row) for name, column in columns.items()} for row in range(count)]


@pytest.mark.parametrize("hook", ["encode", "targets"])
def test_a_row_alone_is_as_among_others(subject: Subject, hook: str):
    def found(table: pd.DataFrame) -> list[dict[str, bytes]]:
        made = getattr(subject.task, hook)(table, subject.facts)
        return rows_of(made if hook == "targets" else made.columns, len(table))

    table = some(subject)
    together = found(table)
    if together == [{}] * len(table):
        pytest.skip(f"{subject.name} has no {hook}")
    assert any(row != together[0] for row in together), "rows that are all equal show nothing"
    alone = [found(table.iloc[[row]].reset_index(drop=True))[0] for row in range(len(table))]
    order = np.random.default_rng(0).permutation(len(table))
    mixed = found(table.iloc[order].reset_index(drop=True))
    assert alone == together
    assert mixed == [together[row] for row in order]


def test_encode_sees_neither_answers_nor_other_facts(subject: Subject):
    table = some(subject)
    whole = subject.task.encode(table, subject.facts)
    truths = subject.prepared.answer.truths
    hidden = table.drop(columns=[name for name in [*truths, "split"] if name in table])
    blind = subject.task.encode(hidden, {"data": subject.facts["data"]})
    assert len(hidden.columns) < len(table.columns)
    assert rows_of(blind.columns, len(table)) == rows_of(whole.columns, len(table))


def test_columns_that_are_only_reported_by_reach_no_hook(
    subject: Subject, monkeypatch: Any, tmp_path: Path
):
    """Columns `by:NAME` are kept with the rows and are in no table that a hook gets."""
    seen: list[str] = []

    def watched(name: str, hook: Any) -> Any:
        def call(self: Task, rows: Any, *more: Any) -> Any:
            table = getattr(rows, "table", rows)
            assert [*table.columns] and not reported(table), name
            seen.append(name)
            return hook(self, rows, *more)

        return call

    cls, rows = type(subject.task), subject.task.read(subject.data)
    marked = rows.table.assign(**{f"{BY}site": [str(row % 3) for row in range(len(rows.table))]})
    for name in ("learn", "encode", "targets", "ask", "inner"):
        monkeypatch.setattr(cls, name, watched(name, getattr(cls, name)))
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path))
    prepared = prepare(subject.task, rows.with_table(marked), seed=SEED)
    subject.task.inner(prepared.split_rows)
    subject.run.encode(prepared.used)
    assert {*seen} == {"learn", "encode", "targets", "ask", "inner"}
    assert reported(prepared.used) == {"site": f"{BY}site"}
    assert prepared.facts == subject.facts
    judged = prepared.judged_rows(subject.part)
    found = by_values(subject.run, subject.run.answer(judged.columns), judged)
    assert [one["column"] for one in found] == ["site"]


def test_what_is_encoded_is_what_forward_takes(subject: Subject):
    encoded = subject.task.encode(some(subject, 2), subject.facts).columns
    taken = set(Columns(encoded).take(np.arange(2)))
    assert set(inspect.signature(subject.net().forward).parameters) == taken


def test_inputs_are_columns_of_the_table(subject: Subject):
    inputs = subject.task.inputs(subject.facts)
    alone = some(subject)[[*inputs]]
    encoded = subject.task.encode(alone, subject.facts)
    assert inputs and not encoded.problems


# --- the network ---


def test_many_rows_are_answered_as_one_by_one(subject: Subject):
    infer, rows = by_torch(subject.run.net), subject.prepared.inputs(subject.part)
    together = {name: list(column) for name, column in infer(rows).items()}
    for row in range(rows.rows):
        for name, column in infer(rows.view(np.array([row]))).items():
            np.testing.assert_allclose(next(iter(column)), together[name][row], rtol=0, atol=1e-5)


def test_answers_are_named_as_the_rows_they_answer(subject: Subject):
    table = subject.prepared.table(subject.part).head(6).assign(source=list(map(str, range(6))))
    found = [str(source) for source, _ in subject.run.predict(iter([table]))]
    assert {source.partition("#")[0] for source in found} == set(table["source"])
    assert [source.partition("#")[0] for source in found] == sorted(source[0] for source in found)


def test_a_reopened_run_gives_equal_answers(subject: Subject):
    opened = open_run(subject.run.folder, "cpu")
    table = subject.prepared.table(subject.part)
    assert as_bytes(opened.net) == as_bytes(subject.run.net)
    assert opened.facts == subject.run.facts
    assert opened.answers_of(table) == subject.run.answers_of(table)


def test_answers_are_of_the_kind_that_was_promised(subject: Subject):
    given = subject.task.answer(subject.facts)
    asked = list(tenfold.predict(subject.run, subject.world.hand_over(subject.data)))
    assert given in subject.task.answers and given is registry_of_answers.kinds()[given.name]
    assert given is subject.prepared.answer, "read and answer disagree"
    assert [type(one.answer) for one in asked] == [given.prediction]


def test_the_model_beats_the_best_constant_guess(subject: Subject):
    headline = subject.run.scores["headline"]
    best = subject.run.scores["scores"][headline]
    if headline in LOWER_IS_BETTER:
        assert best["high"] < best["baseline"]
    else:
        assert best["low"] > best["baseline"]


# --- without files, without torch ---

ALONE = """
import importlib, json, sys
import numpy as np, pandas as pd
from pathlib import Path

from tenfold.core.columns import Ragged
from tenfold.task import options_of
from tenfold.tasks import registry

def read(folder):
    flat = dict(np.load(folder / "outputs.npz"))
    names = {name.partition(" ")[0] for name in flat}
    ragged = {name for name in names if name + " offsets" in flat}
    return {
        name: Ragged(flat[name], flat[name + " offsets"]) if name in ragged else flat[name]
        for name in names
    }

def of_json(cell):
    if not isinstance(cell, dict) or "schema" not in cell:
        return cell
    from tenfold.media.tables.schema import TableRow, TableSchema
    return TableRow(TableSchema.of_json(cell["schema"]), tuple(cell["values"]))

tasks, said = {}, {}
for folder in sorted(path for path in Path(sys.argv[1]).iterdir()):
    kind, asked = folder.name, json.loads((folder / "asked.json").read_text())
    importlib.import_module("tenfold.tasks." + kind.replace("-", "_"))
    task, facts = registry.find(kind, **asked["settings"]), asked["facts"]
    assert "torch" not in sys.modules, "importing the task loads torch: " + kind
    rows = {name: [of_json(cell) for cell in cells] for name, cells in asked["rows"].items()}
    task.encode(pd.DataFrame(rows), facts)
    answers = task.decode(read(folder), facts, options_of(type(task), task.answer(facts))())
    assert "torch" not in sys.modules, "encode or decode loads torch: " + kind
    tasks[kind], said[kind] = (task, facts), [str(one) for one in answers]

import torch
CODE = (".py", ".pyc", ".so")

def forbid(event, args):
    if event == "open" and isinstance(args[0], str) and not args[0].endswith(CODE):
        raise PermissionError("build opens " + args[0])
    if event.split(".")[0] in ("socket", "subprocess", "urllib") or event == "os.system":
        raise PermissionError("build does " + event)

sys.addaudithook(forbid)
try:
    open("/dev/null")
    sys.exit("files are not forbidden")
except PermissionError:
    pass
for task, facts in tasks.values():
    task.build(facts)
print(json.dumps(said))
"""


def as_json(cell: Any) -> Any:
    if not isinstance(cell, TableRow):
        return cell
    return {"schema": cell.schema.to_json(), "values": list(cell.values)}


def test_each_loads_without_torch_and_builds_without_files(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    """One process: importing, encoding and decoding load no torch; build opens nothing."""
    want = {}
    for name in TASKS:
        subject = trained(name, tmp_path_factory)
        rows = subject.prepared.inputs(subject.part).view(np.arange(3))
        outputs = subject.run.infer(rows)
        flat = {key: getattr(one, "values", one) for key, one in outputs.items()}
        flat |= {
            f"{key} offsets": one.offsets for key, one in outputs.items() if isinstance(one, Ragged)
        }
        table = subject.prepared.table(subject.part).iloc[:3][[*subject.task.inputs(subject.facts)]]
        asked = {
            "settings": settings_of(subject.task),
            "facts": subject.run.facts,
            "rows": {name: [as_json(cell) for cell in table[name]] for name in table},
        }
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "outputs.npz", **flat)
        (tmp_path / name / "asked.json").write_text(json.dumps(asked))
        answers = subject.task.decode(outputs, subject.run.facts, subject.run.options())
        want[name] = [str(one) for one in answers]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == want
