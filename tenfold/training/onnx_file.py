"""Checks an untrusted ONNX file for references to other files, before the file is used.

The file is parsed with the Protocol Buffers library and the part of the ONNX schema in which a
tensor can occur (onnx.proto3, https://github.com/onnx/onnx), so that a reference is found however
its bytes are encoded.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tenfold.core.lazy import lazy

__all__ = ["refers_to_files"]

descriptors = lazy("google.protobuf.descriptor_pb2")
pools, factories = (
    lazy("google.protobuf.descriptor_pool"),
    lazy("google.protobuf.message_factory"),
)

SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph"), "training": (20, "Training"), "functions": (25, "Function")},
    "Training": {"initialization": (1, "Graph"), "algorithm": (2, "Graph")},
    "Function": {"nodes": (7, "Node"), "attributes": (11, "Attribute")},
    "Graph": {"nodes": (1, "Node"), "tensors": (5, "Tensor"), "sparse": (15, "Sparse")},
    "Node": {"op": (4, "bytes"), "attributes": (5, "Attribute")},
    "Attribute": {
        "tensor": (5, "Tensor"),
        "graph": (6, "Graph"),
        "tensors": (10, "Tensor"),
        "graphs": (11, "Graph"),
        "sparse": (22, "Sparse"),
        "sparses": (23, "Sparse"),
    },
    "Sparse": {"values": (1, "Tensor"), "indices": (2, "Tensor")},
    "Tensor": {"external": (13, "Entry"), "location": (14, "int32")},
    "Entry": {"key": (1, "bytes")},
}
"""For each message type: name, number and type of the fields in which a tensor can occur."""
OF_FILES = (b"EPContext",)
"""Operators that may read a file."""


def refers_to_files(content: bytes) -> bool:
    """True where a tensor or an operator of an ONNX model is stored in another file.

    Raises ValueError where the content is not an ONNX file.
    """
    model = _messages()["Model"]()
    try:
        model.ParseFromString(content)
    except Exception as error:  # the library has several error classes; any of them is fatal
        raise ValueError("is not an ONNX file") from error
    return any(_outside(part) for part in _parts(model))


def _outside(part: Any) -> bool:
    name = part.DESCRIPTOR.name
    if name == "Tensor":
        return bool(part.external) or any(part.location)
    return name == "Node" and any(op in OF_FILES for op in part.op)


def _parts(message: Any) -> Iterator[Any]:
    """Yields a message and all messages in it; the library limits their depth to 100."""
    yield message
    for field, values in message.ListFields():
        if field.message_type is not None:
            for value in values:
                yield from _parts(value)


@functools.cache
def _messages() -> dict[str, Any]:
    """Returns the Protocol Buffers class of each message in SCHEMA, by name.

    Every field is declared as repeated, so that a second value cannot hide the first one.
    """
    kinds = descriptors.FieldDescriptorProto
    file = descriptors.FileDescriptorProto(name="onnx-part.proto", package="part", syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            one = message.field.add(name=field, number=number, label=kinds.LABEL_REPEATED)
            if kind in SCHEMA:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".part.{kind}"
            else:
                one.type = kinds.TYPE_BYTES if kind == "bytes" else kinds.TYPE_INT32
    pool = pools.DescriptorPool()
    pool.Add(file)
    return {
        name: factories.GetMessageClass(pool.FindMessageTypeByName(f"part.{name}"))
        for name in SCHEMA
    }
