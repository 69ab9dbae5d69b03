"""The exports of a run for its report: agreement with the run, size and speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tenfold.core.errors import ArtefactRefused
from tenfold.reporting import words
from tenfold.run import manifest
from tenfold.run.folder import EXPORTED

__all__ = ["of_folder"]


def of_folder(folder: Path) -> list[dict[str, Any]]:
    """One entry per export in the run folder; damaged or incomplete exports are skipped."""
    places = (folder / name for name in ("export", "export-int8"))
    return [line for place in places if (line := _line(place))]


def _line(place: Path) -> dict[str, Any]:
    try:
        manifest.verified(place, EXPORTED)
        parity = json.loads((place / "parity.json").read_text("utf-8"))
        return _said(parity) | {"name": place.name}
    except (ArtefactRefused, OSError, ValueError, KeyError, TypeError):
        return {}


def _said(parity: dict[str, Any]) -> dict[str, Any]:
    small = parity.get("int8") or {}
    own = {"value": parity["values"]["onnx"], "bytes": parity["bytes"]} | small
    counts = small.get("decisions") or parity["decisions"]
    worst = max(parity["largest_difference"].values(), default=0.0)
    pace = (small or {"milliseconds": parity["milliseconds"]["onnx"]})["milliseconds"]
    metric = words.metric(parity["headline"])
    return {
        "precision": parity["precision"],
        "opset": parity["opset"],
        "rows": parity["rows"],
        "metric": metric.title,
        "torch": metric.text_of(parity["values"]["torch"]),
        "onnx": metric.text_of(own["value"]),
        "equal": counts["equal"],
        "tied": counts["tied"],
        "different": counts["different"],
        "worst": "" if small else words.number(worst),
        "size": words.amount(own["bytes"]),
        "before": f"{parity['milliseconds']['torch']['alone']:.2f}",
        "after": f"{pace['alone']:.2f}",
    }
