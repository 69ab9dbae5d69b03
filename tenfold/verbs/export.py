"""Export a run to ONNX, verified on the test rows; the export predicts without torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.answers.names import column
from tenfold.core import language
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.language import say
from tenfold.core.message import Message, translate
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA
from tenfold.core.system import shell_word
from tenfold.reporting import write
from tenfold.run.run import Run, open_run
from tenfold.workflows.export import Exported, exported

__all__ = ["export"]


def export(
    run: str | Path | Run,
    data: str | Path | pd.DataFrame | None = None,
    *,
    to: str = "onnx",
    int8: bool = False,
    max_drop: float = 0.5,
    without_people: bool = False,
    out: str | Path | None = None,
    lang: str = "en",
) -> Document:
    """Export a run to ONNX, verified on the test rows; the export predicts without torch.

    Args:
        run: Run folder.
        data: Labelled data to verify it on; by default the run's own test rows.
        to: Format: onnx.
        int8: 8-bit quantization: a smaller, mostly faster file; its loss of score is measured.
        max_drop: Maximum loss by --int8: points of a share (0.5: 0.900 to 0.895), else percent.
        without_people: No stored data about people in the export; it refuses references to them.
        out: Folder to write; by default export (or export-int8) in the run folder.
        lang: Language of the report and of the output: en or zh.

    Both networks predict every test row. The export is refused, and nothing is written, where an
    output differs by more than 1e-4, a decision differs (unless the best two were closer than that)
    or the score differs. The folder is complete: predict, explain and serve open it like a run.

    Example:
        tenfold export runs/photos-image-classification-1
    """
    language.known(lang)
    if to != "onnx":
        raise UsageError(
            Message("to must be onnx, got {to!r}", to=to), code="bad-setting", where="to"
        )
    if not 0 <= max_drop <= 100:
        raise UsageError(
            Message("max-drop must be a number from 0 to 100, got {max_drop!r}", max_drop=max_drop),
            code="bad-setting",
            where="max-drop",
        )
    opened = open_run(run, "cpu")
    made = exported(opened, data, out, int8=int8, max_drop=max_drop, without_people=without_people)
    _report(opened, made, lang)
    return _document(opened, made)


def _report(run: Run, made: Exported, lang: str) -> None:
    """Writes the run's own report again, with the parity results, if the export is in the run."""
    if made.folder.parent.resolve() != run.folder.resolve():
        tell(
            Message(
                "The report of the run is not changed, because the export is in {folder}.",
                folder=made.folder,
            )
        )
        return
    with language.speaking(lang):
        write(run, made.found)


def _document(run: Run, made: Exported) -> Document:
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "task": run.task_name,
        "run": str(run.folder),
        "export": str(made.folder),
        "parity": made.parity,
    }
    return Document(content, lambda: "\n".join(_lines(made)))


def _lines(made: Exported) -> list[str]:
    """The result as lines for the terminal, in the current language."""
    parity = made.parity
    paces = parity["milliseconds"]
    values = ", ".join(f"{key} {value:.4f}" for key, value in parity["values"].items())
    lines = [
        say("Export: {folder}", folder=made.folder)
        + f" ({parity['precision']}, opset {parity['opset']})",
        f"  {translate(parity['protocol'])}",
        "  "
        + say(
            "decisions: {equal} equal, {tied} tied, {different} different; outputs differ by at "
            "most {worst:.1g} (allowed: {tolerance})",
            **parity["decisions"],
            worst=max(parity["largest_difference"].values(), default=0.0),
            tolerance=parity["tolerance"],
        ),
        f"  {column(parity['headline'])} {values}",
        "  "
        + say(
            "time for one row: {torch:.2f} ms with torch, {onnx:.2f} ms with onnxruntime",
            torch=paces["torch"]["alone"],
            onnx=paces["onnx"]["alone"],
        ),
    ]
    if made.people:
        note = say("facts.json holds stored data about people; --without-people leaves them out")
        lines.append(f"  {note}")
    lines += [f"  {one}" for one in _small(parity)]
    folder = shell_word(made.folder)
    commands = [f"  tenfold predict {folder} INPUT", f"  tenfold serve {folder}"]
    return [*lines, say("Next:"), *commands]


def _small(parity: dict[str, Any]) -> Iterator[str]:
    """A line on 8-bit quantization, where the export has it."""
    if small := parity.get("int8"):
        yield say(
            "8-bit quantization: {metric} {value:.4f}, worse by {drop:.2f} points; {size:.2f} MB "
            "instead of {before:.2f} MB; time for one row {time:.2f} ms",
            metric=column(parity["headline"]),
            value=small["value"],
            drop=small["drop"],
            size=small["bytes"] / 1e6,
            before=parity["bytes"] / 1e6,
            time=small["milliseconds"]["alone"],
        )
