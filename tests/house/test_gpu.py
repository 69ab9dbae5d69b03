"""The command for a machine with a GPU, tried on the processor: what it skips, what it breaks on.

What it measures is not judged here; the laws it holds on a GPU are those of the contract suite.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from documents import ROOT

from tenfold.core.columns import Columns


@pytest.fixture(scope="module", autouse=True)
def _benchmarks() -> Iterator[None]:
    """The folder of benchmarks, importable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield


@pytest.fixture
def gpu() -> Any:
    return importlib.import_module("gpu")


def document(gpu: Any, capfd: Any, words: list[str], parts: Any = None) -> tuple[int, Any]:
    """The exit code and the document of the command."""
    request = ["--device", "cpu", *words]
    code = gpu.main(request) if parts is None else gpu.main(request, parts)
    return code, json.loads(capfd.readouterr().out)


def part(gpu: Any, folder: Path, code: str) -> dict[str, Any]:
    """One part whose `measure` has this code."""
    path = folder / "example.py"
    path.write_text(f"import time\n\ndef measure(job):\n    {code}\n")
    return {"example": gpu.Part(path, 1.0)}


def test_a_missing_pack_is_named(gpu: Any, capfd: Any, tmp_path: Path):
    code, found = document(
        gpu, capfd, ["--packs", str(tmp_path), "--parts", "mnist", "throughput", "cifar10"]
    )
    assert code == 0 and found["broken"] == [] and found["parts"] == {}
    assert "mnist.npz" in found["skipped"]["mnist"] and "--pack" in found["skipped"]["mnist"]
    assert "cifar10.npz" in found["skipped"]["cifar10"]


def test_a_missing_package_is_named(gpu: Any, capfd: Any, tmp_path: Path):
    parts = {"example": gpu.Part(tmp_path / "none.py", 1.0, packages=("no_such_package",))}
    code, found = document(gpu, capfd, [], parts)
    assert code == 0
    assert found["skipped"] == {"example": "the package no_such_package is not installed"}


def test_a_package_missing_inside_a_part_is_named(gpu: Any, capfd: Any, tmp_path: Path):
    code, found = document(gpu, capfd, [], part(gpu, tmp_path, "import no_such_package"))
    assert code == 0
    assert found["skipped"] == {"example": "the package no_such_package is not installed"}


def test_a_law_that_holds_ends_well(gpu: Any, capfd: Any, tmp_path: Path):
    parts = part(gpu, tmp_path, 'job.note("sum", 1 + 1); job.law(1 + 1 == 2, "no sum")')
    code, found = document(gpu, capfd, [], parts)
    assert code == 0 and found["broken"] == []
    assert found["parts"]["example"]["sum"] == 2
    assert found["on"]["machine"] and found["on"]["precision"] in ("float32", "bfloat16")


def test_a_broken_law_is_listed_and_ends_with_1(gpu: Any, capfd: Any, tmp_path: Path):
    parts = part(gpu, tmp_path, 'job.law(1 + 1 == 3, "the sum differs")')
    code, found = document(gpu, capfd, [], parts)
    assert code == 1 and found["broken"] == ["example: the sum differs"]


def test_a_part_that_fails_is_listed_and_ends_with_1(gpu: Any, capfd: Any, tmp_path: Path):
    parts = part(gpu, tmp_path, 'raise ValueError("no such kernel")')
    code, found = document(gpu, capfd, [], parts)
    assert code == 1
    assert found["broken"] == ["example: it ended with code 1: ValueError: no such kernel"]


@pytest.mark.slow
def test_a_part_past_its_time_is_stopped_and_keeps_its_figures(
    gpu: Any, capfd: Any, tmp_path: Path
):
    parts = part(gpu, tmp_path, 'job.note("first", 1); time.sleep(600); job.note("second", 2)')
    code, found = document(gpu, capfd, ["--minutes", "0.2"], parts)
    assert code == 0
    assert "stopped after 12 s" in found["skipped"]["example"]
    assert found["parts"]["example"].keys() == {"first", "seconds"}


def test_packs_hold_the_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packs = importlib.import_module("gpu_parts.packs")
    monkeypatch.setenv("TENFOLD_DATA", str(tmp_path / "data"))
    images = (tmp_path / "data" / packs.MNIST, tmp_path / "data" / packs.CIFAR10)
    images[0].mkdir(parents=True)
    images[1].parent.mkdir(parents=True)
    for number, file in enumerate(packs.IDX.values()):
        (images[0] / file).write_bytes(gzip.compress(bytes(range(number, 100))))
    names = [f"{part}/{name}/{n}.jpg" for part in ("test", "train") for name in "ab" for n in "123"]
    with zipfile.ZipFile(images[1], "w") as archive:
        for name in names:
            archive.writestr(name, 20 * name)
    assert packs.write(tmp_path / "packs").keys() == {"mnist.npz", "cifar10.npz"}
    home = packs.unpacked_mnist(tmp_path / "packs" / "mnist.npz", tmp_path / "again")
    for file in packs.IDX.values():
        one, other = ((folder / file).read_bytes() for folder in (images[0], home))
        assert gzip.decompress(one) == gzip.decompress(other)
    for share, count in ((1.0, 12), (0.3, 4)):
        path = packs.unpacked_cifar10(tmp_path / "packs" / "cifar10.npz", tmp_path, share)
        with zipfile.ZipFile(path) as archive:
            assert len(archive.namelist()) == count
            assert all(archive.read(name) == 20 * name.encode() for name in archive.namelist())


def test_airbench_has_the_published_size():
    peer = importlib.import_module("peers.airbench")
    net = peer.network(10)
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert sum(value.numel() for value in net.parameters()) == 1_972_792


def test_airbench_whitens_patches():
    peer = importlib.import_module("peers.airbench")
    torch.manual_seed(0)
    x = torch.randn(200, 3, 8, 8).cumsum(3)
    layer = torch.nn.Conv2d(3, 24, 2, bias=False)
    peer.whiten(layer, x)
    values = layer(x)[:, :12].transpose(0, 1).flatten(1)
    moments = values @ values.T / values.shape[1]
    torch.testing.assert_close(moments, torch.eye(12), atol=0.02, rtol=0)


def test_airbench_mirrors_each_picture_in_every_second_epoch():
    peer = importlib.import_module("peers.airbench")
    x = torch.zeros(2, 3, 32, 32)
    x[..., 16:] = 1
    for epoch in range(4):
        changed = peer.changed(x, torch.tensor([0, 1]), epoch)
        mirrored = (changed[..., :16].mean((1, 2, 3)) > 0.5).tolist()
        assert changed.shape == x.shape and mirrored == [epoch % 2 == 1, epoch % 2 == 0]


@pytest.mark.slow
def test_airbench_learns_from_our_batches():
    peer = importlib.import_module("peers.airbench")
    random = np.random.default_rng(0)
    label = np.arange(64) % 2
    image = random.integers(0, 60, (64, 32, 32, 3)).astype(np.uint8)
    image[label == 1] += 120
    columns = Columns({"image": image, "label": label.astype(np.int64)})
    found = peer.airbench(columns, columns, 2, "cpu", 1e9)
    assert found["steps"] == 10 and found["epochs"] == 10 and not found["published_schedule"]
    assert found["accuracy"] > 0.9


@pytest.mark.slow
def test_the_laws_hold_on_the_processor(tmp_path: Path):
    """The command as it is given, in a process of its own."""
    words = ["--device", "cpu", "--quick", "--parts", "contract", "memory", "--packs", tmp_path]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "gpu.py", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["broken"] == [] and found["skipped"] == {}
    for name, laws in found["parts"]["contract"]["tasks"].items():
        assert laws["weights_equal"] and laws["export"]["equal"] and laws["served"]["equal"], name
