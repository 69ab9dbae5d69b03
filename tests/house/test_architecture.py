"""The house rules that a program can check: who may import whom, what may never be written, and
how long things grow.

Each rule (tests/kit/house_rules.py) is shown to see what it looks for (`BROKEN`) and then put to
every file of the package.
"""

import ast
import graphlib
import statistics

import pytest
from house_rules import (
    FUNCTION,
    LONGEST_FILE,
    LONGEST_FUNCTION,
    MEDIAN_FUNCTION,
    PACKAGE,
    ROOT,
    RULES,
    Source,
    all_modules,
    clocks,
    imports_at_the_top,
    is_silent,
    length,
    names_no_column,
    names_no_kind,
    never_unpickles,
    own_imports,
    points_down,
    says_what_it_is,
    sources,
    stays_short,
    swallows_nothing,
)
from rooms import HEIGHT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule):
    told = [
        f"{source.name}:{line}: {complaint}"
        for source in sources()
        for line, complaint in rule(source)
    ]
    assert not told, f"{rule.__doc__}\n" + "\n".join(told)


# Each line breaks one rule, so that no rule is silently blind.
BROKEN = [
    (points_down, "tenfold.core.x", "from tenfold import run"),
    (points_down, "tenfold.core.x", "from tenfold.training.x import fit"),
    (points_down, "tenfold.core.x", "from ..verbs.train import train"),
    (points_down, "tenfold.training.x", "from tenfold.media.x import page"),
    (points_down, "tenfold.data.x", "from tenfold.tasks.x import Task"),
    (points_down, "tenfold.reporting.x", "from tenfold.serving.x import page"),
    (points_down, "tenfold.task", "tasks = lazy('tenfold.tasks')"),
    (points_down, "tenfold.networks.fast", "from tenfold.core.x import Ragged"),
    (points_down, "tenfold.tasks.x", "from tenfold.tasks.y import z"),
    (points_down, "tenfold.tasks.x.helper", "from tenfold.tasks.y import z"),
    (points_down, "tenfold.verbs.train", "from tenfold.verbs.test import test"),
    (points_down, "tenfold.core.x", "from tenfold import train"),
    (points_down, "tenfold.helpers", ""),
    (points_down, "tenfold.core.x", "if TYPE_CHECKING:\n    from tenfold.run import Run"),
    (imports_at_the_top, "tenfold.core.x", "def f():\n    import torch"),
    (imports_at_the_top, "tenfold.core.x", "def f():\n    if x:\n        from torch import nn"),
    (imports_at_the_top, "tenfold.core.x", "torch = importlib.import_module('torch')"),
    (names_no_kind, "tenfold.verbs.train", "if kind == 'image-classification': pass"),
    (names_no_kind, "tenfold.run", "from tenfold.tasks import image_classification"),
    (names_no_column, "tenfold.data.splits", "strata = table['label']"),
    (names_no_column, "tenfold.data.prepare", "if 'labels' in table: pass"),
    (names_no_column, "tenfold.run.evaluate", "tags = row.get('tags')"),
    (names_no_column, "tenfold.verbs.similar", "x = {n: row[n] for n in ('label', 'labels')}"),
    (names_no_column, "tenfold.reporting.rows", "table.assign(label=names)"),
    (names_no_column, "tenfold.serving.models", "if medium == 'image': pass"),
    (never_unpickles, "tenfold.run", "import pickle"),
    (never_unpickles, "tenfold.run", "from joblib import dump"),
    (never_unpickles, "tenfold.run", "store = lazy('joblib')"),
    (never_unpickles, "tenfold.run", "torch.load(path, weights_only=True)"),
    (never_unpickles, "tenfold.run", "from torch import load"),
    (never_unpickles, "tenfold.run", "table.to_pickle(path)"),
    (never_unpickles, "tenfold.run", "np.load(path, allow_pickle=True)"),
    (never_unpickles, "tenfold.run", "np.load(path, allow_pickle=choice)"),
    (never_unpickles, "tenfold.run", "AutoModel.from_pretrained(path, trust_remote_code=True)"),
    (never_unpickles, "tenfold.run", "eval(text)"),
    (swallows_nothing, "tenfold.run", "try:\n    f()\nexcept:\n    g()"),
    (swallows_nothing, "tenfold.run", "try:\n    f()\nexcept OSError:\n    pass"),
    (swallows_nothing, "tenfold.run", "assert facts"),
    (is_silent, "tenfold.run", "print('trained')"),
    (stays_short, "tenfold.run", "x = 1\n" * (LONGEST_FILE + 1)),
    (stays_short, "tenfold.run", "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION),
    (says_what_it_is, "tenfold.run", "'''A run.'''\ndef f(): return 1"),
    (says_what_it_is, "tenfold.run", "x = 1"),
]
FINE = [
    (points_down, "tenfold.run", "from tenfold.task import Task\nfrom tenfold import core"),
    (points_down, "tenfold.run.x", "from tenfold.run.y import z\nfrom . import y"),
    (points_down, "tenfold.tasks.x", "from tenfold.tasks.x.helper import z"),
    (points_down, "tenfold.networks.fast", "from tenfold.networks.modules import conv"),
    (names_no_kind, "tenfold.verbs.train", "'''As for image-classification.'''"),
    (names_no_column, "tenfold.answers.label", "table['label']"),
    (names_no_column, "tenfold.serving.schemas", "found = {'type': 'array', 'items': part}"),
    (never_unpickles, "tenfold.run", "net.eval()\nnp.load(path, allow_pickle=False)"),
    (swallows_nothing, "tenfold.run", "try:\n    f()\nexcept OSError as e:\n    raise X from e"),
    (stays_short, "tenfold.run", "def f():\n    '''" + "word\n" * 60 + "'''\n    return 1"),
    (says_what_it_is, "tenfold.run", "'''A run.'''\ndef _f(): return 1"),
]
KNOWN = frozenset(
    {
        *("tenfold", *(f"tenfold.{room}" for room in HEIGHT)),
        *("tenfold.tasks.x", "tenfold.tasks.y", "tenfold.tasks.x.helper"),
        *("tenfold.verbs.test", "tenfold.core.x", "tenfold.run.y"),
    }
)


def complaints(rule, name: str, code: str) -> list:
    extra = [KNOWN] if rule is points_down else []
    return list(rule(Source(name, code), *extra))


@pytest.mark.parametrize(("rule", "name", "code"), BROKEN)
def test_rule_sees_what_it_looks_for(rule, name, code, monkeypatch):
    names = frozenset({"image-classification", "image_classification"})
    monkeypatch.setitem(globals(), "kinds", lambda: names)
    assert complaints(rule, name, code)


@pytest.mark.parametrize(("rule", "name", "code"), FINE)
def test_rule_lets_pass(rule, name, code):
    assert not complaints(rule, name, code)


def test_no_import_cycle():
    modules = all_modules()
    graph = {
        source.name: {module for _, module in own_imports(source, modules)} - {source.name}
        for source in sources()
        if source.room != "__init__"
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_functions_are_short_by_habit():
    every = [node for source in sources() for node in source.walk() if isinstance(node, FUNCTION)]
    assert statistics.median(map(length, every)) < MEDIAN_FUNCTION


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", [path for path in TESTS if path.parent.name != "kit"], ids=str)
def test_no_test_reads_a_clock(path):
    """Another process on the machine must not fail a test: what takes time is counted (files
    opened, rows decoded, steps), its seconds are measured in benchmarks/. Waiting until something
    is so, as long as it takes, is processes.wait_for.
    """
    assert not [f"{path.name}:{line}: {name}" for line, name in clocks(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("began = time.perf_counter()", 1),
        ("from time import monotonic as now", 1),
        ("if os.getloadavg()[0] > 1: pytest.skip()", 1),
        ("stamp = time.time() - began", 1),
        ("assert took < 3\nimport timeit", 1),
        ("SimpleNamespace(perf_counter=lambda: now[0])\ntime.sleep(1)", 0),
    ],
)
def test_clocks_are_seen(code, count):
    assert len([*clocks(code)]) == count


MOST_AT_THE_TOP, MOST_IN_A_ROOM = 6, 20


def test_rooms_can_be_taken_in_at_a_glance():
    """Few files at the top, and directly in each folder."""
    folders = [PACKAGE, *(path.parent for path in PACKAGE.rglob("__init__.py"))]
    counts = {folder: len([*folder.glob("*.py")]) for folder in folders}
    assert counts.pop(PACKAGE) <= MOST_AT_THE_TOP
    assert {folder: count for folder, count in counts.items() if count > MOST_IN_A_ROOM} == {}


def test_public_class_names_are_unique():
    """One name, one thing: a reader who sees a class finds its only definition."""
    places: dict[str, list[str]] = {}
    for source in sources():
        for node in source.tree.body:
            for name in filter(is_class_name, defined(node)):
                places.setdefault(name, []).append(source.name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def defined(node: ast.stmt) -> list[str]:
    """What a statement defines: a class, or the name of a type."""
    if isinstance(node, ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_class_name(name: str) -> bool:
    return name[0].isupper() and not name.isupper()
