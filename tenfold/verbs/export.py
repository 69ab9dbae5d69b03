"""Export a run as one ONNX file, verified on the test rows; predicts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tenfold.core import language
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
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
    """Export a run as one ONNX file, verified on the test rows; predicts without torch.

    Args:
        run: Run folder.
        data: Labelled data to verify it on; by default the run's own test rows.
        to: Format: onnx.
        int8: 8-bit quantization: a smaller, mostly faster file; its loss of score is measured.
        max_drop: Maximum loss of the headline metric by --int8, in points (0.5 = 0.5 %).
        out: Folder to write; by default export (or export-int8) in the run folder.
        lang: Language of the report and of errors: en or zh.

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
    made = exported(opened, data, out, int8=int8, max_drop=max_drop)
    _report(opened, made, lang)
    return _document(opened, made)


def _report(run: Run, made: Exported, lang: str) -> None:
    """Writes the run's own report again, with the parity results, if the export is in the run."""
    if made.folder.parent.resolve() != run.folder.resolve():
        tell(f"The report of the run is not changed: the export is in {made.folder}.")
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
