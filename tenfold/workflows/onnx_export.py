"""Exports a torch network as one ONNX file that takes encoded bytes, also quantized to 8 bits.

The number of rows is a dynamic axis; so is the length of ragged rows. Opset 20 is the first with
Gelu.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.core.columns import Batch, Columns, Ragged, batches
from tenfold.core.lazy import lazy
from tenfold.training.batches import at_once, tensors

if TYPE_CHECKING:
    from torch import nn

torch, torch_onnx = lazy("torch"), lazy("torch.onnx")
onnx, onnxscript, onnxruntime = lazy("onnx"), lazy("onnxscript"), lazy("onnxruntime")
quantization = lazy("onnxruntime.quantization")

__all__ = ["OPSET", "eight_bits", "graph", "ready"]

OPSET = 20
CALIBRATED_ON = 512
"""Maximum number of training rows that calibrate the range of every activation."""
IN_EIGHT_BITS = ["Conv", "Gemm", "MatMul", "Gather"]
"""Operators to quantize: the slow ones, and lookups in tables.

8 bits made the other operators slower (measured).
"""


def ready() -> dict[str, str]:
    """Versions of the packages that an export needs.

    Raises EnvironmentRefused where a package is missing.
    """
    return {
        "torch": str(torch.__version__),
        "onnx": str(onnx.__version__),
        "onnxscript": str(onnxscript.__version__),
        "onnxruntime": str(onnxruntime.__version__),
    }


def graph(net: nn.Module, columns: Columns, about: dict[str, str]) -> bytes:
    """The ONNX file of `net` for columns like `columns`, with `about` as its metadata."""
    net = net.to("cpu").eval()
    example = tensors(columns.take(np.zeros(2, np.int64)), torch.device("cpu"))
    with torch.inference_mode():
        names = list(net(**example))
    with _quiet():
        made = torch_onnx.export(
            net,
            (),
            kwargs=example,
            dynamo=True,
            dynamic_shapes=_dynamic(columns, example),
            input_names=list(example),
            output_names=[f"{_OUT}{name}" for name in names],
            opset_version=OPSET,
            verbose=False,
        )
    model = made.model_proto
    _named(model.graph, names)
    _bare(model)
    for key, value in sorted(about.items()):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _dynamic(columns: Columns, example: dict[str, Any]) -> dict[str, dict[int, Any]]:
    """The dynamic axes of each input: rows, and the length of ragged rows."""
    rows = torch.export.Dim.DYNAMIC
    ragged = {name for name, column in columns.arrays.items() if isinstance(column, Ragged)}
    return {name: {0: rows, 1: rows} if name in ragged else {0: rows} for name in example}


_OUT = "out of the net: "


def _named(graph: Any, names: list[str]) -> None:
    """Gives the outputs their names; inner values that have the same name are renamed."""
    other = {name: f"{name} (inside)" for name in names} | {f"{_OUT}{name}": name for name in names}
    for node in graph.node:
        for many in (node.input, node.output):
            many[:] = [other.get(name, name) for name in many]
    for one in (*graph.output, *graph.value_info, *graph.initializer):
        one.name = other.get(one.name, one.name)


def _bare(model: Any) -> None:
    """Removes what the exporter records of this machine: traces with paths, and its own names."""
    model.doc_string = ""
    for part in (model.graph, *model.functions):
        for many in (part.node, getattr(part, "value_info", [])):
            for one in many:
                del one.metadata_props[:]
                one.doc_string = ""
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for one in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del one.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the exporters, which warn of packages that are not needed and log their steps."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


# --- 8-bit quantization ---------------------------------------------------------------------------


def eight_bits(content: bytes, columns: Columns) -> bytes:
    """Returns the ONNX network with weights and activations of IN_EIGHT_BITS in 8 bits.

    Quantization is static: the ranges of the activations are measured on `columns`, a sample of the
    training rows. Weights are quantized per channel to 7 bits, since sums of 8-bit products
    saturate on processors without VNNI.
    """
    with tempfile.TemporaryDirectory() as place, _quiet():
        folded, found = Path(place) / "folded.onnx", Path(place) / "int8.onnx"
        _fold(content, folded)
        quantization.quantize_static(
            str(folded),
            str(found),
            _Rows(columns),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=IN_EIGHT_BITS,
            per_channel=True,
            reduce_range=True,
        )
        model = onnx.load(str(found))
        original = onnx.load_from_string(content)
        del model.metadata_props[:]
        model.metadata_props.extend(original.metadata_props)
        model.doc_string = ""
        result: bytes = model.SerializeToString(deterministic=True)
        return result


def _fold(content: bytes, path: Path) -> None:
    """Writes the network with constants and batch norms folded, which quantization needs."""
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.graph_optimization_level, options.optimized_model_filepath = level, str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _Rows:
    """Calibration batches in the interface of onnxruntime."""

    def __init__(self, columns: Columns) -> None:
        order = batches(columns.rows, at_once(columns, 32))
        self._left = (columns.take(rows) for rows in order)

    def get_next(self) -> Batch | None:
        """The next batch, or None at the end."""
        return next(self._left, None)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Part of the interface of onnxruntime; not supported."""
        raise NotImplementedError
