"""The house rules that a program can check: who may import whom, what may never be written, and
how long things grow.

Every rule is a function from one source file to the complaints about it; each is shown to see what
it looks for (`BROKEN`) and then put to every file of the package.
"""

import ast
import functools
import graphlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rooms import HEIGHT

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tenfold"

# Verbs know of other verbs only what is listed.
VERBS_USING_VERBS = {"demo": {"check", "train", "predict", "explain"}}
# Networks know nothing of tenfold but how to complain.
NETWORKS_KNOW = {"tenfold.core.lazy", "tenfold.core.errors"}

# Only a task's own room may name it.
NAMES_A_KIND = {"tenfold.verbs.demo"}
# The folder is the registry: these import a task, medium or verb by the name of its file.
IMPORT_BY_NAME = {
    *("tenfold", "tenfold.core.lazy"),
    *("tenfold.tasks.registry", "tenfold.answers.registry", "tenfold.media.registry"),
    *("tenfold.cli", "tenfold.verbs.doctor"),
}
PRINTS = {"tenfold.cli", "tenfold.core.progress"}

PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE = {
    *("torch.load", "torch.save", "torch.jit.load", "torch.export.load", "torch.export.save"),
    *("torch.package", "pandas.read_pickle", "pd.read_pickle", "yaml.load", "yaml.unsafe_load"),
}
UNSAFE_CHOICES = {"allow_pickle", "trust_remote_code"}

LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 400, 50, 10
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


# --- one file of the package ---


@dataclass(frozen=True)
class Source:
    """A file: its dotted name, its text and its tree."""

    name: str
    text: str
    is_package: bool = False

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The first word below tenfold: `verbs` of tenfold.verbs.train."""
        return room_of(self.name)

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)


def room_of(module: str) -> str:
    words = module.split(".")
    return words[1] if len(words) > 1 else "__init__"


@functools.cache
def sources() -> tuple[Source, ...]:
    return tuple(read(path) for path in sorted(PACKAGE.rglob("*.py")))


def read(path: Path) -> Source:
    words = path.relative_to(ROOT).with_suffix("").parts
    inside = words[:-1] if words[-1] == "__init__" else words
    return Source(".".join(inside), path.read_text("utf-8"), words[-1] == "__init__")


@functools.cache
def kinds() -> frozenset[str]:
    """Names of the tasks, as the command line and as Python spell them."""
    found = PACKAGE.glob("tasks/[a-z]*")
    stems = {path.stem for path in found} - {"registry"}
    return frozenset(stems | {stem.replace("_", "-") for stem in stems})


def dotted(node: ast.AST) -> str:
    """`torch.jit.load` of that chain of attributes; empty where it is none."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner else ""


def base_of(node: ast.ImportFrom, source: Source) -> str:
    """The absolute module that a `from` statement names."""
    if not node.level:
        return node.module or ""
    up = node.level - 1 if source.is_package else node.level
    words = source.name.split(".")
    return ".".join(words[: len(words) - up] + ([node.module] if node.module else []))


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Every (line, module or module.name) imported: by statement, for types only, or by lazy()."""
    for node in source.walk():
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = base_of(node, source)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "lazy":
            words = [word.value for word in node.args if isinstance(word, ast.Constant)]
            yield from ((node.lineno, word) for word in words if isinstance(word, str))


def own_imports(source: Source, modules: frozenset[str]) -> Iterator[tuple[int, str]]:
    """The (line, module of tenfold) that a file imports, names inside a module left out."""
    for line, name in imports(source):
        if name.split(".")[0] == "tenfold":
            whole = name in modules or name.count(".") < 2
            yield line, name if whole else name.rpartition(".")[0]


# --- the rules: Source -> complaints, each with its line ---

Complaints = Iterator[tuple[int, str]]


def points_down(source: Source, modules: frozenset[str] = frozenset()) -> Complaints:
    """Imports go from a line of ROOMS to a lower one, or stay inside a room."""
    if source.room == "__init__":
        return
    if source.room not in HEIGHT:
        yield 1, f"{source.room} is not in ROOMS"
        return
    for line, module in own_imports(source, modules | all_modules()):
        if not may_import(source.name, module):
            yield line, f"may not import {module}: ROOMS in tests/kit/rooms.py says who knows whom"


def may_import(name: str, module: str) -> bool:
    own, other = room_of(name), room_of(module)
    if own != other:
        known = own != "networks" or module in NETWORKS_KNOW
        return known and other in HEIGHT and HEIGHT[other] < HEIGHT[own]
    if own == "verbs":
        return last(module) in VERBS_USING_VERBS.get(last(name), ())
    return own != "tasks" or task_of(name) == task_of(module)


def task_of(module: str) -> str:
    """`x` of tenfold.tasks.x and of its helpers: nobody else imports these."""
    return ".".join(module.split(".")[2:3])


def last(module: str) -> str:
    return module.rpartition(".")[2]


def all_modules() -> frozenset[str]:
    return frozenset(source.name for source in sources())


def imports_at_the_top(source: Source) -> Complaints:
    """No import inside a function; what is heavy or optional comes through lazy()."""
    for function in filter(lambda node: isinstance(node, FUNCTION), source.walk()):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, 'import inside a function: use lazy("...") at the top'
    for node in source.walk():
        by_name = isinstance(node, ast.Call) and dotted(node.func).split(".")[-1]
        if by_name in ("import_module", "__import__") and source.name not in IMPORT_BY_NAME:
            yield node.lineno, f'{by_name}: use lazy("...")'


def names_no_kind(source: Source) -> Complaints:
    """What serves every task asks none for its name."""
    if source.room == "tasks" or source.name in NAMES_A_KIND:
        return
    for node in source.walk():
        if isinstance(node, ast.Constant) and node.value in kinds():
            yield node.lineno, f"names the task {node.value!r}"
    for line, name in imports(source):
        if name.startswith("tenfold.tasks.") and last(name) in kinds():
            yield line, f"imports the task {name}"


def never_unpickles(source: Source) -> Complaints:
    """Nothing learnt is stored as code: no pickle by any name, no eval."""
    for line, name in imports(source):
        if name.split(".")[0] in PICKLES or name in UNSAFE:
            yield line, f"imports {name}"
    for node in source.walk():
        if isinstance(node, ast.Attribute) and (dotted(node) in UNSAFE or "pickle" in node.attr):
            yield node.lineno, f"uses {dotted(node) or node.attr}"
        if isinstance(node, ast.Call):
            yield from unsafe_call(node)


def unsafe_call(node: ast.Call) -> Complaints:
    if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
        yield node.lineno, f"calls {node.func.id}()"
    for word in node.keywords:
        off = isinstance(word.value, ast.Constant) and word.value.value is False
        if word.arg in UNSAFE_CHOICES and not off:
            yield node.lineno, f"sets {word.arg}"


def swallows_nothing(source: Source) -> Complaints:
    """No bare except, none that only passes (suppress() names what it drops), no assert."""
    for node in source.walk():
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except"
        if isinstance(node, ast.ExceptHandler) and isinstance(node.body[0], ast.Pass):
            yield node.lineno, "except: pass"
        if isinstance(node, ast.Assert):
            yield node.lineno, "assert disappears under -O: raise an error a person can read"


def is_silent(source: Source) -> Complaints:
    """Only the command line and the progress line write to the terminal."""
    if source.name in PRINTS:
        return
    for node in source.walk():
        if isinstance(node, ast.Call) and dotted(node.func) in ("print", "click.echo"):
            yield node.lineno, f"{dotted(node.func)}: return it, or progress.tell() it"


def stays_short(source: Source) -> Complaints:
    """Files and functions a reader can hold in mind; docstrings are not counted."""
    lines = source.text.count("\n")
    if lines > LONGEST_FILE:
        yield lines, f"{lines} lines; at most {LONGEST_FILE}"
    for node in filter(lambda node: isinstance(node, FUNCTION), source.walk()):
        if length(node) > LONGEST_FUNCTION:
            yield node.lineno, f"{node.name}: {length(node)} lines; at most {LONGEST_FUNCTION}"


def length(node: ast.FunctionDef) -> int:
    told = node.body[0] if ast.get_docstring(node) else None
    return node.end_lineno - node.lineno + 1 - (told.end_lineno - told.lineno + 1 if told else 0)


def says_what_it_is(source: Source) -> Complaints:
    """A docstring for each module and each public class and function."""
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield 1, "the module has no docstring"
    for node in source.tree.body:
        named = isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_")
        overload = named and "overload" in map(ast.unparse, node.decorator_list)
        if named and not overload and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"


RULES = (
    points_down,
    imports_at_the_top,
    names_no_kind,
    never_unpickles,
    swallows_nothing,
    is_silent,
    stays_short,
    says_what_it_is,
)


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
