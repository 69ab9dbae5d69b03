"""Score a run on its own test rows or on new labelled data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tenfold.core.document import Document
from tenfold.run import evaluate
from tenfold.run.run import Run, open_run
from tenfold.run.scores_text import scores_text

__all__ = ["test"]


def test(
    run: str | Path | Run,
    data: str | Path | pd.DataFrame | None = None,
    *,
    by: str | Sequence[str] = (),
    costs: str = "",
    positive: str = "",
    device: str = "auto",
) -> Document:
    """Score a run on its own test rows or on new labelled data.

    Args:
        run: Run folder.
        data: Labelled data; by default the run's own test rows, read again from their place.
        by: Column to report scores by, of the data or of the rows of the run; may be repeated.
        costs: Cost of errors of two classes, such as yes=no:5,no=yes:1 (true=predicted:cost).
        positive: Class that is the positive one of two; by default yes, true, 1 or the rarer one.
        device: Device: auto, cpu, cuda, cuda:1 ...

    With data, all rows are scored except those seen in training, which are left out and counted; a
    class that the run was not trained on counts as an error; such classes are listed. Without `by`,
    scores are reported by the columns that were given in training, where the data have them.

    Example:
        tenfold test runs/photos-image-classification-1
    """
    began = time.perf_counter()
    opened = open_run(run, device)
    found, left_out = evaluate.again(opened, data, by=(by,) if isinstance(by, str) else tuple(by))
    found = evaluate.valued(opened, found, costs, positive)
    document = evaluate.scored(opened, found)
    learnt = {part: opened.scores["rows"].get(part) for part in ("train", "valid")}
    document["rows"] |= {"left_out": left_out, "quarantined": len(found.quarantined)} | learnt
    document["unknown_classes"] = found.unknown
    document["seconds"] = {"total": round(time.perf_counter() - began, 3)}
    content = document | {"report": opened.scores["report"]}
    return Document(content, lambda: scores_text(document))
