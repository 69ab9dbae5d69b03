"""Check every file of a folder before training, and report what is wrong."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.core import language, system
from tenfold.core.document import Document
from tenfold.core.language import say
from tenfold.core.message import Message, as_message, translate
from tenfold.core.plan import Plan
from tenfold.core.progress import clock, tell
from tenfold.core.results import SCHEMA
from tenfold.core.system import shell_word
from tenfold.core.taken import ROLES, left_of_json, said
from tenfold.core.text import padded, width
from tenfold.data.prepare import prepare
from tenfold.data.profile import profile
from tenfold.data.refusals import refuse_choices
from tenfold.reporting import document_rows, profiles, provenance, write_check
from tenfold.reporting.words import amount, named
from tenfold.run.manifest import pretty
from tenfold.run.outputs import OutputPaths, page_of
from tenfold.workflows.choice import chosen
from tenfold.workflows.estimate import estimate, tried

if TYPE_CHECKING:
    import pandas as pd

    from tenfold.answers.kind import AnswerKind

__all__ = ["check"]

SHOWN = 8
"""Maximum number of groups of copies with different labels on the terminal."""
CUT = 30
"""Maximum number of characters of an example on the terminal."""


def check(
    task: str,
    data: str | Path | pd.DataFrame,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    classes: str | Path | dict[str, str | None] | None = None,
    on_bad: str = "stop",
    force: bool = False,
    lang: str = "en",
    **settings: Any,
) -> Document:
    """Check every file of a folder before training, and report what is wrong.

    Args:
        task: Task, such as image-classification.
        data: Data: a folder, IDX files, a CSV, TSV or Parquet manifest, an archive, or a DataFrame.
        out: HTML file or folder for the report; by default check-<data>.html.
        seed: Random seed of the split.
        limit: Maximum number of rows of each part.
        classes: Class mapping: a file that merges, drops or renames classes (CSV from,to or JSON).
        on_bad: Unusable rows: stop = beyond 5 %, fail = at the first, skip = leave out all.
        force: Overwriting of an existing page that tenfold did not write.
        lang: Language of the report and of the output: en or zh.
        settings: Settings of the task.
            Also the roles of columns and the notation of files (`media.reading.Reading`).

    Every file is decoded once, as for training; no model is trained, and the data are not changed.
    A JSON file with the full lists is written beside the report. Data that cannot be used for
    training are reported too, and then refused (exit code 3).

    Example:
        tenfold check image-classification photos/
    """
    refuse_choices(seed, on_bad, limit)
    language.known(lang)
    found, reading, _ = chosen(task, data, "check", settings)
    page = _page(out, data, force)
    prepared = prepare(
        found,
        data,
        seed=seed,
        limit=limit,
        mapping=classes,
        on_bad=on_bad,
        reading=reading,
    )
    refusal = prepared.refusal(on_bad)
    fitted = {} if refusal else tried(found, prepared, Plan(seed=seed))[0]
    columns = profile(prepared, found.encodes(prepared.facts))
    content = {
        "schema": SCHEMA,
        "task": task,
        **document_rows(prepared),
        **({"profile": columns} if columns else {}),
        "estimate": estimate(prepared, fitted),
        "report": str(page),
    }
    with language.speaking(lang):
        write_check(prepared, content, page, task=found, views=fitted.get("views"), refusal=refusal)
    system.write_atomically(page.with_suffix(".json"), pretty(content))
    if refusal:
        tell(Message("Report: {path}", path=page))
        raise refusal
    told = {"seed": seed or None, "limit": limit, "classes": classes}
    told |= {"on_bad": on_bad if on_bad != "stop" else None}
    given = {name: value for name, value in told.items() if value is not None}
    command = _training(task, data, reading.given | provenance.changed(found) | given)
    return Document(content, lambda: _text(content, command, prepared.answer))


def _training(task: str, data: Any, given: dict[str, Any]) -> str:
    """Returns the command line that trains on the checked data with the given values."""
    where = shell_word(data) if isinstance(data, (str, Path)) else "DATA"
    return " ".join(["tenfold", "train", task, where, *map(shlex.quote, provenance.flags(given))])


def _page(out: str | Path | None, data: Any, force: bool) -> Path:
    """The path of the report; raises UsageError where it or its JSON must not be written."""
    source = Path(data).resolve() if isinstance(data, (str, Path)) else None
    name = f"check-{source.name.split('.')[0] if source else 'data'}.html"
    page = Path(out) if out is not None else Path(name)
    if page.suffix.lower() not in (".html", ".htm"):
        page = page / name
    outputs = OutputPaths.of(data, force=force)
    outputs.allow(page.with_suffix(".json"), _wrote)
    return outputs.allow(page, page_of("check"))


def _wrote(path: Path) -> bool:
    """True if the file holds a JSON document that `check` wrote."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"schema", "task", "found", "used"} <= set(found)


# --- as text --------------------------------------------------------------------------------------


def _text(content: dict[str, Any], command: str, answer: AnswerKind) -> str:
    """The document and the command for training as text for the terminal, in this language."""
    parts = say(", ").join(f"{named(part)} {count}" for part, count in content["parts"].items())
    lines = [
        _counts(content),
        f"  {parts} ({translate(content['split'])})",
        *_taken(content["taken"]),
        *_classes(content["classes"]),
        *_distribution(content.get("distribution"), answer),
        *profiles.lines(content.get("profile", {})),
        *(f"  {one}" for one in _problems(content)),
    ]
    if estimate := content["estimate"]:
        lines.append(
            say(
                "Training here: about {time}, {memory} of memory, {disk} of disk",
                time=clock(60 * estimate["minutes"]),
                memory=amount(estimate["memory"]),
                disk=amount(estimate["disk"]),
            )
        )
    lines += ["", say("Report: {path}", path=content["report"])]
    return "\n".join([*lines, say("Next: {command}", command=command)])


def _taken(found: dict[str, Any]) -> list[str]:
    """A line for each role with its source, its flag and the first rows, and what is not used."""
    lines = []
    for one in found["roles"]:
        role = translate(ROLES.get(one["role"], as_message(one["role"])))
        flag = f" ({one['flag']})" if one["flag"] else ""
        shown = " | ".join(text[:CUT] for text in one["examples"])
        line = f"  {padded(role, 12)} {translate(one['source'])}{flag}"
        lines.append(f"{line}{say(': ')}{shown}" if shown else line)
    left = [translate(said(left_of_json(one))) for one in found["left"]]
    return lines + ([f"  {say('Not used')}{say(': ')}{say(', ').join(left)}"] if left else [])


def _distribution(found: dict[str, Any] | None, answer: AnswerKind) -> list[str]:
    """The tables of the distribution of the true labels, with aligned columns."""
    section = answer.distribution_section(found) if found else None
    lines = []
    for table in section.tables if section else ():
        rows = [[*table.head], *([cell.text for cell in row] for row in table.rows)]
        wide = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))]
        lines += [
            "  " + "  ".join(padded(text, wide[at], right=at >= table.numbers)
                             for at, text in enumerate(row))
            for row in rows
        ]  # fmt: skip
    return lines


def _counts(content: dict[str, Any]) -> str:
    values = {
        "task": content["task"],
        "used": content["used"],
        "bad": len(content["quarantined"]),
        "ignored": len(content["ignored"]),
    }
    if content.get("lines"):
        return say(
            "{task}: read {lines} lines, left out {bad}, rows {used}, ignored {ignored}",
            lines=content["lines"],
            **values,
        )
    return say(
        "{task}: found {found}, used {used}, left out {bad}, ignored {ignored}",
        found=content["found"],
        **values,
    )


def _problems(content: dict[str, Any]) -> Iterator[str]:
    """Yields lines on the first unusable rows, copies, and copies with different labels."""
    for one in content["quarantined"][:5]:
        source, reason, fix = one["source"], one["reason"], one["fix"]
        yield say("left out: {source} {reason}. {fix}", source=source, reason=reason, fix=fix)
    if copies := content["duplicates"]:
        rows = sum(map(len, copies))
        yield say("copies: {rows} rows in {groups} groups", rows=rows, groups=len(copies))
    for group in copies[:3]:
        yield say("copies: {sources}", sources=" = ".join(group[:4]))
    for group in content["near"][:3]:
        yield say("near copies: {sources}", sources=" = ".join(group[:4]))
    for group in content["conflicts"][:SHOWN]:
        yield say("different labels for: {sources}", sources=" = ".join(group[:4]))
    if content["leaks"]:
        yield say(
            "Rows left out of training because a copy is in validation or test: {count}.",
            count=len(content["leaks"]),
        )


def _classes(classes: dict[str, dict[str, int]], most: int = 12) -> list[str]:
    lines = [
        f"  {padded(name, 24)} "
        + " ".join(f"{named(part)} {count:<6}" for part, count in counts.items())
        for name, counts in list(classes.items())[:most]
    ]
    if len(classes) > most:
        lines.append("  " + say("and {count} more classes", count=len(classes) - most))
    return lines
