"""Rules of the house: functions from one source file to the complaints about it."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rooms import HEIGHT

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tenfold"

# Verbs know of other verbs only what is listed.
VERBS_USING_VERBS = {"demo": {"check", "train", "predict", "explain"}}
# Networks know nothing of tenfold but how to complain.
NETWORKS_KNOW = {"tenfold.core.lazy", "tenfold.core.errors", "tenfold.core.message"}

# Only a task's own room may name it.
NAMES_A_KIND = {"tenfold.verbs.demo"}
# The folder is the registry: these import a task, medium or verb by the name of its file.
IMPORT_BY_NAME = {
    *("tenfold", "tenfold.core.lazy"),
    *("tenfold.tasks.registry", "tenfold.answers.registry", "tenfold.media.registry"),
    "tenfold.recipes.subjects.subject",
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

    @functools.cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    def walk(self) -> Iterator[ast.AST]:
        return iter(self.nodes)


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


COLUMNS = frozenset(
    [
        *("label", "labels", "tags", "next", "boxes", "boxes_ignored", "mask", "person", "events"),
        *("text", "items", "image", "audio", "video"),
    ]
)
"""Columns of truths and inputs, of what there is and what comes."""
KNOWS_COLUMNS = ("tasks", "recipes", "media", "answers", "networks")


def names_no_column(source: Source) -> Complaints:
    """What serves every medium and answer asks these, and reads no column of theirs by name."""
    if source.room in KNOWS_COLUMNS:
        return
    for node in source.walk():
        for name in read_by_name(node):
            if name in COLUMNS:
                yield line_of(node), f"reads the column {name!r}"


def line_of(node: ast.AST) -> int:
    """The line of a node; a comprehension has that of what it runs over."""
    return node.iter.lineno if isinstance(node, ast.comprehension) else getattr(node, "lineno", 0)


def read_by_name(node: ast.AST) -> Iterator[object]:
    """Names that something is looked up by: x["name"], x.get("name"), "name" in x, x == "name"."""
    if isinstance(node, ast.Subscript):
        yield from constants(node.slice)
    elif isinstance(node, ast.Call) and last(ast.unparse(node.func)) in ("get", "pop", "assign"):
        yield from constants(node.args[0]) if node.args else ()
        yield from (word.arg for word in node.keywords if last(ast.unparse(node.func)) == "assign")
    elif isinstance(node, ast.Compare):
        for one in (node.left, *node.comparators):
            yield from constants(one)
    elif isinstance(node, ast.comprehension):
        yield from constants(node.iter)


def constants(node: ast.AST) -> Iterator[object]:
    """A constant, or those of a tuple, list or set."""
    many = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    yield from (one.value for one in many if isinstance(one, ast.Constant))


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


CLOCKS = frozenset(
    [
        *("perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time"),
        *("thread_time", "time.time", "time.time_ns", "timeit", "getloadavg"),
    ]
)


def clocks(code: str) -> Complaints:
    """Every use of a clock, or of the load of the machine, in the code of a test."""
    for node in ast.walk(ast.parse(code)):
        names = [dotted(node)] if isinstance(node, ast.Attribute) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name in CLOCKS or last(name) in CLOCKS:
                yield node.lineno, f"reads {name}"


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
    names_no_column,
    never_unpickles,
    swallows_nothing,
    is_silent,
    stays_short,
    says_what_it_is,
)
