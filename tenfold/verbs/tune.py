"""Search for better settings on validation, train the best anew, and say whether it gained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import language
from tenfold.core.errors import UsageError
from tenfold.media.reading import Reading
from tenfold.tasks.registry import asked_back, find, names
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
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    lang: str = "en",
    **settings: Any,
) -> Tuned:
    """Search for better settings on validation, train the best anew, and say whether it gained.

    Args:
        task: Task, such as image-classification.
        data: A folder, IDX files, a CSV, TSV or Parquet manifest, a zip, or a DataFrame.
        trials: How many settings to try, the default ones first.
        minutes: Time for the whole command: three quarters for the trials, the rest for the winner.
        epochs: Passes over the training rows, of each trial and of the winner.
        batch: Rows of one step.
        out: Folder of the search; by default runs/<data>-<task>-<n>.
        seed: Number that decides everything random.
        limit: At most this many rows of each part.
        classes: File that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable files: stop = beyond 5 %, fail = at the first, skip = never.
        target: Column to learn, where the data have columns.
        group: Column of groups, such as persons, that stay on one side of the split.
        time: Column of times: the latest rows become the test, those before them validation.
        device: auto, cpu, cuda, cuda:1 ...
        precision: auto, float32 or bfloat16.
        lang: Language of the reports, en or zh.
        settings: Settings of the task; one that is given is held, the others may vary.

    Each trial is a run of its own, judged on validation; poor ones end early. The test part is
    scored once, by the winner. The same call again continues an unfinished search.

    Returns the document, with the winner as `run`.

    Example:
        tenfold tune image-classification photos/ --trials 20 --minutes 30
    """
    if task not in names():
        raise asked_back(task, data, "tune")
    language.known(lang)
    find(task, **settings)  # a mistyped setting is told before anything is read
    if not 2 <= trials <= MOST:
        raise UsageError(
            f"trials must be a whole number from 2 to {MOST}, got {trials!r}", code="bad-setting"
        )
    plan = checked(seed, device, precision, minutes, epochs, batch, limit, on_bad)
    reading = Reading(target or "", group or "", time or "")
    asked = TrainingRequest(
        task, data, plan, limit, classes, on_bad, None, lang, settings, reading=reading
    )
    return search(asked, trials, out)
