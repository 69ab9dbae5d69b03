"""What a device is asked for before it computes; none of it needs a GPU."""

from __future__ import annotations

import pytest
import torch

from tenfold.core import device


def test_a_gpu_computes_float32_in_float32(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    device.prepare()
    assert not torch.backends.cudnn.allow_tf32
