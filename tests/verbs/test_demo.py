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


@pytest.mark.parametrize("task", EXAMPLES)
def test_each_task_reads_its_example_whole(task, tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        examples.write(tmp_path / place)
    one, two = (tmp_path / place / EXAMPLES[task] for place in ("one", "two"))
    assert _contents(one) == _contents(two)
    prepared = prepare(find(task), one, reading=Reading(target=TARGETS.get(task, "")))
    assert not prepared.quarantined and prepared.refusal("fail") is None
    assert all(len(prepared.rows(part)) >= 10 for part in ("train", "valid", "test"))


def _contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}
