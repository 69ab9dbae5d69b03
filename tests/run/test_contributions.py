"""Contributions of fields: exact where they are stated to be, and sums that always hold."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from tenfold.answers.label import LABEL, Label
from tenfold.answers.number import NUMBER, Number
from tenfold.core.columns import Problem
from tenfold.core.message import Message
from tenfold.media.input import Input
from tenfold.media.tables.schema import TableColumn, TableRow, TableSchema
from tenfold.run.contributions import EXACT, MOST, in_fields, shapley
from tenfold.run.explain import agreement


def brute(worth, players: int) -> list[float]:
    """Shapley values as the mean over all orders."""
    found = np.zeros(players)
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        mask = np.zeros((1, players), bool)
        for player in order:
            before = worth(mask)[0]
            mask[0, player] = True
            found[player] += worth(mask)[0] - before
    return (found / len(orders)).tolist()


def test_values_are_exact_for_few_players_and_for_pairs():
    random = np.random.default_rng(1)
    few = random.normal(size=2**5)
    places = 2 ** np.arange(5)
    assert shapley(lambda masks: few[masks @ places], 5) == pytest.approx(
        brute(lambda masks: few[masks @ places], 5)
    )
    size = EXACT + 6
    single, pairs = random.normal(size=size), np.triu(random.normal(size=(size, size)), 1)

    def of_pairs(masks):
        own = masks.astype(float)
        return own @ single + np.einsum("mi,ij,mj->m", own, pairs, own)

    wanted = single + (pairs + pairs.T).sum(1) / 2
    assert shapley(of_pairs, size) == pytest.approx(wanted.tolist())
    product = lambda masks: masks.all(1).astype(float)  # noqa: E731
    assert math.fsum(shapley(product, size)) == pytest.approx(1)
    assert shapley(product, 0) == []


def made(columns: int):
    """A row, the typical one as an input, and the table of the row."""
    names = [f"c{number}" for number in range(columns)]
    schema = TableSchema(
        (*(TableColumn(name, "number") for name in names), TableColumn("kind", "category"))
    )
    own = TableRow(schema, (*(float(number + 1) for number in range(columns)), "b"))
    fields = {name: Input("number", typical=0.0) for name in names}
    inputs = {"row": Input("row", fields=fields | {"kind": Input("category", typical=None)})}
    return inputs, pd.DataFrame({"row": pd.Series([own], dtype=object), "source": ["x"]})


def level(cell: TableRow) -> float:
    known = np.nan_to_num(np.array(cell.values[:-1], float))
    return 1e-7 * float(known[0] * known[1] + known[2] + (cell.values[-1] == "b"))


@pytest.mark.parametrize("columns", [4, 20, 3 * MOST])
def test_contributions_add_up_to_the_answer_minus_the_typical_one(columns):
    inputs, table = made(columns)

    def say(asked):
        return [Number(5e-7 + level(cell)) for cell in asked["row"]]

    (one,) = in_fields(NUMBER, say, inputs, table)
    assert one.base == pytest.approx(5e-7) and one.total == pytest.approx(1.1e-6)
    assert math.fsum(one.weights) == pytest.approx(one.total - one.base, rel=1e-6)
    found = dict(zip(one.names, one.weights, strict=True))
    wanted = {"c0": 1e-7, "c1": 1e-7, "c2": 3e-7, "kind": 1e-7}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert sum(abs(each) for name, each in found.items() if name not in wanted) < 1e-12
    assert ("" in found) == (columns > MOST), "the rest shares one entry"
    assert dict(zip(one.names, one.typical, strict=True))["kind"] == ""


def test_classes_failures_and_typical_rows():
    inputs, table = made(3)

    def say(asked):
        chances = [min(1.0, 0.2 + 1e6 * level(cell)) for cell in asked["row"]]
        return [Label("yes", {"yes": one, "no": 1 - one}) for one in chances]

    for about, sign in (("yes", 1), ("no", -1)):
        (one,) = in_fields(LABEL, say, inputs, table, about=Label(about, {}))
        assert math.fsum(one.weights) == pytest.approx(sign * 0.6)
    broken = Problem("bad", Message("is bad"))
    half = lambda asked: [broken if cell.values[0] else Number(1.0) for cell in asked["row"]]  # noqa: E731
    assert in_fields(NUMBER, half, inputs, table, about=Number(1.0)) == []
    typical = table.assign(row=[table["row"][0].replaced([0.0, 0.0, 0.0, None])])
    (one,) = in_fields(LABEL, say, inputs, typical)
    assert one.names == [] and one.base == one.total == pytest.approx(0.2)
    assert agreement(one, one) is None, "too few fields to compare"
