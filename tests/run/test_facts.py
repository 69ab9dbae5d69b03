"""Facts on disk: arrays and files beside the JSON, sealed by the manifest, the same when read."""

import json
from pathlib import Path

import numpy as np
import pytest

from tenfold.core.errors import ArtefactRefused
from tenfold.core.facts import digestible, plain
from tenfold.run import facts as run_facts
from tenfold.run import manifest
from tenfold.run.folder import EXPORTED, FILES

FACTS = {
    "data": {"words": np.arange(6, dtype=np.int32).reshape(2, 3), "size": 3},
    "net": {"layers": [{"bias": np.array([0.5], np.float32)}, {"bias": 1}]},
    "truths": {"detector": b"\0onnx", "classes": ["猫", "dog"]},
}


def same(one, other) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def told(caught: pytest.ExceptionInfo[ArtefactRefused]) -> tuple[str, dict]:
    """The code of a refusal, and the values of its reason."""
    return caught.value.code, caught.value.message.values["reason"].values


def test_facts_are_read_as_they_were_written(tmp_path: Path):
    run_facts.write(tmp_path, FACTS)
    assert same(run_facts.read(tmp_path), FACTS)
    text = (tmp_path / "facts.json").read_text()
    assert json.loads(text)["data"] == {"words": {"$array": "data/words"}, "size": 3}
    (asset,) = (tmp_path / "assets").iterdir()
    assert asset.read_bytes() == b"\0onnx"


@pytest.mark.parametrize("may", [FILES, EXPORTED], ids=["run", "export"])
def test_the_manifest_holds_arrays_assets_and_inner_runs(tmp_path: Path, may: manifest.Files):
    run_facts.write(tmp_path, FACTS)
    inner = tmp_path / "inner" / "foreground"
    inner.mkdir(parents=True)
    (inner / "manifest.json").write_text("{}")
    for name in may.needed:
        if not (tmp_path / name).exists():
            (tmp_path / name).write_text("{}")
    sealed = manifest.seal(tmp_path, may)
    assert {"facts.safetensors", "inner/foreground/manifest.json"} <= set(sealed)
    assert any(name.startswith("assets/") for name in sealed)
    assert manifest.verified(tmp_path, may) == sealed
    for name in ("facts.safetensors", next(one for one in sealed if one.startswith("assets/"))):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content + b" ")
        with pytest.raises(ArtefactRefused) as caught:
            manifest.verified(tmp_path, may)
        assert told(caught) == ("run-changed", {"name": name})
        (tmp_path / name).write_bytes(content)
    (tmp_path / "assets" / "stranger").write_bytes(b"")
    with pytest.raises(ArtefactRefused) as caught:
        manifest.verified(tmp_path, may)
    assert told(caught) == ("run-missing", {"name": "assets/stranger"})


@pytest.mark.parametrize("name", ["../outside", "assets/../../outside", "inner/a/../../x", "inner"])
def test_a_manifest_names_nothing_outside(tmp_path: Path, name: str):
    assert not FILES.seals(name)


def test_an_asset_is_what_its_name_says(tmp_path: Path):
    run_facts.write(tmp_path, FACTS)
    (asset,) = (tmp_path / "assets").iterdir()
    asset.write_bytes(b"another")
    with pytest.raises(ArtefactRefused) as caught:
        run_facts.read(tmp_path)
    assert told(caught) == ("run-missing", {})
    text = (tmp_path / "facts.json").read_text().replace("data/words", "data/other")
    (tmp_path / "facts.json").write_text(text)
    with pytest.raises(ArtefactRefused) as caught:
        run_facts.read(tmp_path)
    assert told(caught) == ("run-missing", {"name": "data/other"})


def test_facts_in_memory_are_as_they_come_back():
    found = plain({"a": (1, 2), 3: np.array([1]), "b": b"x"})
    assert found["a"] == [1, 2] and set(found) == {"a", "3", "b"}
    with pytest.raises(TypeError):
        plain({"a": object()})


def test_arrays_tell_facts_apart():
    one, other = ({"a": np.array(values)} for values in ([1, 2], [1, 3]))
    assert digestible(one) != digestible(other) and digestible(one) == digestible({**one})
    assert digestible({"a": b"1"}) != digestible({"a": b"2"})
