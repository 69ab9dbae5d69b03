"""A run as one ONNX file: proved before it is written, opened without torch, refused when odd."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Running
from exported import copied, exported, refusal, with_network
from sharing import keep_the_table_of_operators
from subjects import TASKS, Subject

import tenfold
from tenfold.core.columns import Columns
from tenfold.core.errors import ArtefactRefused, UsageError
from tenfold.core.message import restored
from tenfold.networks.image_classifier import PictureClassifier
from tenfold.networks.notation import ready
from tenfold.networks.notation.network import Lined
from tenfold.run import evaluate, explain
from tenfold.run.run import open_run
from tenfold.training.inference import by_onnx, by_torch, finite, session_of
from tenfold.workflows import export as exporting
from tenfold.workflows import onnx_export

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=TASKS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A copy of the trained and exported run, as these tests add to it."""
    return copied(request.param, tmp_path_factory)


@pytest.fixture
def export(subject: Subject) -> Path:
    """The folder of the export in the run."""
    return subject.run.folder / "export"


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    """A copy of the exported folder, far from its run."""
    return shutil.copytree(export, tmp_path / "exported")


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """The run of one task, where the same code serves every task."""
    return copied("image-classification", tmp_path_factory)


# --- what it promises ---


def test_an_export_answers_as_the_run(subject: Subject, export):
    opened = open_run(export)
    assert opened.net is None and len(opened.digest) == 64
    columns = subject.prepared.inputs(subject.part)
    before, after = subject.run.infer(columns), opened.infer(columns)
    assert set(before) == set(after)
    for name, column in before.items():
        value, other = (getattr(one, "values", one) for one in (column, after[name]))
        assert value.dtype == other.dtype
        np.testing.assert_allclose(other, value, rtol=1e-4, atol=1e-4)
    told, said = (run.answer(columns) for run in (subject.run, opened))
    assert [type(one) for one in told] == [type(one) for one in said]


def test_the_parity_is_told(subject: Subject, export, tmp_path_factory):
    told = exported(subject.name, tmp_path_factory) / "document.json"
    parity = json.loads(told.read_text())["parity"]
    rows = len(subject.prepared.rows(subject.part))
    assert parity["rows"] == rows == parity["decisions"]["equal"] + parity["decisions"]["tied"]
    assert parity["decisions"]["different"] == 0
    assert max(parity["largest_difference"].values()) <= 1e-4
    best = subject.run.scores["scores"][parity["headline"]]["value"]
    assert parity["values"]["onnx"] == pytest.approx(best, abs=1e-6)
    stored = json.loads((export / "parity.json").read_text())
    assert restored(stored) == parity
    assert stored["versions"].keys() == {"torch", "onnx", "onnxscript", "onnxruntime"}


def test_many_are_as_one_by_one(subject: Subject, export):
    opened = open_run(export)
    columns = subject.prepared.inputs(subject.part)
    together = {name: list(column) for name, column in opened.infer(columns).items()}
    for row in range(min(columns.rows, 5)):
        for name, column in opened.infer(columns.view(np.array([row]))).items():
            (alone,) = column
            np.testing.assert_allclose(alone, together[name][row], rtol=1e-5, atol=1e-5)


WITHOUT = """
import sys
class Gone:
    names = {gone}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name}}", name=name)
sys.meta_path.insert(0, Gone())
"""
HEAVY = ["torch", "safetensors", "sklearn", "scipy", "jinja2", "cv2", "onnx"]


def without(packages: list[str], code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A fresh Python that cannot import these packages."""
    text = WITHOUT.format(gone=packages) + code
    command = [sys.executable, "-c", text]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


def test_no_torch_is_needed(subject: Subject, folder: Path, tmp_path: Path):
    """By an export alone, and by a run that holds one."""
    handed = subject.world.hand_over(subject.data)
    source = handed if isinstance(handed, dict) else str(handed)
    code = f"""
import json, tenfold
for folder in {[str(folder), str(subject.run.folder)]}:
    (one,) = tenfold.predict(folder, [{source!r}])
    print(json.dumps(one.to_json()))
"""
    done = without(HEAVY, code, tmp_path)
    (here,) = tenfold.predict(folder, [source])
    want = json.loads(json.dumps(here.to_json()))
    assert [*map(json.loads, done.stdout.splitlines())] == [want, want], done.stderr


def test_the_report_shows_the_export(subject: Subject, export):
    page = (subject.run.folder / "report.html").read_text("utf-8")
    assert 'id="exported"' in page and "float32" in page
    tenfold.report(subject.run, data=None, lang="zh")


def test_what_an_export_cannot_do_is_said(subject: Subject, export, folder: Path):
    inside = open_run(export)
    found = tenfold.test(inside, subject.data)
    assert found["scores"].keys() == subject.run.scores["scores"].keys()
    with pytest.raises(UsageError) as refused:
        tenfold.test(folder, subject.data)
    assert (refused.value.code, refused.value.where) == ("exported-run", str(folder))
    for verb in (tenfold.report, tenfold.export):
        with pytest.raises(UsageError) as refused:
            verb(folder)
        assert refused.value.code == "exported-run"


def test_what_is_explained_lies_beside_the_run(subject: Subject, export):
    found = tenfold.explain(export, [subject.world.hand_over(subject.data)])
    assert Path(found["page"]).parent.parent == subject.run.folder.parent
    assert open_run(export) and open_run(subject.run.folder, "cpu")


def test_nothing_of_this_machine_is_in_it(export):
    content = (export / "net.onnx").read_bytes()
    for trace in (str(ROOT), "site-packages", str(Path.home()), ".py"):
        assert trace.encode() not in content, trace


def converted_again(subject: Subject) -> None:
    found, _ = evaluate.again(subject.run, subject.data)
    again = exporting._graph(subject.run, found)
    assert (subject.run.folder / "export" / "net.onnx").read_bytes() == again


def test_the_same_run_exports_to_the_same_bytes(picked: Subject):
    converted_again(picked)


@pytest.mark.slow
def test_the_runs_of_every_task_export_to_the_same_bytes(subject: Subject):
    converted_again(subject)


# --- what it refuses ---


def test_another_network_is_refused_and_nothing_written(picked: Subject, tmp_path: Path):
    other = explain.shuffled(picked.run.net, 1)
    odd = dataclasses.replace(picked.run, infer=by_torch(other))
    with pytest.raises(ArtefactRefused) as refused:
        exporting.exported(odd, picked.data, tmp_path / "out", int8=False, max_drop=0.5)
    assert refused.value.code == "export-differs" and refused.value.exit_code == 6
    assert not [*tmp_path.iterdir()]


def test_answers_that_differ_are_refused(subject: Subject, export, tmp_path: Path):
    other = explain.shuffled(subject.run.net, 1)
    odd = dataclasses.replace(subject.run, infer=by_torch(other))
    found, _ = evaluate.again(subject.run, subject.data)
    content = (export / "net.onnx").read_bytes()
    assert exporting._proved(subject.run, found, content, tmp_path / "n", own=False)
    with pytest.raises(ArtefactRefused) as refused:
        exporting._proved(odd, found, content, tmp_path / "n", own=False)
    assert refused.value.code == "export-differs"


def in_eight_bits(subject: Subject, out: Path) -> None:
    found = tenfold.export(subject.run, subject.data, int8=True, max_drop=100, out=out)
    small = found["parity"]["int8"]
    told = open_run(out).answer(subject.prepared.inputs(subject.part))
    assert all(isinstance(one, subject.run.answer_kind.prediction) for one in told)
    before = found["parity"]["values"]["torch"]
    assert small["drop"] == pytest.approx(100 * (before - small["value"]), abs=1e-3)
    assert small["bytes"] < found["parity"]["bytes"] and small["calibrated_on"] > 0


def test_eight_bits_are_offered_with_their_cost(picked: Subject, tmp_path: Path):
    in_eight_bits(picked, tmp_path / "small")


@pytest.mark.slow
def test_eight_bits_are_offered_for_every_task(subject: Subject, tmp_path: Path):
    in_eight_bits(subject, tmp_path / "small")


def test_eight_bits_that_cost_too_much_are_refused(picked: Subject, tmp_path: Path):
    found, _ = evaluate.again(picked.run, picked.data)
    other = onnx_export.graph(explain.shuffled(picked.run.net, 1), found.columns, {})
    with pytest.raises(ArtefactRefused) as refused:
        exporting._cost_of_eight_bits(
            picked.run, found, other, picked.prepared.inputs("train"), tmp_path / "n", 0.5
        )
    assert refused.value.code == "int8-costs" and "--max-drop" in refused.value.fix
    values = refused.value.message.values
    assert values["drop"] > values["limit"] == 0.5


def refused_inside(subject: Subject, name: str) -> None:
    """A name in the run folder that an export may not have."""
    place = subject.run.folder / name
    with pytest.raises(UsageError) as refused:
        tenfold.export(subject.run, subject.data, out=place)
    assert (refused.value.code, refused.value.where) == ("bad-output", str(place))
    assert not place.exists()


@pytest.mark.parametrize("name", ["mine.txt", ".gitignore"])
def test_a_folder_with_other_files_is_left_alone(picked: Subject, tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError) as refused:
        tenfold.export(picked.run, picked.data, out=tmp_path)
    assert refused.value.code == "export-exists"
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_put_into_the_export_of_a_run_is_left_alone(picked: Subject, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(picked.run.folder, run, ignore=shutil.ignore_patterns("export*"))
    (run / "export").mkdir()
    (run / "export" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError) as refused:
        tenfold.export(open_run(run), picked.data)
    assert (refused.value.code, refused.value.where) == ("export-exists", str(run / "export"))
    assert (run / "export" / "notes.txt").read_text() == "mine"


def test_a_killed_export_leaves_the_run_as_it_was(picked: Subject, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(picked.run.folder, run, ignore=shutil.ignore_patterns("export*"))
    for _ in range(10):  # again, where it was done before the kill
        running = Running(["export", str(run), str(picked.data)], tmp_path)
        while not list(run.glob(".export.*")) and not (run / "export").exists():
            time.sleep(0.002)
        running.signal(signal.SIGKILL)
        assert running.wait().code in (0, -signal.SIGKILL)
        if half := list(run.glob(".export.*")):
            break
    tenfold.export(open_run(run), picked.data)
    assert half and not half[0].exists() and open_run(run / "export").digest


@pytest.mark.parametrize("name", ["elsewhere", "exported"])
def test_an_export_goes_into_the_run_by_its_own_names_alone(picked: Subject, name: str):
    place = picked.run.folder / name
    with pytest.raises(UsageError) as refused:
        tenfold.export(picked.run, picked.data, out=place)
    assert (refused.value.code, refused.value.where) == ("bad-output", str(place))
    assert not place.exists()


def test_odd_wishes_are_refused(picked: Subject):
    odd = [{"to": "tflite"}, {"max_drop": -1.0}, {"max_drop": float("nan")}, {"lang": "xx"}]
    for asked in odd:
        with pytest.raises(UsageError):
            tenfold.export(picked.run, picked.data, **asked)


def test_moved_data_are_asked_for(subject: Subject, tmp_path: Path):
    moved = shutil.copytree(subject.run.folder, tmp_path / "moved")
    with pytest.raises(UsageError) as refused:
        tenfold.export(moved)
    assert refused.value.code == "no-data" and "tenfold export RUN DATA" in refused.value.fix


def test_a_missing_package_is_told_first(tmp_path: Path, picked: Subject):
    """One process, in which onnx is missing, and then onnxscript."""
    code = f"""
import tenfold
for package in ("onnx", "onnxscript"):
    Gone.names = [package]
    try:
        tenfold.export({str(picked.run.folder)!r}, "no/such/data")
    except tenfold.TenfoldError as told:
        print(package, told)
"""
    done = without([], code, tmp_path)
    for package in ("onnx", "onnxscript"):
        said = done.stdout.partition(f"{package} ")[2]
        assert f"package {package} is needed" in said, done.stderr
    assert done.stdout.count('pip install "tenfold[export]"') == 2


# --- a network that was changed ---


@pytest.mark.parametrize("value", [float("nan"), 3e38])
def test_what_is_not_finite_is_no_answer(folder: Path, subject: Subject, value: float):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(folder / "net.onnx"))
    for one in model.graph.initializer:
        if one.data_type == onnx.TensorProto.FLOAT and one.raw_data:
            one.raw_data = np.full(len(one.raw_data) // 4, value, np.float32).tobytes()
    run = tenfold.open_run(with_network(folder, model.SerializeToString()))
    rows = subject.prepared.columns.only(subject.prepared.eaten)
    if np.isfinite(value) and not finite(run.infer(rows), rows.rows)[1].any():
        pytest.skip(f"{subject.name} is finite even with weights of {value}")
    handed = subject.world.hand_over(subject.data)
    answers = tenfold.predict(run, handed)
    found = [one.to_json() for one in answers]
    assert found and {one["error"]["code"] for one in found} == {"answer-not-finite"}
    assert answers.exit_code == 3


def test_a_network_with_other_inputs_is_refused(folder: Path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(folder / "net.onnx"))
    for one in [*model.graph.node]:
        for place, name in enumerate(one.input):
            if name == model.graph.input[0].name:
                one.input[place] = "other"
    model.graph.input[0].name = "other"
    assert refusal(with_network(folder, model.SerializeToString())).code == "run-network"


# --- every layer a line can hold ---

LINES = [
    "conv8 relu maxpool2 conv8:valid gelu flatten",
    "conv8:nobias batchnorm silu averagepool2 globalaverage",
    "conv8:stride2 groupnorm elu dropout0.3 globalmax",
    "conv8 residual(conv8 leaky conv8) tanh globalaverage dense9 sigmoid",
    "view20 residual(conv16:stride2 relu conv16) globalmax",
    "listing",
    "residual",
]


@pytest.mark.parametrize("line", LINES)
def test_every_layer_exports(line: str, tmp_path: Path):
    if line in ready.NAMES:
        line = ready.line_of(line, 3, 24, 24, "tiny")
    keep_the_table_of_operators()
    torch.manual_seed(0)
    net = PictureClassifier(Lined(line, 3, 4, 24, 24), 3, 24, 24, True, False).eval()
    net.middle = None
    images = np.random.default_rng(0).integers(0, 256, (7, 24, 24, 3), dtype=np.uint8)
    columns = Columns({"image": images})
    (tmp_path / "net.onnx").write_bytes(onnx_export.graph(net, columns, {}))
    found = by_onnx(session_of(tmp_path / "net.onnx"))(columns)
    for name, value in by_torch(net)(columns).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4)
