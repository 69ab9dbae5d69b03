"""Weights from a stranger: malformed, a pickle, or of another network, they are refused."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from strangers import folder as folder
from strangers import refused, sealed_again
from strangers import subject as subject
from subjects import Subject

from tenfold.run.run import open_run


class Planted:
    """What unpickling would do."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["PLANTED"],)


def header(text: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file by hand."""
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(shape: list[int], first: int, last: int, kind: str = "F32") -> bytes:
    return json.dumps(
        {"x": {"dtype": kind, "shape": shape, "data_offsets": [first, last]}}
    ).encode()


MALFORMED = {
    "empty": b"",
    "five bytes": b"\x00" * 5,
    "a length and nothing more": struct.pack("<Q", 100),
    "a header of 2^63 bytes": header(b"{}", length=2**63),
    "a header of 4 GB": header(b"{}", length=2**32),
    "a header that is no JSON": header(b"{" * 50),
    "a header that is a list": header(b"[]"),
    "a header of bad UTF-8": header(b'{"\xff": 1}'),
    "offsets beyond the end": header(tensor([4], 0, 16), b"\x00" * 8),
    "offsets that go back": header(tensor([4], 16, 0), b"\x00" * 16),
    "a hole before the data": header(tensor([2], 8, 16), b"\x00" * 16),
    "a shape that lies": header(tensor([1000], 0, 16), b"\x00" * 16),
    "a shape that overflows": header(tensor([2**40, 2**40], 0, 16), b"\x00" * 16),
    "a negative shape": header(tensor([-4], 0, 16), b"\x00" * 16),
    "an unknown type": header(tensor([4], 0, 16, "F99"), b"\x00" * 16),
    "bytes left over": header(tensor([4], 0, 16), b"\x00" * 20),
    "a key twice": header(tensor([1], 0, 4)[:-1] + b", " + tensor([1], 0, 4)[1:], b"\x00" * 4),
    "a zip, as torch.save writes": b"PK\x03\x04" + b"\x00" * 60,
    "an array of numpy": b"\x93NUMPY\x01\x00" + b"\x00" * 60,
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_weights_are_refused(folder: Path, content: bytes):
    (folder / "weights.safetensors").write_bytes(content)
    sealed_again(folder)
    refused(folder, "run-weights")


@pytest.mark.parametrize("way", ["pickle", "torch.save", "numpy"])
def test_a_pickle_named_weights_is_never_unpickled(
    folder: Path, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLANTED", str(tmp_path / "planted"))
    path = folder / "weights.safetensors"
    if way == "pickle":
        path.write_bytes(pickle.dumps(Planted()))
    elif way == "torch.save":
        torch.save(Planted(), path)
    else:
        with path.open("wb") as file:
            np.save(file, np.array([Planted()], object), allow_pickle=True)
    sealed_again(folder)
    assert set(refused(folder, "run-weights").message.values["reason"].values) == {"error"}
    assert not (tmp_path / "planted").exists()
    pickle.loads(pickle.dumps(Planted()))  # the control: unpickled, it is seen
    assert (tmp_path / "planted").exists()


def first_float(state: dict[str, torch.Tensor]) -> str:
    return next(name for name, value in state.items() if value.ndim > 1)


def with_value(value: float) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda state: state[first_float(state)].view(-1)[-1:].fill_(value)


FOREIGN: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "not a number": (with_value(float("nan")), "not finite"),
    "infinite": (with_value(float("inf")), "not finite"),
    "one tensor less": (lambda state: state.pop(first_float(state)), "of another network"),
    "one tensor more": (
        lambda state: state.update(more=torch.zeros(1)),
        r"of another network \(more\)",
    ),
    "another name": (
        lambda state: state.update(renamed=state.pop(first_float(state))),
        "of another network",
    ),
    "another shape": (
        lambda state: state.update({first_float(state): state[first_float(state)][:1]}),
        "of another size",
    ),
    "other dimensions": (
        lambda state: state.update({first_float(state): state[first_float(state)].flatten()}),
        "of another size",
    ),
    "another type": (
        lambda state: state.update({first_float(state): state[first_float(state)].half()}),
        "of another size",
    ),
    "nothing": (lambda state: state.clear(), "of another network"),
}


@pytest.mark.parametrize("change, words", FOREIGN.values(), ids=FOREIGN.keys())
def test_weights_that_do_not_fit_are_refused(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], object], words: str
):
    path = folder / "weights.safetensors"
    state = {name: value.clone() for name, value in load_file(path).items()}
    change(state)
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    sealed_again(folder)
    refused(folder, "run-weights", words)


def test_weights_of_another_network_are_refused(folder: Path):
    save_file({"layer.weight": torch.zeros(3, 3)}, folder / "weights.safetensors")
    sealed_again(folder)
    refused(folder, "run-weights", "of another network")


def test_other_weights_that_fit_are_another_run(subject: Subject, folder: Path):
    """The control of all above: what is whole and fits is opened, and answers otherwise."""
    path = folder / "weights.safetensors"
    save_file({name: value * 1.5 for name, value in load_file(path).items()}, path)
    sealed_again(folder)
    table = subject.prepared.table(subject.part)
    assert open_run(folder, "cpu").answers_of(table) != subject.run.answers_of(table)
