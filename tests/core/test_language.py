"""Pages speak English or Chinese, wholly: every sentence has its entry, and no entry is unused."""

import ast
import importlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import jinja2.nodes
import numpy as np
import pandas as pd
import pytest
from latin import latin_words
from PIL import Image

from tenfold.answers import charts
from tenfold.answers.registry import metrics
from tenfold.core import language
from tenfold.core.errors import DataRefused, UsageError
from tenfold.core.language import again, say, speaking, spoken
from tenfold.media.text.medium import TEXT
from tenfold.reporting import words
from tenfold.reporting.templates import page as page_of
from tenfold.tasks import registry
from tenfold.tasks.recommendation import histories
from tenfold.verbs.check import check
from tenfold.verbs.explain import explain
from tenfold.verbs.report import report
from tenfold.verbs.train import train

PACKAGE = Path(language.__file__).parents[1]
CATALOGUE = json.loads((PACKAGE / "core" / "chinese.json").read_text("utf-8"))

# --- every sentence there is ---


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


def of_code() -> Iterator[str]:
    """First arguments of say(), and the nouns of plural()."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for call in filter(lambda node: isinstance(node, ast.Call), ast.walk(tree)):
            name = ast.unparse(call.func)
            if name in ("say", "language.say") and call.args:
                yield from texts_of(call.args[0], tree)
            elif name.split(".")[-1] == "plural":
                nouns = [one.value for one in call.args if isinstance(one, ast.Constant)]
                yield from _of_call("plural", nouns)


def texts_of(node: ast.AST | None, tree: ast.AST | None = None) -> list[str]:
    """What a text can be: `{}` where a value stands in it; a name is looked up once in the file."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "{}" for one in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, tree) + texts_of(node.orelse, tree)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        both = itertools.product(texts_of(node.left), texts_of(node.right))
        return ["".join(pair) for pair in both]
    if isinstance(node, ast.AugAssign):
        return [f"{{}}{text}" for text in texts_of(node.value)]
    if isinstance(node, ast.Name) and tree:
        return [text for value in assigned(node.id, tree) for text in texts_of(value)]
    return []


def assigned(name: str, tree: ast.AST) -> Iterator[ast.AST]:
    """Every value that a name is given in a file, also as one of several."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=True)
                yield from (v for t, v in pairs if isinstance(t, ast.Name) and t.id == name)


# Sentences that are finished and stored before a page shows them: `again` knows their forms.
# Names that hold them, and functions of which every text with a space in it is one.
READERS = [
    path
    for pattern in ("media/**/*.py", "**/scan.py", "**/prepare.py", "answers/kind.py")
    for path in sorted(PACKAGE.glob(pattern))
    if path.name != "inputs.py"  # no page shows what is wrong with a command's inputs
]
HOLD = {"reason", "fix", "what"}
WHOLE = {
    "prepare.py": {"_too_many", "_none_left"},
    "answers/label.py": {"_class_of_one"},
    "splits.py": {"assign"},
    "data/folds.py": {"assign", "_last_line"},
    "workflows/folds.py": {"__init__"},
    "budget.py": {"_steps", "_fixed"},
    "evaluate.py": {"gather", "_evaluated"},
    "compare.py": {"_protocol"},
    "device.py": {"name"},
}


def finished() -> Iterator[str]:
    for path in READERS:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Problem", "unreadable"):
                for value in [*node.args[1:], *(word.value for word in node.keywords)]:
                    yield from texts_of(value, tree)
        for name in HOLD:
            for value in assigned(name, tree) if path.name != "prepare.py" else ():
                yield from texts_of(value, tree)
    for place, functions in WHOLE.items():
        tree = ast.parse(next(PACKAGE.rglob(place)).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                yield from sentences_in(node, tree)


def sentences_in(function: ast.FunctionDef, tree: ast.AST) -> Iterator[str]:
    """The outermost texts of a function but its docstring, joined where they are added up."""
    todo: list[ast.AST] = function.body[bool(ast.get_docstring(function)) :]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.AugAssign):
            found = [text for text in texts_of(node, tree) if text.count(" ") and text != " "]
            yield from found
            if found:
                continue
        todo.extend(ast.iter_child_nodes(node))


def of_tables() -> Iterator[str]:
    yield from words.NAMES.values()
    yield from charts.MEASURES.values()
    yield from histories.LINES.values()
    for one in metrics().values():
        yield from (one.title, one.meaning)
    yield from registry.names().values()
    pictures = importlib.import_module("tenfold.media.image.decode")
    yield from (f"is {what}" for what in pictures._DOCUMENTS.values())


# Forms with next to no words of their own: what fills them is listed whole.
TOO_SHORT = {"{count} {}", "is {}"}


def sentences() -> set[str]:
    every = {*of_templates(), *of_code(), *finished(), *of_tables()}
    return {text for text in every if "\\" not in text and text not in TOO_SHORT}


def test_every_sentence_is_in_the_catalogue_and_nothing_else():
    found = sentences()
    assert len(found) > 200, "the collector has gone blind"
    assert sorted(found - set(CATALOGUE)) == [], "chinese.json lacks these"
    assert sorted(set(CATALOGUE) - found) == [], "nothing says these any more"


def test_the_collector_sees_what_it_looks_for():
    tree = ast.parse(
        '''
def f(n):
    """A docstring of words."""
    text = f"is {n} long"
    line = "given"
    line += ", drawn from train"
    return Problem("code", text, "Mend it." if n else "Or not."), "one" + (" two" if n else "")
'''
    )
    (problem,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert [texts_of(value, tree) for value in problem.args[1:]] == [
        ["is {} long"],
        ["Mend it.", "Or not."],
    ]
    told = set(sentences_in(tree.body[0], tree))
    assert {"is {} long", "{}, drawn from train", "one two"} <= told
    assert not any("docstring" in text for text in told)


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_a_translation_fills_the_same_gaps(key):
    said = CATALOGUE[key]
    assert (
        sorted(re.findall(r"\{\w+\}", key)) == sorted(re.findall(r"\{\w+\}", said)) or "{}" in key
    )
    if "{}" in key:
        values = [f"<{number}>" for number in range(key.count("{}"))]
        filled = said.format(*values)
        assert all(value in filled for value in values)
    latin = r"[A-Za-z²]+( [A-Z]+)?|"  # RMSE and R² are what they are called in Chinese as well
    assert re.search(r"[\u4e00-\u9fff，。：；]", said) or re.fullmatch(latin, said)


# --- speaking ---


def test_english_is_spoken_unless_asked_otherwise():
    assert spoken() == "en" and say("Scores") == "Scores"
    with speaking("zh"):
        assert say("Scores") == "得分"
        with speaking("en"):
            assert say("Scores") == "Scores"
        assert say("{low} to {high}", low=1, high=2) == "1 至 2"
    assert say("Scores") == "Scores"


def test_what_is_missing_stays_english():
    with speaking("zh"):
        assert say("Nobody wrote {this}.", this="down") == "Nobody wrote down."
        assert again("is of no known form") == "is of no known form"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("is empty (0 bytes)", "是空文件（0 字节）"),
        ("is an SVG drawing, not a picture", "是矢量图（SVG），不是图片"),
        (
            "276 test rows; 70/15/15 drawn from all rows",
            "测试集 276 个样本；从全部数据中按 70/15/15 划分",
        ),
        ("AMD EPYC, 2 cores", "AMD EPYC，2 核"),
        ("there is no file 'a{b}.png'", "没有文件 'a{b}.png'"),
        (
            "3 of 9 files cannot be used, more than 5 %: the first, test, is empty (0 bytes)",
            "9 个文件中有 3 个无法使用，超过 5%：第一个是 test，是空文件（0 字节）",
        ),
    ],
)
def test_finished_sentences_are_said_again(english, chinese):
    assert again(english) == english
    with speaking("zh"):
        assert again(english) == chinese


@pytest.mark.parametrize(("lang", "near"), [("fr", "There is: en, zh."), ("zh-cn", "mean 'zh'")])
def test_an_unknown_language_is_refused(lang, near, tmp_path):
    for verb in (
        lambda: report(tmp_path, lang=lang),
        lambda: train("image-classification", tmp_path, lang=lang),
        lambda: check("image-classification", tmp_path, lang=lang),
        lambda: explain(tmp_path, tmp_path, lang=lang),
    ):
        with pytest.raises(UsageError, match="lang must be one of en, zh, got") as refused:
            verb()
        assert refused.value.code == "bad-setting" and near in refused.value.fix


def test_values_are_escaped_into_sentences():
    with speaking("zh"):
        page = page_of("gallery.html.jinja", title="<i>", cards=[], medium=TEXT)
    assert "<i>" not in page and "&lt;i&gt;" in page


# --- whole pages ---


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Pictures of two classes, one of them damaged, copies, and a class name in Chinese."""
    folder = tmp_path_factory.mktemp("language")
    random = np.random.default_rng(0)
    for name in ("红", "blue"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 255, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.png")
    (folder / "photos/blue/damaged.png").write_bytes(b"<html>")
    (folder / "photos/blue/copy.png").write_bytes((folder / "photos/blue/0.png").read_bytes())
    (folder / "photos/红/other.png").write_bytes((folder / "photos/blue/1.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def run(home):
    settings = {"size": "tiny", "epochs": 2, "batch": 16, "augment": "shift", "on_bad": "skip"}
    out = home / "run"
    return train("image-classification", home / "photos", out=out, lang="zh", **settings)


def test_a_report_is_wholly_chinese(run, home):
    page = (run.folder / "report.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert latin_words(page) == set()
    charts_text = " ".join(re.findall(r"<text.*?</text>", page, re.S))
    assert "训练轮数" in charts_text and "红" in charts_text and "预测的置信度" in charts_text
    assert run.scores["protocol"].endswith("drawn from all rows"), "documents stay English"
    assert report(run, out=home / "en.html")["card"]["use"].startswith("Say what a picture")
    english = (home / "en.html").read_text("utf-8")
    assert '<html lang="en">' in english and "红" in english
    assert set(re.findall(r"[\u4e00-\u9fff]", english)) == {"红"}


def test_the_latin_words_of_an_english_page_are_seen(run, home):
    report(run, out=home / "seen.html")
    assert {"Scores", "rows", "precision"} <= latin_words((home / "seen.html").read_text("utf-8"))


def test_a_check_is_wholly_chinese(home):
    settings = {"size": "tiny", "on_bad": "skip", "lang": "zh"}
    check("image-classification", home / "photos", out=home / "check.html", **settings)
    page = (home / "check.html").read_text("utf-8")
    assert latin_words(page) == set() and '<html lang="zh-CN">' in page
    assert "是网页（HTML 或 XML），不是图片" in page and "请下载图片本身。" in page


def test_a_refused_check_is_wholly_chinese(home, tmp_path):
    for number in range(20):
        (home / "photos/blue" / f"bad{number}.png").write_bytes(b"")
    try:
        with pytest.raises(DataRefused, match="files cannot be used"):
            check("image-classification", home / "photos", out=tmp_path / "c.html", lang="zh")
    finally:
        for number in range(20):
            (home / "photos/blue" / f"bad{number}.png").unlink()
    page = (tmp_path / "c.html").read_text("utf-8")
    assert latin_words(page) - {"check", "bad"} == set()
    assert "还不能用于训练" in page and "是空文件（0 字节）" in page


def test_a_gallery_is_wholly_chinese(run, home):
    found = explain(run, str(home / "photos/blue/0.png"), out=home / "seen", limit=1, lang="zh")
    page = Path(found["page"]).read_text("utf-8")
    assert latin_words(page) == set() and '<html lang="zh-CN">' in page


def test_labels_of_any_number_are_chinese_too(tmp_path):
    pictures = list(np.random.default_rng(0).integers(0, 255, (32, 12, 12, 3), np.uint8))
    names = ["红|圆", "红", "圆", "方|红"] * 8
    table = pd.DataFrame({"image": pictures, "label": names})
    settings = {"size": "tiny", "epochs": 1, "batch": 16, "augment": "none", "lang": "zh"}
    run = train("image-classification", table, out=tmp_path / "run", **settings)
    page = (run.folder / "report.html").read_text("utf-8")
    assert latin_words(page) == set() and "微平均 F1" in page and "校准前" in page
