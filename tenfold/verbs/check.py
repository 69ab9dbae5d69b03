"""Look at every file of a folder before learning from it, and say what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import language, system
from tenfold.core.document import Document
from tenfold.core.errors import UsageError
from tenfold.core.plan import Plan
from tenfold.core.progress import clock, tell
from tenfold.core.results import SCHEMA
from tenfold.data.prepare import prepare
from tenfold.media.reading import Reading
from tenfold.reporting import document_rows, write_check
from tenfold.reporting.words import amount
from tenfold.tasks.registry import asked_back, find, names
from tenfold.workflows.estimate import estimate, tried

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check"]


def check(
    task: str,
    data: str | Path | pd.DataFrame,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    classes: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    lang: str = "en",
    **settings: Any,
) -> Document:
    """Look at every file of a folder before learning from it, and say what is wrong.

    Args:
        task: Task, such as image-classification.
        data: A folder, IDX files, a CSV, TSV or Parquet manifest, a zip, or a DataFrame.
        out: HTML file or folder for the report; by default check-<data>.html here.
        seed: Number that decides the split.
        limit: At most this many rows of each part.
        classes: File that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable files: stop = beyond 5 %, fail = at the first, skip = never.
        target: Column to learn, where the data have columns.
        group: Column of groups, such as persons, that stay on one side of the split.
        time: Column of times: the latest rows become the test, those before them validation.
        lang: Language of the report, en or zh.
        settings: Settings of the task.

    Every file is decoded once, as for training; nothing is learnt, and nothing is written to the
    data. A JSON file with the whole list lies beside the report. Data that cannot be learnt from
    are reported too, and then refused (exit code 3).

    Example:
        tenfold check image-classification photos/
    """
    _refuse(seed, limit, on_bad)
    if task not in names():
        raise asked_back(task, data, "check")
    language.known(lang)
    chosen = find(task, **settings)
    page = _page(out, data)
    reading = Reading(target or "", group or "", time or "")
    prepared = prepare(
        chosen,
        data,
        seed=seed,
        limit=limit,
        mapping=classes,
        on_bad=on_bad,
        reading=reading,
    )
    refusal = prepared.refusal(on_bad)
    fitted = {} if refusal else tried(chosen, prepared, Plan(seed=seed))[0]
    content = {
        "schema": SCHEMA,
        "task": task,
        **document_rows(prepared),
        "estimate": estimate(prepared, fitted),
        "report": str(page),
    }
    with language.speaking(lang):
        write_check(
            prepared, content, page, task=chosen, views=fitted.get("views"), refusal=refusal
        )
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    system.write_atomically(page.with_suffix(".json"), text)
    if refusal:
        tell(f"Report: {page}")
        raise refusal
    return Document(content, _text(content, data))


def _refuse(seed: int, limit: int | None, on_bad: str) -> None:
    if not 0 <= seed < 2**23:
        raise UsageError(f"seed must be from 0 to {2**23 - 1}, got {seed!r}", code="bad-setting")
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be more than 0, got {limit!r}", code="bad-setting")
    if on_bad not in ("stop", "fail", "skip"):
        raise UsageError(
            f"on_bad must be one of stop, fail, skip, got {on_bad!r}", code="bad-setting"
        )


def _page(out: str | Path | None, data: Any) -> Path:
    """Where the report goes: never into the data."""
    source = Path(data).resolve() if isinstance(data, (str, Path)) else None
    name = f"check-{source.name.split('.')[0] if source else 'data'}.html"
    page = Path(out) if out is not None else Path(name)
    if page.suffix.lower() not in (".html", ".htm"):
        page = page / name
    if source and source.is_dir() and page.resolve().is_relative_to(source):
        raise UsageError(
            "The report would be written into the data",
            code="bad-setting",
            where=str(page),
            fix="Give --out, a file or folder elsewhere.",
        )
    return page


# --- as text --------------------------------------------------------------------------------------


def _text(content: dict[str, Any], data: Any) -> str:
    bad, same = content["quarantined"], content["duplicates"]
    parts = ", ".join(f"{count} {part}" for part, count in content["parts"].items())
    counts = f"found {content['found']}, used {content['used']}, left out {len(bad)}"
    if content.get("lines"):
        counts = f"read {content['lines']} lines, left out {len(bad)}, rows {content['used']}"
    lines = [
        f"{content['task']}: {counts}, ignored {len(content['ignored'])}",
        f"  {parts} ({content['split']})",
        *_classes(content["classes"]),
        *[f"  left out: {one['source']} {one['reason']}. {one['fix']}" for one in bad[:5]],
    ]
    groups = {"copies": same, "near copies": content["near"]}
    for name, many in (groups | {"different answers for": content["conflicts"]}).items():
        lines += [f"  {name}: {' = '.join(group[:4])}" for group in many[:3]]
    if content["leaks"]:
        lines.append(f"  {len(content['leaks'])} training rows stand in validation or test as well")
    if estimate := content["estimate"]:
        lines += [
            f"Training here: about {clock(60 * estimate['minutes'])}, "
            f"{amount(estimate['memory'])} of memory, {amount(estimate['disk'])} of disk"
        ]
    where = data if isinstance(data, (str, Path)) else "DATA"
    lines += ["", f"Report: {content['report']}", f"Next: tenfold train {content['task']} {where}"]
    return "\n".join(lines)


def _classes(classes: dict[str, dict[str, int]], most: int = 12) -> list[str]:
    lines = [
        f"  {name:24} " + " ".join(f"{part} {count:<6}" for part, count in counts.items())
        for name, counts in list(classes.items())[:most]
    ]
    return lines + ([f"  and {len(classes) - most} more classes"] if len(classes) > most else [])
