"""Details of scored groups, and the report section made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenfold.answers.grouping import chart
from tenfold.answers.grouping.prediction import Group
from tenfold.answers.grouping.scores import Groups
from tenfold.answers.metric import number, share
from tenfold.answers.sections import Cell, Section, SectionTable, class_pieces
from tenfold.core.language import say
from tenfold.core.results import rounded

__all__ = ["choices", "details", "pieces"]

MAX_LABELS = 30
"""Maximum number of labels that are compared with the groups in a table."""


def details(answers: Sequence[Any], found: Groups) -> dict[str, Any]:
    """Returns size, silhouette and name of each group, and its rows of each label."""
    names = {one.group: one.name for one in answers if isinstance(one, Group)}
    groups = []
    for at, name in enumerate(found.groups):
        rows = found.group == at
        mean = float(found.silhouette[rows].mean()) if rows.any() else 0.0
        groups.append(
            {
                "group": name,
                "name": names.get(name, ""),
                "rows": int(rows.sum()),
                "silhouette": rounded(mean),
            }
        )
    content: dict[str, Any] = {"groups": groups}
    if len(found.labels) > 1 and found.scored.any():
        content["labels"] = {"names": found.labels, "counts": found.table.tolist()}
    return content


def choices(fitted: Mapping[str, Any]) -> list[Section]:
    """Returns the section with the criterion of each candidate by the number of groups.

    None where the number of groups was given.
    """
    tried = {name: one for name, one in fitted.items() if isinstance(one, dict) and "curve" in one}
    charts = [
        chart.curve(name, _criterion(one["curve"]["criterion"]), one["curve"], len(one["names"]))
        for name, one in tried.items()
        if len(one["curve"]["groups"]) > 1
    ]
    if not charts:
        return []
    remark = say(
        "Each candidate chose the number of groups (the vertical line) by a criterion without "
        "labels. The silhouette and the eigengap are better the higher, the BIC the lower."
    )
    title = say("Number of groups")
    names = ", ".join(name for name, one in tried.items() if len(one["curve"]["groups"]) > 1)
    return [
        Section("clusters", title, [(names, say("charts from top to bottom"))], remark, (), charts)
    ]


def _criterion(name: str) -> str:
    return {"silhouette": say("silhouette"), "bic": say("BIC")}.get(name, say("eigengap"))


def pieces(details: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of the report that are made from the details (see `answers/sections`)."""
    sections = []
    if groups := details.get("groups"):
        sections.append(_groups_section(groups))
    if labels := details.get("labels"):
        sections.append(_labels_section(labels, [one["group"] for one in groups or ()]))
    return class_pieces({}) | {"sections": sections}


def _groups_section(groups: list[dict[str, Any]]) -> Section:
    total = max(1, sum(one["rows"] for one in groups))
    rows = [
        [
            Cell(one["group"]),
            Cell(one["name"]),
            Cell(f"{one['rows']:,}", one["rows"] / total),
            Cell(number(one["silhouette"])),
        ]
        for one in groups
    ]
    head = [say("group"), say("description"), say("rows"), say("silhouette")]
    remark = say(
        "The silhouette of a group near 1: its rows are far from all other groups; near 0: they "
        "lie between groups."
    )
    return Section("groups", say("Groups"), (), remark, [SectionTable("", head, rows, 2)])


def _labels_section(labels: dict[str, Any], groups: list[str]) -> Section:
    counts = np.array(labels["counts"])
    order = np.argsort(-counts.sum(1), kind="stable")[:MAX_LABELS]
    rows = [
        [
            Cell(labels["names"][at]),
            *(Cell(f"{count:,}", count / max(1, counts[at].sum())) for count in counts[at]),
        ]
        for at in order.tolist()
    ]
    head = [say("label"), *(say("group {number}", number=name) for name in groups)]
    remark = say("Labels were not used to find the groups. Bars are shares of the label.")
    figures = []
    if len(order) < len(counts):
        left = int(counts.sum() - counts[order].sum())
        figures = [(share(left / max(1, int(counts.sum()))), say("rows of labels not shown"))]
    return Section(
        "labels", say("Groups and labels"), figures, remark, [SectionTable("", head, rows)]
    )
