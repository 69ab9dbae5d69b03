"""Search settings on validation, train the best again, and test whether it gained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import language
from tenfold.core.errors import UsageError
from tenfold.core.message import Message
from tenfold.workflows.choice import chosen
from tenfold.workflows.train import TrainingRequest, checked
from tenfold.workflows.tune import Tuned, search

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["tune"]

MOST = 1000


def tune(
    task: str,
    data: str | Path | pd.DataFrame,
    *,
    trials: int = 20,
    minutes: float | None = None,
    epochs: float | None = None,
    batch: int | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    classes: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
    device: str = "auto",
    precision: str = "auto",
    lang: str = "en",
    **settings: Any,
) -> Tuned:
    """Search settings on validation, train the best again, and test whether it gained.

    Args:
        task: Task, such as image-classification.
        data: Data: a folder, IDX files, a CSV, TSV or Parquet manifest, an archive, or a DataFrame.
        trials: Number of trials; the first has the default settings.
        minutes: Minutes for the whole command: three quarters for the trials, then the winner.
        epochs: Epochs of each trial and of the winner.
        batch: Batch size: rows of one step.
        out: Folder of the search; by default runs/<data>-<task>-<n>.
        seed: Random seed.
        limit: Maximum number of rows of each part.
        classes: Class mapping: a file that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable rows: stop = beyond 5 %, fail = at the first, skip = leave out all.
        device: Device: auto, cpu, cuda, cuda:1 ...
        precision: Precision: auto, float32 or bfloat16.
        lang: Language of the report and of the output: en or zh.
        settings: Settings of the task; those given are fixed, the others are searched.
            Also the roles of columns and the notation of files (`media.reading.Reading`).

    Each trial is a run of its own, scored on validation; poor trials end early. The test part is
    scored once, by the final run. The same call again continues an unfinished search.

    Returns the document, with the final run as `run`.

    Example:
        tenfold tune image-classification photos/ --trials 20 --minutes 30
    """
    language.known(lang)
    _, reading, own = chosen(task, data, "tune", settings)  # before anything is read
    if not 2 <= trials <= MOST:
        raise UsageError(
            Message(
                "trials must be a whole number from 2 to {limit}, got {trials!r}",
                limit=MOST,
                trials=trials,
            ),
            code="bad-setting",
        )
    plan = checked(seed, device, precision, minutes, epochs, batch, limit, on_bad)
    asked = TrainingRequest(
        task, data, plan, limit, classes, on_bad, None, lang, own, reading=reading
    )
    return search(asked, trials, out)
