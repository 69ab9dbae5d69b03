"""The answer kind of clustering: one group of several, found without labels.

A label, where a row has one, is used for scores alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tenfold.answers.grouping import report, scores
from tenfold.answers.grouping.prediction import Group
from tenfold.answers.grouping.scores import Groups
from tenfold.answers.intervals import Sampling, Weighted
from tenfold.answers.kind import Answer, AnswerKind, MetricValues
from tenfold.answers.metric import Metric
from tenfold.core.errors import DataRefused
from tenfold.core.language import say
from tenfold.core.message import Message

__all__ = ["GROUP", "Group", "GroupKind", "answers_of"]


def answers_of(outputs: Mapping[str, Any], names: Sequence[str]) -> list[Group]:
    """Returns a Group for each row of the outputs `probabilities` (N, K) and `silhouette` (N,).

    `names` are the descriptions of the K groups.
    """
    probabilities = np.asarray(outputs["probabilities"], float)
    silhouette = np.asarray(outputs["silhouette"], float)
    groups = [str(number + 1) for number in range(probabilities.shape[1])]
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        Group(
            groups[order[row, 0]],
            {groups[at]: float(probabilities[row, at]) for at in order[row]},
            names[order[row, 0]] if order[row, 0] < len(names) else "",
            float(silhouette[row]),
        )
        for row in range(len(probabilities))
    ]


def _refuse(table: pd.DataFrame) -> DataRefused | None:
    if "digest" not in table or table["digest"].nunique() > 1:
        return None
    return DataRefused(
        Message("All rows are equal, so they cannot be divided into groups"),
        code="one-row",
        where=str(table["source"].iloc[0]) if len(table) else "",
        fix=Message("Add rows that differ from each other."),
    )


def _same_decision(before: Group, after: Group, tolerance: float) -> bool:
    best = sorted(before.probabilities.values(), reverse=True)[:2]
    return before.group == after.group or (len(best) == 2 and best[0] - best[1] < tolerance)


def _mean(rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts @ rows[:, 0] / np.maximum(1, counts.sum(1)))


class GroupKind(AnswerKind):
    """One group of several; a label for scoring, if any, is a class name in the column `label`."""

    name = "group"
    prediction = Group
    truths = ("label",)
    headline = "silhouette"
    exclusive = True
    unlabelled = True
    metrics: ClassVar[dict[str, Metric]] = {
        "silhouette": Metric(
            "Silhouette",
            "how much nearer rows are to their own group than to the next one, from -1 to 1",
            share=False,
        ),
        "cluster_accuracy": Metric(
            "Clustering accuracy", "share of rows whose group is matched to their label"
        ),
        "nmi": Metric(
            "NMI", "normalized mutual information of groups and labels, from 0 to 1", share=False
        ),
        "ari": Metric(
            "ARI",
            "adjusted Rand index of groups and labels; 0 = chance, 1 = the same groups",
            share=False,
        ),
    }

    def blank(self, table: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(table), bool)

    def fits_all(self, table: pd.DataFrame) -> bool:
        return True

    refuse = staticmethod(_refuse)

    def measure(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> MetricValues:
        return scores.measure(Groups.of(answers, table), sampling)

    def constant(self, train: pd.DataFrame) -> Group:
        return Group("1", {"1": 1.0})

    def retained(self, before: Group, after: Group) -> float:
        return after.probabilities.get(before.group, 0.0)

    def worst(self, answers: Sequence[Answer], table: pd.DataFrame) -> list[int]:
        """Returns the rows without an answer, and those that are nearer to another group."""
        found = Groups.of(answers, table)
        sure = np.where(found.group < 0, -2.0, found.silhouette)
        return [int(row) for row in np.argsort(sure, kind="stable") if sure[row] < 0]

    def bootstrap(self, answers: Sequence[Answer], table: pd.DataFrame) -> Weighted:
        return Groups.of(answers, table).silhouette[:, None], _mean

    same_decision = staticmethod(_same_decision)

    def details(
        self, answers: Sequence[Answer], table: pd.DataFrame, sampling: Sampling
    ) -> dict[str, Any]:
        return report.details(answers, Groups.of(answers, table))

    def words(self, answer: Group, truth: str = "") -> dict[str, Any]:
        said = say("group {number}", number=answer.group)
        if answer.name:
            said = say("group {number}: {name}", number=answer.group, name=answer.name)
        return {"said": said, "sure": answer.probability, "right": None}

    def error_text(self, answer: Group, table: pd.DataFrame, row: int) -> str:
        return say(
            "{group}; silhouette {value}",
            group=self.words(answer)["said"],
            value=f"{answer.silhouette:.2f}",
        )

    choices = staticmethod(report.choices)
    pieces = staticmethod(report.pieces)


GROUP = GroupKind()
