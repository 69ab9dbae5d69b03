"""The small data of the demo: every task reads all of them, and they are the same each time."""

import pytest

from tenfold.data.prepare import prepare
from tenfold.tasks.registry import find
from tenfold.verbs import demo as demo_module

EXAMPLES = {
    "text-classification": "topics.csv",
    "token-classification": "names.conll",
    "recommendation": "watched.csv",
}


@pytest.mark.parametrize("task", EXAMPLES)
def test_each_task_reads_its_example_whole(task, tmp_path):
    demo_module._write_examples(tmp_path / "one")
    demo_module._write_examples(tmp_path / "two")
    one, two = (tmp_path / place / EXAMPLES[task] for place in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    prepared = prepare(find(task), one)
    assert not prepared.quarantined and prepared.refusal("fail") is None
    assert all(len(prepared.rows(part)) >= 10 for part in ("train", "valid", "test"))
