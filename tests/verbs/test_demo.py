"""The small data of the demo: every task reads all of them, and they are the same each time."""

from pathlib import Path

import pytest

from tenfold.data import examples
from tenfold.data.prepare import prepare
from tenfold.media.reading import Reading
from tenfold.tasks.registry import find

EXAMPLES = {
    "object-detection": "boxes",
    "image-segmentation": "masks",
    "text-classification": "topics.csv",
    "token-classification": "names.conll",
    "recommendation": "watched.csv",
    "tabular-classification": "customers.csv",
    "tabular-regression": "flats.csv",
}
TARGETS = {"tabular-classification": "left", "tabular-regression": "price"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The examples, written twice."""
    places = (tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two"))
    for place in places:
        examples.write(place)
    return places


@pytest.mark.parametrize("task", EXAMPLES)
def test_each_task_reads_its_example_whole(task: str, written: tuple[Path, Path]):
    one, two = (place / EXAMPLES[task] for place in written)
    assert _contents(one) == _contents(two)
    prepared = prepare(find(task), one, reading=Reading(target=TARGETS.get(task, "")))
    assert not prepared.quarantined and prepared.refusal("fail") is None
    assert all(len(prepared.rows(part)) >= 10 for part in ("train", "valid", "test"))


def _contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}
