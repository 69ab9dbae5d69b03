"""Write the run as one ONNX file that answers without torch, once it gives the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core import language
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA
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
    out: str | Path | None = None,
    lang: str = "en",
) -> Document:
    """Write the run as one ONNX file that answers without torch, once it gives the same answers.

    Args:
        run: A run folder.
        data: Labelled data to prove it on; without, the run's own test rows where they still lie.
        to: The format: onnx.
        int8: Eight bits in place of 32: smaller, mostly faster, at a cost that is measured.
        max_drop: Points of the headline that eight bits may cost, 0.5 = half of one percent.
        out: Folder to write; without, export (or export-int8) in the run folder.
        lang: Language of the report, en or zh.

    Every test row is asked of both. The export is refused, and nothing written, where an output is
    off by more than 1e-4, a decision differs (but where the best two were nearer than that), or the
    score is another. The folder stands alone: predict, explain and serve open it like a run.

    Example:
        tenfold export runs/photos-image-classification-1
    """
    language.known(lang)
    if to != "onnx":
        raise UsageError(f"to must be onnx, got {to!r}", code="bad-setting", where="to")
    if not 0 <= max_drop <= 100:
        raise UsageError(
            f"max-drop must be a number from 0 to 100, got {max_drop!r}",
            code="bad-setting",
            where="max-drop",
        )
    opened = open_run(run, "cpu")
    made = exported(opened, data, out, int8=int8, max_drop=max_drop)
    _report(opened, made, lang)
    return _document(opened, made)


def _report(run: Run, made: Exported, lang: str) -> None:
    """The run's own report once more, with the parity in it."""
    if made.folder.parent.resolve() != run.folder.resolve():
        tell(f"The report of the run stays as it is: the export is in {made.folder}.")
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
    return Document(content, "\n".join(_lines(made)))


def _lines(made: Exported) -> list[str]:
    parity = made.parity
    counts, name = parity["decisions"], parity["headline"]
    worst = max(parity["largest_difference"].values(), default=0.0)
    paces = parity["milliseconds"]
    lines = [
        f"Export: {made.folder} ({parity['precision']}, opset {parity['opset']})",
        f"  {parity['protocol']}: {counts['equal']} decisions equal, {counts['tied']} tied, "
        f"{counts['different']} others; outputs within {worst:.1g} (allowed {parity['tolerance']})",
        f"  {name} {', '.join(f'{key} {value:.4f}' for key, value in parity['values'].items())}",
        f"  alone {paces['torch']['alone']:.2f} ms by torch, {paces['onnx']['alone']:.2f} ms by "
        "onnxruntime",
    ]
    if small := parity.get("int8"):
        lines.append(
            f"  eight bits: {name} {small['value']:.4f}, {small['drop']:.2f} points less; "
            f"{small['bytes'] / 1e6:.2f} MB in place of {parity['bytes'] / 1e6:.2f}; alone "
            f"{small['milliseconds']['alone']:.2f} ms"
        )
    return [
        *lines,
        "Next:",
        f"  tenfold predict {made.folder} INPUT",
        f"  tenfold serve {made.folder}",
    ]
