"""Every sentence that a page or an error of tenfold can hold, as its English template."""

import ast
import dataclasses
import functools
import inspect
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import jinja2
import jinja2.nodes

from tenfold import cli
from tenfold.answers import charts
from tenfold.answers.registry import metrics
from tenfold.core import language
from tenfold.core.terminal import help_pages
from tenfold.media.reading import Reading
from tenfold.media.registry import known
from tenfold.reporting import words
from tenfold.task import options_of
from tenfold.tasks import registry

PACKAGE = Path(language.__file__).parents[1]
STORED = Path(__file__).parents[1] / "run" / "stored"
TEMPLATE = re.compile(r'"template": ?"((?:[^"\\]|\\.)*)"')
PLACEHOLDER = re.compile(r"\{(\w+)(?:![rsa])?(?::[^}]*)?\}")


def of_templates() -> Iterator[str]:
    for path in sorted((PACKAGE / "reporting").glob("*.jinja")):
        tree = jinja2.Environment().parse(path.read_text("utf-8"))
        for call in tree.find_all(jinja2.nodes.Call):
            name = getattr(call.node, "name", "")
            texts = [one.value for one in call.args if isinstance(one, jinja2.nodes.Const)]
            yield from _of_call(name, texts)


def _of_call(name: str, texts: list[str]) -> Iterator[str]:
    if name == "say":
        assert texts, "say() of something that is no sentence"
        yield texts[0]
    elif name == "plural" and texts:
        yield f"{{count}} {texts[1] if len(texts) > 1 else texts[0] + 's'}"


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def calls_of(path: Path) -> list[ast.Call]:
    """Every call in a file."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    """What is called, as in `say` and `language.say`; "" for what is no name."""
    names, node = list[str](), call.func
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    names.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(names))


def of_code() -> Iterator[str]:
    """Templates of say() and Message(), and the nouns of plural() and counted()."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = parsed(path)
        for call in calls_of(path):
            name = called(call)
            if name in ("say", "language.say", "Message") and call.args:
                texts = texts_of(call.args[0], tree)
                yield from (text for text in texts if name != "Message" or has_words(text))
            elif name.split(".")[-1] in ("plural", "counted"):
                nouns = [one.value for one in call.args if isinstance(one, ast.Constant)]
                yield from _of_call("plural", nouns)


def texts_of(node: ast.AST | None, tree: ast.AST) -> list[str]:
    """What a template can be: a text, one of two, or a name that is given a text in the file."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, tree) + texts_of(node.orelse, tree)
    if isinstance(node, ast.Name):
        return [text for value in assigned(node.id, tree) for text in texts_of(value, tree)]
    return []


def assigned(name: str, tree: ast.AST) -> Iterator[ast.AST]:
    """Every value that a name is given in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value


def of_helps() -> Iterator[str]:
    """Texts of the help pages: verbs, their arguments and flags, and those of click itself."""
    yield from help_pages.CLICKS
    yield help_pages.LANGUAGE
    yield from cli._SHARED.values()
    yield from cli._summaries().values()
    yield (cli._tenfold.help or "").split("\n")[0]
    for verb in cli._summaries():
        command = cli._command(verb)
        options = {param.name for param in command.params if isinstance(param, click.Option)}
        text = inspect.getdoc(command.function) or ""
        yield text.split("\n")[0]
        yield from (said for name, said in cli.explained(text)[0].items() if name in options)


def of_tables() -> Iterator[str]:
    yield from words.NAMES.values()
    yield from charts.MEASURES.values()
    yield from DECIDED
    for one in metrics().values():
        yield from (one.title, one.meaning)
    yield from registry.names().values()
    helps = [entry.metadata.get("help", "") for entry in dataclasses.fields(Reading)]
    yield from filter(None, helps)
    yield from (role.help for medium in known().values() for role in medium.roles)
    for name in registry.names():
        cls = registry.class_of(name)
        yield from (inspect.getdoc(sys.modules[cls.__module__]) or "").split("\n\n")
        yield from (role.help for role in cls.roles)
        options = (cls.options, options_of(cls), *(kind.options for kind in cls.answers))
        for part in (cls, *options):
            yield from (entry.metadata["help"] for entry in dataclasses.fields(part))


def of_stored() -> Iterator[str]:
    """Templates that runs of earlier versions hold, which are translated when these are opened."""
    for path in sorted(STORED.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith((".json", ".jsonl")):
                    yield from TEMPLATE.findall(archive.read(name).decode("utf-8"))


DECIDED = (
    "epochs as given",
    "the recipe's epochs",
    "minutes left for training",
    "the steps of the first training",
)
"""What `decided` of a trained run can be (training/budget.py)."""


def has_words(template: str) -> bool:
    """False for `{source} {reason}`, which is the same in any language."""
    return bool(re.search("[A-Za-z]", PLACEHOLDER.sub("", template)))


def sentences() -> set[str]:
    stored = {json.loads(f'"{text}"') for text in of_stored()}
    return {
        *of_templates(),
        *of_code(),
        *of_helps(),
        *of_tables(),
        *filter(has_words, stored),
    }
