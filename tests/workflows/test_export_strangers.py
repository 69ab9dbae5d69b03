"""An exported folder from a stranger: whatever was changed in it, it is refused before use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from exported import copied, refusal, with_network
from subjects import BY_STEPS

from tenfold.core.errors import TenfoldError
from tenfold.run.folder import EXPORTED
from tenfold.run.run import open_run


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported folder; what is refused does not depend on its task."""
    return copied(BY_STEPS, tmp_path_factory).run.folder / "export"


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    return shutil.copytree(export, tmp_path / "exported")


@pytest.mark.parametrize("name", EXPORTED.needed)
def test_a_changed_bit_is_refused(folder: Path, name: str):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert refusal(folder).code == "run-changed"


@pytest.mark.parametrize("name", EXPORTED.needed)
def test_a_missing_file_is_refused(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(TenfoldError) as found:
        open_run(folder)
    assert found.value.exit_code in (2, 6)


def test_strangers_and_links_are_refused(folder: Path):
    (folder / "more.bin").write_bytes(b"x")
    assert refusal(folder).code == "run-stranger"
    (folder / "more.bin").unlink()
    (folder / "report.html").symlink_to("/etc/hostname")
    assert refusal(folder).code == "run-link"


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickle", b"PK\x03\x04", b"<html>"])
def test_what_is_no_network_is_refused(folder: Path, content: bytes):
    assert refusal(with_network(folder, content)).code == "run-network"


@pytest.mark.parametrize("place", ["initializer", "attribute", "subgraph", "sparse"])
def test_a_network_that_reads_other_files_is_refused(folder: Path, tmp_path: Path, place: str):
    """Wherever ONNX lets a tensor stand."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(folder / "net.onnx"))
    big = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    (tmp_path / "secret").write_bytes(big.raw_data)
    leak = onnx.TensorProto(name="leak", data_type=big.data_type, dims=big.dims)
    leak.data_location = onnx.TensorProto.EXTERNAL
    entry = leak.external_data.add()
    entry.key, entry.value = "location", "../secret"
    if place == "initializer":
        model.graph.initializer.append(leak)
    elif place == "sparse":
        model.graph.sparse_initializer.add().values.CopyFrom(leak)
    elif place == "attribute":
        node = onnx.helper.make_node("Constant", [], ["leak"])
        node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(leak)
        model.graph.node.append(node)
    else:
        inner = model.graph.node.add(op_type="If").attribute.add(name="then_branch")
        inner.type = onnx.AttributeProto.GRAPH
        inner.g.initializer.append(leak)
    error = refusal(with_network(folder, model.SerializeToString()))
    assert error.code == "run-network" and "other files" in error.message


SPELLINGS = {
    "as usual": b"\x0a\x08location",
    "length as two bytes": b"\x0a\x88\x00location",
    "tag as two bytes": b"\x8a\x00\x08location",
    "key written twice": b"\x0a\x01x\x0a\x88\x00location",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=list(SPELLINGS))
def test_no_spelling_of_the_bytes_hides_another_file(folder: Path, spelling: bytes):
    """A tensor whose file is named in other bytes, which the format allows."""

    def field(number: int, content: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(content)) + content

    entry = spelling + field(2, b"../secret")
    tensor = b"\x08\x04\x10\x02" + field(8, b"leak") + field(13, entry)
    content = (folder / "net.onnx").read_bytes() + field(7, field(5, tensor))  # merged when read
    onnx = pytest.importorskip("onnx")
    (leak,) = (one for one in onnx.load_from_string(content).graph.initializer if one.external_data)
    assert {one.key for one in leak.external_data} == {"location"}
    assert refusal(with_network(folder, content)).code == "run-network"


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


def test_a_network_with_an_operator_that_reads_files_is_refused(folder: Path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(folder / "net.onnx"))
    model.graph.node.add(op_type="EPContext", domain="com.microsoft")
    assert refusal(with_network(folder, model.SerializeToString())).code == "run-network"
