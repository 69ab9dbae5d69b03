"""The report of a run and of a check: one self-contained file each, with no outside address."""

from __future__ import annotations

import dataclasses
import functools
import math
import platform
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np

from tenfold import __version__, draw, explaining, loop, scoring, system
from tenfold import device as devices
from tenfold import run as runs
from tenfold.app import App, name_of
from tenfold.data import Columns
from tenfold.evidence import Evidence
from tenfold.lazy import lazy
from tenfold.prepare import Prepared
from tenfold.reporting import answers, rows, words
from tenfold.reporting.notes import notes
from tenfold.run import Run

jinja2, torch = lazy("jinja2"), lazy("torch")

__all__ = ["document_rows", "write", "write_check", "write_gallery"]

HERE = Path(__file__).parent
MOST_ERRORS, MOST_EXAMPLES = 24, 120

document_rows = rows.of_prepared


def write(run: Run, found: Evidence | None = None, out: Path | None = None) -> Path:
    """Writes `report.html` into the run folder (or `out`) from `run.scores` and the evidence.

    Without evidence, what needs the data themselves (pictures, copies) is left out.
    """
    path = out or run.folder / "report.html"
    system.write_atomically(path, _page("report.html.jinja", **_context(run, found)))
    return path


def _context(run: Run, found: Evidence | None) -> dict[str, Any]:
    document = {"settled": {}, "seconds": {}, "valid": {}, "details": {}} | run.scores
    log = loop.log_of(run.folder)
    prepared = found.prepared if found else None
    facts = rows.shown(rows.of_prepared(prepared) if prepared else rows.of_folder(run.folder))
    judged = len(found.table) if found else int(document.get("rows", {}).get("test", 0))
    document["rows"] = document.get("rows", {}) | {"judged": judged}
    worst = scoring.worst(found.answers, found.table) if found else []
    pieces = answers.PIECES.get(run.app.gives(run.facts), answers.nothing)
    return {
        "title": f"{run.folder.resolve().name}",
        "document": document,
        "headline": _headline(document),
        "notes": notes(document, facts, log),
        "pieces": pieces(document["details"]),
        "errors": _errors(run, found, worst) if found else [],
        "wrong": len(worst),
        "curves": draw.curves(log) if log else "",
        "rows": facts,
        "plan": _plan(run),
        "command": _command(run, prepared),
        "environment": document.get("environment") or _environment(run),
    }


def _headline(document: dict[str, Any]) -> dict[str, Any]:
    """The score to quote, and bars for it and the baselines where it is a share."""
    name = document["headline"]
    said, score = words.metric(name), document["scores"][name]
    known = {key: values[name] for key, values in document["baselines"].items() if name in values}
    ordered = sorted(known.items(), key=lambda one: -one[1])
    own = ("this run", score["value"], (score["low"], score["high"]))
    bars = [own, *((key, value, None) for key, value in ordered)]
    values = [score["low"], score["high"], *known.values()]
    return {
        "metric": said,
        "value": score["value"],
        "low": score["low"],
        "high": score["high"],
        "bars": bars if all(0 <= value <= 1 for value in values) else [],
    }


# --- errors ---------------------------------------------------------------------------------------


def _errors(run: Run, found: Evidence, worst: list[int]) -> list[dict[str, Any]]:
    """The most wrong answers, each with its pictures and what the answer rests on."""
    order = np.array(worst[:MOST_ERRORS], np.int64)
    if not len(order):
        return []
    columns = found.columns.view(order)
    names = [name for name, column in columns.arrays.items() if draw.is_picture(column)]
    taken = columns.only(names).take(np.arange(len(order))) if names else {}
    maps = _maps(run, columns)
    cards = []
    for place, row in enumerate(map(int, order)):
        right = answers.truth(found.table, row)
        images = [draw.thumbnail(taken[name][place]) for name in names]
        if place in maps:
            one = maps[place]
            images.append(draw.thumbnail(draw.overlay(taken[one.over][place], one.weights)))
        source = str(found.table["source"].iloc[row]) if "source" in found.table else ""
        said = answers.said(found.answers[row], right)
        cards.append({"truth": right, "source": source, "images": images} | said)
    return cards


def _maps(run: Run, columns: Columns) -> dict[int, Any]:
    """Explanations by row: Grad-CAM where there is a map, else what two seconds can cover."""
    maps = explaining.grad_cam(run.net, columns) if explaining.has_map(run.net) else []
    if maps:
        return dict(enumerate(maps))
    found, began = {}, time.perf_counter()
    for row in range(columns.rows):
        if covered := explaining.occlusion(run.answer, columns, row):
            found[row] = covered[0]
        if time.perf_counter() - began > 2:
            break
    return found


# --- how it was made ------------------------------------------------------------------------------


def _plan(run: Run) -> list[tuple[str, str]]:
    """What was decided, by the person or by the plan, as (word, value)."""
    settled, plan = run.facts.get("settled", {}), runs.plan_of(run.folder)
    found = {name: value for name, value in settled.items() if name != "decided"}
    if "epochs" in found:
        found["passes over the data"] = found.pop("epochs")
    if "decided" in settled:
        found["length decided by"] = settled["decided"]
    told = plan.get("plan", {})
    found |= {name: told[name] for name in ("seed", "device") if name in told}
    if "data" in plan:
        found["data fingerprint"] = str(plan["data"])[:16]
    if run.net is not None:
        found["parameters"] = sum(entry.numel() for entry in run.net.parameters())
    found |= {f"setting {name}": value for name, value in _changed(run.app).items()}
    return [
        (name.replace("_", " "), words.listed(value))
        for name, value in found.items()
        if isinstance(value, (int, float, str))
    ]


def _changed(app: App) -> dict[str, Any]:
    """Knobs that differ from their defaults."""
    fields = dataclasses.fields(app)  # type: ignore[arg-type]
    values = {entry.name: (getattr(app, entry.name), entry.default) for entry in fields}
    return {name: value for name, (value, default) in values.items() if value != default}


def _command(run: Run, prepared: Prepared | None) -> str:
    """The command line that trains the same again; minutes are said as the epochs they became."""
    told = runs.plan_of(run.folder)
    plan, settled = dict(told.get("plan", {})), run.facts.get("settled", {})
    if plan.pop("minutes", None) is not None:
        plan["epochs"] = settled.get("epochs")
    plan |= {name: told.get(name) for name in ("limit", "start", "classes", "on_bad")}
    usual = {"device": "auto", "precision": "auto", "on_bad": "stop", "seed": 0}
    given = {name: value for name, value in plan.items() if value not in (None, usual.get(name))}
    where = prepared.root if prepared and prepared.root else runs.data_of(run.folder)
    parts = ["tenfold", "train", run.kind, where.name if where else "DATA"]
    for name, value in (given | _changed(run.app)).items():
        parts += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(parts)


def _environment(run: Run) -> dict[str, str]:
    """Where the report is made: versions, system, processor."""
    place = next(run.net.parameters()).device if run.net is not None else None
    return {
        "tenfold": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__) if run.net is not None else "none",
        "system": f"{platform.system()} {platform.machine()}",
        "device": devices.name(place) if place else platform.processor(),
    }


# --- check ----------------------------------------------------------------------------------------


def write_check(
    prepared: Prepared,
    document: dict[str, Any],
    out: Path,
    *,
    app: App,
    views: dict[str, Any] | None = None,
    refusal: str = "",
) -> Path:
    """Writes the page of `check`: what was found, what was left out, examples, the estimate."""
    data = prepared.root.name if prepared.root else "data"
    context = {
        "title": f"Check of {data}",
        "kind": name_of(app),
        "data": data,
        "rows": rows.shown(document),
        "examples": _examples(prepared),
        "views": _views(views),
        "sizes": _sizes(prepared),
        "estimate": document.get("estimate") or {},
        "refusal": refusal,
        "learnt": {name: value for name, value in prepared.facts["data"].items() if _plain(value)},
    }
    system.write_atomically(out, _page("check.html.jinja", **context))
    return out


def _plain(value: Any) -> bool:
    return isinstance(value, (int, float, str))


def _examples(prepared: Prepared) -> list[dict[str, Any]]:
    """A few encoded pictures of every class, spread over its training rows."""
    columns = prepared.inputs("train")
    names = [name for name, column in columns.arrays.items() if draw.is_picture(column)]
    table = prepared.table("train")
    if not names or not {"label", "labels"} & set(table):
        return []
    each = table["labels"].explode() if "labels" in table else table["label"]
    classes = sorted(map(str, each.dropna().unique()), key=scoring.natural)
    most = max(1, min(8, MOST_EXAMPLES // max(1, len(classes))))
    found = []
    for name in classes[:MOST_EXAMPLES]:
        places = each.index[each == name].to_numpy()
        some = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
        taken = columns.only(names).take(some)
        found.append({"name": name, "images": [draw.thumbnail(one, 96) for one in taken[names[0]]]})
    return found


def _views(views: dict[str, Any] | None) -> list[tuple[str, str]]:
    """(as it is, as it may be learnt) of some pictures."""
    if not views:
        return []
    before, after = views["before"], views["after"]
    names = [name for name, column in before.items() if draw.is_picture(column)]
    return [
        (draw.thumbnail(one, 96), draw.thumbnail(other.clip(0, 255).astype(np.uint8), 96))
        for name in names
        for one, other in zip(before[name], after[name], strict=True)
    ]


def _sizes(prepared: Prepared) -> dict[str, Any]:
    """Widths and heights of the files, and how their longer sides spread."""
    used = prepared.used
    if not {"width", "height"} <= set(used):
        return {}
    names = ("width", "height")
    sides = {name: np.percentile(used[name], [0, 50, 100]).astype(int) for name in names}
    longer = used[["width", "height"]].max(axis=1).to_numpy()
    chart = draw.histogram(longer, "sizes", "longer side, pixels") if np.ptp(longer) else ""
    return {"sides": {name: list(map(int, three)) for name, three in sides.items()}, "chart": chart}


# --- pages ----------------------------------------------------------------------------------------


def write_gallery(out: Path, title: str, cards: list[dict[str, Any]]) -> Path:
    """Writes the page of `explain`, beside the pictures that it shows."""
    system.write_atomically(out, _page("gallery.html.jinja", title=title, cards=cards))
    return out


def _page(template: str, **context: Any) -> str:
    style = (HERE / "style.css").read_text(encoding="utf-8")
    made = _templates().get_template(template).render(style=style, version=__version__, **context)
    return str(made)


@functools.cache
def _templates() -> Any:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "share": words.share,
        "number": words.number,
        "amount": words.amount,
        "span": words.span,
        "short": draw.short,
        "percent": lambda value: round(100 * float(value), 2) if math.isfinite(value) else 0,
    }
    found.globals |= {"metric": words.metric, "plural": words.plural}
    return found
