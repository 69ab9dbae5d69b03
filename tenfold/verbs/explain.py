"""Show which parts of an input an answer depends on, as a page and as numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tenfold.core import language
from tenfold.core.columns import Columns, Problem
from tenfold.core.document import Document
from tenfold.core.errors import DataRefused, UsageError, nearest
from tenfold.core.language import say
from tenfold.core.message import EMPTY, Message, translate
from tenfold.core.progress import advance, tell
from tenfold.core.results import SCHEMA, ExplainedPart, Explanation, Prediction, to_json
from tenfold.core.text import printable, printed, short
from tenfold.data.inputs import tables
from tenfold.data.refusals import none_readable
from tenfold.data.scan import remarked
from tenfold.media import drawing
from tenfold.media.files.references import error_line
from tenfold.media.medium import Medium
from tenfold.media.registry import shown
from tenfold.media.text.passages import strongest
from tenfold.reporting import agreement, explained, write_gallery
from tenfold.reporting.words import share
from tenfold.run import explain as run_explain
from tenfold.run import folder as run_folder
from tenfold.run.outputs import OutputPaths, page_of, pictures_of
from tenfold.run.run import Run, open_run
from tenfold.training.inference import by_torch

__all__ = ["explain"]

METHODS = ("both", "occlusion", "gradcam")
LEAST_SIDE = 224
DRAWS = {"occlusion": 2, "gradcam": 5}
"""Number of networks with shuffled weights to compare with; one alone often agrees by chance."""


@dataclass
class Explained:
    """One input with its prediction, its explanations and the file of its picture.

    `row` is the table of this input alone, `media` are the media of its columns. `about` is the
    prediction as the explanations see it: that of the class to explain. `part` names it.
    """

    source: str
    answer: Prediction | Problem
    row: pd.DataFrame = field(default_factory=pd.DataFrame)
    media: dict[str, Medium] = field(default_factory=dict)
    about: Prediction | None = None
    part: ExplainedPart | None = None
    explanations: list[Explanation] = field(default_factory=list)
    columns: Columns = field(default_factory=lambda: Columns({}))
    random_weights: dict[str, float | None] = field(default_factory=dict)
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """`{"source", ...prediction, "explanations", ...}` or `{"source", "error"}`."""
        if isinstance(self.answer, Problem):
            return {"source": self.source, "error": self.answer.to_json()}
        found = [to_json(one) for one in self.explanations]
        own = {"explanations": found, "random_weights": self.random_weights, "file": self.file}
        part = {"explained": self.part.document} if self.part and self.part.document else {}
        return {"source": self.source, **to_json(self.answer), **part, **own}


def explain(
    run: str | Path | Run,
    inputs: list[Any] | Any,
    *,
    out: str | Path | None = None,
    method: str = "both",
    about: str | None = None,
    limit: int = 16,
    force: bool = False,
    device: str = "auto",
    lang: str = "en",
    **files: Any,
) -> Document:
    """Show which parts of an input an answer depends on, as a page and as numbers.

    Args:
        run: Run folder.
        inputs: Files, folders, globs, archives or texts; - reads one a line from standard input.
        out: Folder for the page index.html and its pictures; by default <run>-explained.
        method: Explanation method: occlusion, gradcam or both.
        about: Class to explain, or the number of a box; by default the best answer.
        limit: Maximum number of inputs to explain.
        force: Overwriting of existing pages and pictures that tenfold did not write.
        device: Device: auto, cpu, cuda, cuda:1 ...
        lang: Language of the page and of the output: en or zh.
        files: Options of the task that name files, such as with_.

    Every map is compared with the map of the same network with shuffled weights, which has learnt
    nothing: where the two agree, the map shows the input and not what was learnt. An input that
    cannot be read gets a line with the error; the others are still explained.

    Example:
        tenfold explain runs/photos-image-classification-1 new/
    """
    _refuse(method, limit)
    language.known(lang)
    opened = open_run(run, device).with_files(files)
    opened.refuse_made_rows("explain")
    asked = _Asked(opened, method, _known(opened, about))
    folder = _folder(opened, inputs, out, force)
    found: list[Explained] = []
    for table in _first(tables(opened.task.inputs(opened.facts), inputs, opened.reading), limit):
        for one in _answered(asked, remarked(table, opened.media)):
            found.append(one)
            with language.speaking("en"):  # a system may lack fonts for other languages
                _draw(asked, one, folder, len(found))
            advance(Message("explaining"), len(found), limit)
    page = folder / "index.html"
    with language.speaking(lang):
        title = language.say("Explained by {run}", run=opened.folder.resolve().name)
        medium = asked.medium
        write_gallery(page, title, [_card(asked, one) for one in found], medium)
    if all(isinstance(one.answer, Problem) for one in found):
        raise _unreadable(found)
    agreement.warn([one.random_weights for one in found], medium.singular)
    return _document(asked, found, page)


def _document(asked: _Asked, found: list[Explained], page: Path) -> Document:
    content = {
        "schema": SCHEMA,
        "task": asked.run.task_name,
        "run": str(asked.run.folder),
        "method": asked.method,
        "about": asked.about,
        "page": str(page),
        "inputs": [one.to_json() for one in found],
    }
    return Document(content, lambda: _text(asked, found, page))


def _text(asked: _Asked, found: list[Explained], page: Path) -> str:
    lines = [
        *(_line(asked, one) for one in found),
        "",
        *agreement.lines([one.random_weights for one in found]),
    ]
    drawn = any(one.file for one in found)
    last = say("Pictures: {path}", path=page) if drawn else say("Page: {path}", path=page)
    return "\n".join([*lines, last])


def _refuse(method: str, limit: int) -> None:
    if method not in METHODS:
        raise UsageError(
            Message(
                "method must be one of {methods}, got {method!r}",
                methods=", ".join(METHODS),
                method=method,
            ),
            code="bad-setting",
        )
    if limit < 1:
        message = Message("limit must be a whole number of at least 1, got {limit!r}", limit=limit)
        raise UsageError(message, code="bad-setting")


def _known(run: Run, about: str | None) -> str | None:
    """The class to explain, or None for the predicted class.

    Raises UsageError where the run does not know the class.
    """
    if about is None:
        return None
    name = unicodedata.normalize("NFC", str(about))
    kind, truths = run.answer_kind, run.facts.get("truths", {})
    if not kind.explains(name, truths):
        classes = kind.explainable(truths)
        raise UsageError(
            Message("This run has no class {name!r}", name=name),
            code="unknown-class",
            where=str(run.folder),
            fix=nearest(name, classes)
            if classes
            else Message("This run does not predict classes; leave out --about."),
        )
    return name


def _folder(run: Run, inputs: Any, out: str | Path | None, force: bool) -> Path:
    """The output folder; raises UsageError where it must not be written to."""
    folder = Path(out) if out is not None else run_folder.beside(run.home, "-explained")
    ours = {"index.html": page_of("gallery"), "[0-9]*.png": pictures_of}
    OutputPaths.of(inputs, run, force=force).allow_folder(folder, ours)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unreadable(found: list[Explained]) -> DataRefused:
    first = found[0]
    problem = first.answer if isinstance(first.answer, Problem) else Problem("", EMPTY)
    return none_readable(len(found), first.source, problem)


# --- one input ------------------------------------------------------------------------------------


def _first(tables: Iterator[pd.DataFrame], limit: int) -> Iterator[pd.DataFrame]:
    """The first `limit` rows, as tables."""
    left = limit
    for table in tables:
        if left > 0:
            yield table.iloc[:left].reset_index(drop=True)
        left -= len(table)
        if left < 0:
            tell(
                Message(
                    "Only the first {limit} inputs are explained; --limit changes that.",
                    limit=limit,
                )
            )
            return


@dataclass
class _Asked:
    """The run, the method and the class to explain, and copies of the run with shuffled weights."""

    run: Run
    method: str
    about: str | None
    media: dict[str, Medium] = field(init=False)
    randoms: list[Run] = field(init=False)

    def __post_init__(self) -> None:
        self.media = self.run.media
        ways = _ways(self.run, self.method)
        learnt = self.run.net is not None and any(True for _ in self.run.net.parameters())
        nets = range(max(DRAWS[way] for way in ways)) if learnt else []
        twins = [run_explain.shuffled(self.run.net, seed) for seed in nets]
        self.randoms = [replace(self.run, net=net, infer=by_torch(net)) for net in twins]

    @property
    def medium(self) -> Medium:
        """The medium of the first input; the page uses its words."""
        return next(iter(self.media.values()))

    def of(self, run: Run, one: Explained, way: str, answer: Prediction) -> list[Explanation]:
        """Returns the explanations of `answer`, a prediction for one row, by one method and `run`.

        `answer` may come from another run.
        """
        if way == "occlusion":
            (own,) = run.answer(one.columns)
            failed = isinstance(own, Problem)
            before = answer if failed else run.answer_kind.weighed_by(answer, own)
            return run_explain.covered(run, one.row, one.columns, about=before)
        number = self._number(answer)
        return run_explain.grad_cam(run.net, one.columns, about=number, media=self.media)

    def _number(self, answer: Prediction) -> int | None:
        """The index of the output to explain: the given class, or the most probable one."""
        classes, chances = self.run.classes, answer.chances
        name = self.about or next(iter(chances), None)
        return classes.index(name) if name in classes else None


def _ways(run: Run, method: str) -> Sequence[str]:
    """The methods to use; `both` leaves out Grad-CAM where the network has no feature map."""
    if method != "both":
        return (method,)
    return METHODS[1:] if run_explain.has_map(run.net) else ("occlusion",)


def _answered(asked: _Asked, table: pd.DataFrame) -> Iterator[Explained]:
    run = asked.run
    table = run.task.show(run.ask(table), run.facts)
    encoded = run.encode(table)
    for row, source in enumerate(map(str, table["source"])):
        if row in encoded.problems:
            yield Explained(source, encoded.problems[row])
            continue
        columns = Columns(encoded.columns, np.array([row]))
        (answer,) = run.answer(columns)
        alone = table.iloc[[row]].reset_index(drop=True)
        yield _explained(asked, Explained(source, answer, alone, asked.media, columns=columns))


def _explained(asked: _Asked, one: Explained) -> Explained:
    """The input with its maps, each compared with the maps of shuffled networks."""
    if isinstance(one.answer, Problem):
        return one
    kind, name = asked.run.answer_kind, asked.about
    chosen = one.answer if name is None else kind.about(one.answer, name)
    if isinstance(chosen, Problem):
        return replace(one, answer=chosen)
    one.part = kind.explained(one.answer, chosen)
    answer = one.about = one.part.answer
    for way in _ways(asked.run, asked.method):
        maps = asked.of(asked.run, one, way, answer)
        one.explanations += maps
        if maps and asked.randoms:
            others = (asked.of(run, one, way, answer) for run in asked.randoms[: DRAWS[way]])
            each = [run_explain.agreement(maps[0], other[0]) for other in others if other]
            alike = [value for value in each if value is not None]
            one.random_weights[maps[0].method] = round(float(np.mean(alike)), 4) if alike else None
    return one


def _draw(asked: _Asked, one: Explained, folder: Path, number: int) -> None:
    """Saves the picture side by side with its heat maps, with the prediction below."""
    pictures = shown(one.media, one.columns.arrays)
    if isinstance(one.answer, Problem) or not pictures:
        return
    name, medium = next(iter(pictures.items()))
    values = one.columns.take(np.arange(1))[name][0]
    views = [("as the network sees it", medium.picture(values, LEAST_SIDE))]
    views += [
        (_title(each), medium.overlay(values, each.weights, LEAST_SIDE))
        for each in one.explanations
        if each.over == name
    ]
    marked = (lambda picture: picture) if one.part is None else one.part.marked
    drawn = [(title, marked(picture)) for title, picture in views if picture is not None]
    stem = re.sub(r"[^\w.-]+", "_", Path(one.source.partition("#")[0]).stem)[:60]
    one.file = f"{number:03d}-{stem}.png"
    drawing.save(drawing.panels(drawn, _caption(asked, one)), folder / one.file)


def _title(one: Explanation) -> str:
    """Returns the title of a heat map; for occlusion it states the largest drop in probability."""
    if one.method == "gradcam":
        return "Grad-CAM"
    return f"covered: up to {share(max(0.0, np.max(one.weights)))} less probable"


def _caption(asked: _Asked, one: Explained) -> str:
    words, about = asked.run.answer_kind.said(one.answer), asked.about
    sure = "" if words["sure"] is None else share(words["sure"])
    found = f"{short(words['said'], 60)}  {sure}".rstrip()
    part = _part_name(one)
    if about is None and not part:
        return found
    chances = one.about.chances if one.about else {}
    name = about if about in chances else next(iter(chances), about or "")
    return say(
        "{answer}; evidence for {name}  {share}",
        answer=found,
        name=short(part or name, 40),
        share=share(chances.get(name, 0.0)),
    )


def _part_name(one: Explained) -> str:
    return translate(one.part.name) if one.part else ""


def _card(asked: _Asked, one: Explained) -> dict[str, Any]:
    card: dict[str, Any] = {"source": one.source, "file": one.file, "error": "", "others": []}
    card["contributions"] = []
    card["passages"] = explained.passages(one.media, one.row, one.explanations)
    if isinstance(one.answer, Problem):
        return card | {"error": str(one.answer)}
    words = asked.run.answer_kind.said(one.answer)
    others = [
        pair for pair in one.answer.chances.items() if pair[0] not in words["said"].split(" + ")
    ]
    shown = {"checks": explained.checks(one.random_weights), "contributions": _added(asked, one)}
    return (
        card | words | shown | {"others": others[:3], "about": _part_name(one) or asked.about or ""}
    )


def _line(asked: _Asked, one: Explained) -> str:
    if isinstance(one.answer, Problem):
        return error_line(one.source, one.answer)
    parts = [
        strongest(one.media[each.over].text(one.row[each.over].iloc[0]), each)
        for each in one.explanations
        if each.places
    ]
    shown = one.file or "; ".join(filter(None, parts))
    words = printed(f"{_caption(asked, one)}\t{shown}".rstrip())
    line = f"{printable(one.source)}\t{words}".rstrip()
    tables = map(explained.contributions_lines, _added(asked, one))
    return "\n".join([line, *(text for lines in tables for text in lines)])


def _added(asked: _Asked, one: Explained) -> list[explained.Contributions]:
    """The contributions of fields, for display."""
    if one.about is None:
        return []
    every = [each for each in one.explanations if each.base is not None]
    return [explained.contributions(asked.run.answer_kind, one.about, each) for each in every]
