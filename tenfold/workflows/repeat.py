"""One training repeated with several seeds, each a run; mean, spread and interval of scores.

<folder>/seed-0/ seed-1/ ...   ordinary runs
<folder>/repeat.json           the request and, once all runs are done, the results
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenfold.answers.names import column
from tenfold.core.language import say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA
from tenfold.core.text import padded, width
from tenfold.run.run import Run
from tenfold.run.scores_text import LABELS, baseline_lines, interval
from tenfold.workflows import series
from tenfold.workflows.series import SeveralRuns
from tenfold.workflows.train import TrainingRequest, once

special = lazy("scipy.special")

__all__ = ["repeated"]

NAME = "repeat.json"


def repeated(asked: TrainingRequest, times: int, out: str | Path | None) -> SeveralRuns:
    """Trains `times` runs with consecutive seeds; the minutes are shared among them.

    The same call again continues where it stopped. Each run equals that of `train --seed` alone:
    where no split is given, each seed draws its own split.
    """
    plan = asked.plan
    if plan.minutes is not None:
        plan = replace(plan, minutes=plan.minutes / times)
    wanted = {**series.settings_of(replace(asked, plan=plan)), "repeat": times}
    folder = series.folder_for(out, asked, wanted, NAME)
    series.store(folder / NAME, {"schema": SCHEMA, "settings": wanted})
    done = []
    for number in range(times):
        seed = asked.plan.seed + number
        place = folder / f"seed-{seed}"
        tell(
            Message(
                "Run {number} of {count}: seed {seed}", number=number + 1, count=times, seed=seed
            )
        )
        finished = (place / "manifest.json").exists()
        one = replace(asked, plan=replace(plan, seed=seed))
        done.append(series.again(one, place) if finished else once(one, place))
    content = _summed(asked, folder, done)
    series.store(folder / NAME, {**content, "settings": wanted})
    return SeveralRuns(content, lambda: _text(content), done)


# --- results --------------------------------------------------------------------------------------


def _summed(asked: TrainingRequest, folder: Path, done: list[Run]) -> dict[str, Any]:
    names = list(done[0].scores["scores"])
    scores = {
        name: _spread([run.scores["scores"][name]["value"] for run in done]) for name in names
    }
    headline = done[0].scores["headline"]
    return {
        "schema": SCHEMA,
        "task": asked.task,
        "folder": str(folder),
        "headline": headline,
        "scores": scores,
        "baselines": series.baselines([run.scores["baselines"] for run in done]),
        "runs": [
            {
                "run": str(run.folder),
                "seed": asked.plan.seed + number,
                headline: run.scores["scores"][headline]["value"],
                "seconds": run.scores["seconds"]["total"],
            }
            for number, run in enumerate(done)
        ],
    }


def _spread(values: list[float]) -> dict[str, Any]:
    """Mean over seeds, its 95 % interval (Student's t), standard deviation, and all values."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    half = float(special.stdtrit(len(values) - 1, 0.975)) * deviation / len(values) ** 0.5
    found = {"mean": mean, "low": mean - half, "high": mean + half, "deviation": deviation}
    return {name: round(value, 6) for name, value in found.items()} | {"values": values}


def _text(content: dict[str, Any]) -> str:
    """The document as text for the terminal, in the current language."""
    headline, runs = content["headline"], content["runs"]
    title = say(
        "{task}: {count} runs in {folder}",
        task=content["task"],
        count=len(runs),
        folder=content["folder"],
    )
    labels = {name: column(name) for name in content["scores"]}
    wide = max(LABELS, *(2 + width(label) for label in labels.values()))
    lines = [
        f"  {padded(labels[name], wide)}{one['mean']:8.4f}   {interval(one)}   "
        + say("standard deviation {value:.4f}", value=one["deviation"])
        + ("  " + say("<- headline") if name == headline else "")
        for name, one in content["scores"].items()
    ]
    lines += [*baseline_lines(content), ""]
    lines += [f"  {one['run']}  {labels[headline]} {one[headline]:.4f}" for one in runs]
    return "\n".join([title, "", *lines])
