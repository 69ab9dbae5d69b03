"""What a device is asked for before and while it computes; none of it needs a GPU."""

from __future__ import annotations

import os

import pytest
import torch

from tenfold.core import device


def test_a_gpu_computes_float32_in_float32_and_alike_each_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    device.prepare()
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.deterministic
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_gpu_adds_in_one_order_inside_the_block():
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(ValueError), device.repeatable(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        raise ValueError
    assert not torch.are_deterministic_algorithms_enabled()
    with device.repeatable(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
