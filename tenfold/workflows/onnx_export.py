"""A torch network as one ONNX file that eats encoded bytes, and the same in eight bits.

Rows are a dynamic axis; so is the length of rows that are ragged. Opset 20: the first with Gelu.
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
"""Training rows that tell the range of every activation."""
IN_EIGHT_BITS = ["Conv", "Gemm", "MatMul", "Gather"]
"""What costs time or holds tables; the rest stays float: eight bits were slower (measured)."""


def ready() -> dict[str, str]:
    """Versions of what an export needs.

    Raises EnvironmentRefused where a package is missing.
    """
    return {
        "torch": str(torch.__version__),
        "onnx": str(onnx.__version__),
        "onnxscript": str(onnxscript.__version__),
        "onnxruntime": str(onnxruntime.__version__),
    }


def graph(net: nn.Module, columns: Columns, about: dict[str, str]) -> bytes:
    """The ONNX file of `net` for columns like these; `about` stands in its metadata."""
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
    """Which axes have any size: rows everywhere, and the length of ragged rows."""
    rows = torch.export.Dim.DYNAMIC
    ragged = {name for name, column in columns.arrays.items() if isinstance(column, Ragged)}
    return {name: {0: rows, 1: rows} if name in ragged else {0: rows} for name in example}


_OUT = "out of the net: "


def _named(graph: Any, names: list[str]) -> None:
    """Gives the outputs their names; values inside that were called so by chance get others."""
    other = {name: f"{name} (inside)" for name in names} | {f"{_OUT}{name}": name for name in names}
    for node in graph.node:
        for many in (node.input, node.output):
            many[:] = [other.get(name, name) for name in many]
    for one in (*graph.output, *graph.value_info, *graph.initializer):
        one.name = other.get(one.name, one.name)


def _bare(model: Any) -> None:
    """Takes out what the exporter notes of this machine: traces with paths, names of its own."""
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
    """The exporters speak of packages that are not meant to be here, and of their own steps."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


# --- eight bits -----------------------------------------------------------------------------------


def eight_bits(content: bytes, columns: Columns) -> bytes:
    """The same network with weights and activations of its heavy layers in eight bits.

    Static: ranges come from `columns`, training rows spread over all. Weights a channel each, of
    seven bits, since sums of products of eight saturate on processors without VNNI.
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
    """Constants and batch norms folded into their neighbours, which quantising needs."""
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.graph_optimization_level, options.optimized_model_filepath = level, str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _Rows:
    """Calibration batches, as the library asks for them."""

    def __init__(self, columns: Columns) -> None:
        order = batches(columns.rows, at_once(columns, 32))
        self._left = (columns.take(rows) for rows in order)

    def get_next(self) -> Batch | None:
        """The next batch, None at the end."""
        return next(self._left, None)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Part of the library's interface; there is one range here."""
        raise NotImplementedError
