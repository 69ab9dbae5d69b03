"""What the pages in docs/ promise to list in full is listed in full, and what they list is there.

Commands on the pages are run by test_readme; here are the lists: error codes, keys of the JSON
documents, files of a run, the tree in both languages, the Chinese pages, links, and the worked
example of a new task.
"""

import ast
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from documents import (
    ROOT,
    blocks,
    draw_photos,
    headings,
    is_translated,
    named,
    table_rows,
    tree_paths,
    without_remarks,
)
from rooms import ROOMS
from sharing import keep_the_table_of_operators

import tenfold
from tenfold.run import folder
from tenfold.task import options_of
from tenfold.tasks import registry

PACKAGE = ROOT / "tenfold"
ERRORS, JSON, FOLDER = (ROOT / "docs" / name for name in ("errors.md", "json.md", "run-folder.md"))
EXAMPLE, PATTERN = (ROOT / "docs" / n for n in ("adding-a-task.md", "pattern.md"))

# --- error codes ---


# Functions that take a code by place: which argument, and what they put before it.
GIVEN_AS = {"Problem": (0, ""), "unreadable": (0, ""), "_ask": (1, ""), "run_refused": (2, "run-")}


def codes(tree: ast.Module) -> Iterator[str]:
    """Slugs that a file gives to errors and problems."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from slugs(node.value)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            names = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if any("default_code" in ast.dump(name) for name in names):
                yield from slugs(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place, prefix = GIVEN_AS.get(node.func.id, (len(node.args), ""))
            for value in node.args[place : place + 1]:
                yield from (prefix + slug for slug in slugs(value))


def slugs(value: ast.AST | None) -> Iterator[str]:
    """Texts of a value that look like a slug: itself, or those of a pair or a choice."""
    for node in ast.walk(value) if isinstance(value, ast.Constant | ast.Tuple | ast.IfExp) else ():
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"[a-z0-9-]+", text):
            yield text


def in_source() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py")))
    return {slug for tree in trees for slug in codes(tree)}


def in_document() -> list[str]:
    """First cells of the tables in docs/errors.md that hold a slug."""
    return re.findall(r"^\| `([a-z0-9-]+)` \|", ERRORS.read_text("utf-8"), re.M)


def test_every_error_code_is_listed():
    assert sorted(in_source() - set(in_document())) == [], "docs/errors.md lacks these codes"


def test_every_listed_code_exists():
    assert sorted(set(in_document()) - in_source()) == [], (
        "docs/errors.md lists what nothing raises"
    )
    twice = [slug for slug in in_document() if in_document().count(slug) > 1]
    assert not twice, f"listed twice: {twice}"


def test_codes_are_found():
    text = """
raise UsageError("x", code="one-code")
class E(TenfoldError):
    exit_code, default_code = 2, "two-code"
Problem("three-code", "reason")
raise run_refused(folder, "what", "four") from error
unreadable("five-code", reason)
"""
    found = set(codes(ast.parse(text)))
    assert found == {"one-code", "two-code", "three-code", "run-four", "five-code"}


# --- JSON documents ---

# Below these keys stand names that depend on the data, each with a value of the same form.
NAMED = {"scores", "baselines", "valid", "classes", "probabilities", "settings", "options", "tasks"}
NAMED |= {"versions", "codecs", "ablations", "values"}
FREE = {
    "settings",
    "options",
    "baselines",
    "ablations",
    "values",
}  # entries of these may lack keys that do not concern them


def form(value: Any, name: str = "") -> Any:
    """The keys of a document as deep as they go; of many alike, those of the first."""
    if isinstance(value, dict) and name in NAMED:
        return [form(one) for one in list(value.values())[:1] if name not in FREE]
    if isinstance(value, dict):
        return {key: form(one, key) for key, one in value.items()}
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return [form(value[0])]
    return None


def shown() -> dict[str, list[Any]]:
    """The documents on the page, below the verb that gives them."""
    found: dict[str, list[Any]] = {}
    lines = JSON.read_text("utf-8").splitlines()
    for block in blocks(JSON):
        above = [line[3:] for line in lines[: block.line] if line.startswith("## ")]
        verb = above[-1] if above else ""
        texts = block.text.splitlines() if block.kind == "jsonl" else [block.text]
        found.setdefault(verb, []).extend(json.loads(text) for text in texts)
    return found


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> dict[str, list[Any]]:
    """What the verbs give on a tiny run."""
    keep_the_table_of_operators()
    home = tmp_path_factory.mktemp("json")
    data, kind = home / "photos", "image-classification"
    draw_photos(data, each=12)
    (data / "circle" / "empty.png").touch()
    small = {"size": "tiny", "on_bad": "skip"}
    run = tenfold.train(kind, data, epochs=1, out=home / "runs" / "one", **small)
    other = tenfold.train(kind, data, epochs=2, out=home / "runs" / "two", **small)
    repeated = tenfold.train(kind, data, epochs=1, repeat=2, out=home / "twice", **small)
    folded = tenfold.train(kind, data, epochs=1, folds=2, out=home / "folds", **small)
    one = data / "circle" / "000.png"
    inputs = [one, data / "circle" / "empty.png"]
    documents = {
        "": [],
        "check": [tenfold.check(kind, data, out=home / "check.html", **small)],
        "train": [run, repeated, folded, tenfold.train(kind, data, plan=True, **small)],
        "tune": [tenfold.tune(kind, data, trials=2, epochs=1, out=home / "tuned", **small)],
        "test": [tenfold.test(run)],
        "predict": [*tenfold.predict(run, inputs)],
        "explain": [tenfold.explain(run, one)],
        "similar": [*tenfold.similar(run, inputs, k=2)],
        "features": [tenfold.features(run, inputs, out=home / "features.npy")],
        "report": [tenfold.report(run), tenfold.report([run, other], compare=True)],
        "export": [tenfold.export(run, int8=True, max_drop=100)],
        "runs": [tenfold.runs(home / "runs")],
        "tasks": [tenfold.tasks(), tenfold.tasks(kind)],
        "doctor": [tenfold.doctor()],
    }
    return {verb: [one.to_json() for one in many] for verb, many in documents.items()}


def test_documents_have_the_keys_that_are_shown(given):
    page = shown()
    page["predict"].pop()  # several classes a picture: another run
    assert set(page) == {*given, "demo", "serve"}  # test_serving_cli has that of serve
    for verb in set(given) - {""}:
        assert list(map(form, given[verb])) == list(map(form, page[verb])), verb


# --- files of a run ---


def test_every_file_of_a_run_is_described():
    told = set(re.findall(r"`([\w.-]+)/?`", FOLDER.read_text("utf-8")))
    assert sorted(folder.FILES.known - told) == []


# --- settings of tasks ---


@pytest.mark.parametrize("kind", sorted(registry.names()))
def test_every_setting_stands_with_its_default(kind):
    page = (ROOT / f"docs/tasks/{kind}.md").read_text("utf-8")
    cls = registry.class_of(kind)
    for entry in (*dataclasses.fields(cls), *dataclasses.fields(options_of(cls))):
        assert f"| `{entry.name}` | `{entry.default}` |" in page, f"{kind}: {entry.name}"


def test_recipes_are_those_of_the_code():
    code = registry.class_of("image-classification").__module__
    page = (ROOT / "docs/tasks/image-classification.md").read_text("utf-8")
    known = vars(sys.modules[code])
    rows = [(f"`{name}`", one, f"{one.epochs:g}") for name, one in known["_RECIPES"].items()]
    for name, one in known["_OTHERS"].items():
        if one not in known["_RECIPES"].values():
            rows.append((f"`--optimizer {name}`", one, "the network's"))
    for name, one, passes in rows:
        row = f"| {name} | {one.optimizer} | {one.learning_rate:g} | {passes} | {one.least_steps} |"
        assert row in page, row


# --- the order of imports ---


def test_the_order_of_imports_is_that_of_the_test():
    page = next(block.text for block in blocks(PATTERN) if "cli > verbs" in block.text)
    told = [layer.replace(",", " ").split() for layer in page.split(">")]
    planned = {"__main__"}  # it says nothing
    layers = [[name for name in line.split() if name not in planned] for line in ROOMS.split("\n")]
    assert told == [layer for layer in layers if layer]


# --- both languages ---


def test_both_languages_show_the_same_tree():
    trees = [
        next(block.text for block in blocks(ROOT / name) if re.search(r"^tenfold/\s", block.text))
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert list(tree_paths(trees[0])) == list(tree_paths(trees[1]))


TRANSLATED = [path for path in sorted(ROOT.glob("docs/**/*.md")) if is_translated(path)]


@pytest.mark.parametrize("chinese", TRANSLATED, ids=named)
def test_a_translated_page_has_the_parts_of_the_english_one(chinese):
    """Only the commands of the English page are run, so the Chinese one must have the same."""
    english = chinese.with_name(chinese.name.replace(".zh-CN.md", ".md"))
    assert english.is_file(), f"{named(chinese)} translates no page"
    for path, word, other in ((english, "中文", chinese), (chinese, "English", english)):
        assert f"\n[{word}]({other.name})\n" in path.read_text("utf-8"), f"{named(path)}: no link"
    pairs = [[without_remarks(block) for block in blocks(path)] for path in (english, chinese)]
    for block, (one, other) in zip(blocks(chinese), zip(*pairs, strict=False), strict=False):
        assert other == one, f"{named(chinese)}:{block.line} differs from {english.name}"
    levels = [[line.split(" ")[0] for line in headings(path)] for path in (english, chinese)]
    rows = [len(table_rows(path)) for path in (english, chinese)]
    assert len(pairs[0]) == len(pairs[1]), "number of code blocks"
    assert levels[0] == levels[1], "headings"
    assert rows[0] == rows[1], "number of table rows"


# --- links ---

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
PAGES = [*ROOT.glob("*.md"), *sorted(ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_has_a_target(page):
    for place, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{named(page)} links to {place}, which does not exist"
        if anchor and target.suffix == ".md":
            known = {slug(line.lstrip("# ")) for line in headings(target)}
            assert anchor in known, f"{named(page)}: {place} has no heading #{anchor}"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# --- the worked example ---


def test_the_worked_example_is_found_by_its_name(tmp_path):
    """Its two files, saved where the page says, are all that the command line needs."""
    shutil.copytree(PACKAGE, tmp_path / "tenfold", ignore=shutil.ignore_patterns("__pycache__"))
    draw_photos(tmp_path / "photos", each=12)
    places = re.findall(r"`(tenfold/(?:networks|tasks)/\w+\.py)`", EXAMPLE.read_text("utf-8"))
    code = [block.text for block in blocks(EXAMPLE) if block.kind == "python"]
    for place, text in zip(places, code, strict=False):
        (tmp_path / place).write_text(text, "utf-8")
    words = "train colour-classification photos --steps 3 --epochs 2 --json"
    done = subprocess.run(
        [sys.executable, "-m", "tenfold", *words.split()],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert len(places) == 2 and json.loads(done.stdout)["task"] == "colour-classification"
