"""Charts: every mark is where its value belongs, and odd values still give a whole picture."""

import math
import re
import xml.etree.ElementTree as tree

import numpy as np
import pytest

from tenfold.answers import charts
from tenfold.answers.charts.axes import linear, logarithmic, ticks

LOG = [{"epoch": n, "loss": 2 / n, "valid_loss": 3 / n, "valid_accuracy": 1 - 1 / n}
       for n in range(1, 13)]  # fmt: skip
BINS = [(0.25, 0.1, 1), (0.5, 0.6, 4), (0.95, 0.9, 16)]
PARTS = ("training", "validation", "test")


def texts(chart: str) -> list[str]:
    return [one.text or "" for one in tree.fromstring(chart).iter("text")]


def circles(chart: str, colour: str) -> np.ndarray:
    """Centre and radius of each point of a colour."""
    groups = tree.fromstring(chart).iter("g")
    return np.array(
        [[float(dot.get(name, "")) for name in ("cx", "cy", "r")]
         for group in groups if f"--{colour})" in (group.get("style") or "")
         for dot in group.iter("circle")]
    )  # fmt: skip


def boxes(chart: str, colour: str) -> np.ndarray:
    """(left, upper, right, lower) of each bar of a colour."""
    paths = [one.get("d", "") for one in tree.fromstring(chart).iter("path")
             if one.get("style") == f"fill: var(--{colour})"]  # fmt: skip
    found = re.findall(r"M(\S+) (\S+)V(\S+)H(\S+)V\S+z", paths[0])
    return np.array([[float(one[at]) for at in (0, 2, 3, 1)] for one in found])


def as_placed(values, places) -> None:
    """Places are a linear function of values."""
    line = np.polyfit(values, places, 1)
    np.testing.assert_allclose(np.polyval(line, values), places, atol=0.02)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0, 1.02, 6, "0.0 0.2 0.4 0.6 0.8 1.0"),
        (0.3, 20.1, 9, "2.5 5.0 7.5 10.0 12.5 15.0 17.5 20.0"),
        (0, 73_000, 9, "0 10,000 20,000 30,000 40,000 50,000 60,000 70,000"),
        (-3, 3, 4, "−2 0 2"),
        (0, 9, 9, "0 1 2 3 4 5 6 7 8 9"),
        (0, 95, 9, "0 20 40 60 80"),
        (1e-9, 4e-9, 3, "1e−09 2e−09 3e−09 4e−09"),
    ],
)
def test_ticks_are_multiples_of_a_round_step(low, high, most, labels):
    found = ticks(low, high, most)
    assert [label for _, label in found] == labels.split()
    assert np.ptp(np.diff([value for value, _ in found])) < 1e-9


def test_scales_of_one_value_of_long_labels_and_of_decades():
    assert linear(3, 3).share(3) == 0.5 and linear(0, 0).share(0) == 0.5
    assert len(linear(0, 9e6, length=120).ticks) < len(linear(0, 9e6).ticks)
    assert [label for _, label in logarithmic(4, 150).ticks] == ["5", "10", "20", "50", "100"]
    assert [label for _, label in logarithmic(4, 20_000).ticks] == "10 100 1,000 10,000".split()
    assert logarithmic(1, 10_000).share(100) == pytest.approx(0.5)


def test_every_mark_is_at_its_value():
    curves = charts.curves(LOG)
    loss, valid = (circles(curves, colour) for colour in ("accent", "warm"))
    as_placed([row["loss"] for row in LOG] + [row["valid_loss"] for row in LOG],
              np.concatenate([loss[:12, 1], valid[:, 1]]))  # fmt: skip
    as_placed([row["epoch"] for row in LOG], valid[:, 0])
    assert valid[0, 1] < valid[-1, 1], "high values are above"

    points = circles(charts.reliability(BINS), "accent")
    as_placed([sure for sure, *_ in BINS], points[:, 0])
    as_placed([right for _, right, _ in BINS], points[:, 1])
    assert (np.diff(points[:, 2]) > 0).all(), "many rows are a large point"
    bars = boxes(charts.reliability(BINS), "accent")
    as_placed([rows for *_, rows in BINS], bars[:, 1])

    balance = charts.balance([("a", (10, 2, 3)), ("b", (40, 8, 12))], PARTS)
    first, last = boxes(balance, "accent"), boxes(balance, "third")
    assert first[0, 1] < first[1, 1] and texts(balance).index("b") < texts(balance).index("a")
    as_placed([0, 40, 48, 60, 0, 10, 12, 15], np.concatenate(
        [[first[0, 0], first[0, 2], last[0, 0], last[0, 2]],
         [first[1, 0], first[1, 2], last[1, 0], last[1, 2]]]))  # fmt: skip

    values = np.repeat([1.0, 5.0, 9.0], [1, 2, 7])
    high = boxes(charts.histogram(values, "tokens"), "accent")
    as_placed(np.histogram(values, 8, (0, 10))[0], high[:, 3] - high[:, 1])

    many = [("a", 10, 0.5), ("b", 100, 0.9), ("c", 1000, 0.1)]
    as_placed([1, 2, 3], circles(charts.examples(many), "accent")[:, 0])
    few = [{"class": name, "support": rows, "f1": share} for name, rows, share in many]
    as_placed([10, 100, 1000], circles(charts.support(few), "accent")[:, 0])


def test_names_are_text_and_the_lowest_are_named():
    name = "<b>&\"猫'" * 9
    balance = charts.balance([(name, (1, 0, 0))], PARTS)
    assert any(text.startswith("<b>&\"猫'<b>") and text.endswith("…") for text in texts(balance))
    assert {*PARTS} <= {*texts(balance)}
    rows = [(f"class {number}", number + 1, number / 10) for number in range(10)]
    named = {text for text in texts(charts.examples(rows)) if text.startswith("class")}
    assert named == {f"class {number}" for number in range(6)}
    many = charts.balance([(f"class {number}", (number, 1, 1)) for number in range(99)], PARTS)
    assert len([text for text in texts(many) if text.startswith("class")]) == 40


@pytest.mark.parametrize(
    "chart",
    [
        lambda: charts.curves([{"epoch": 1.0, "loss": math.nan, "valid_loss": math.inf}]),
        lambda: charts.curves([{"epoch": 1.0, "loss": 0.5}]),
        lambda: charts.curves([{"epoch": n, "loss": 1e-12 * n, "valid_x": 1e12} for n in (1, 2)]),
        lambda: charts.curves([{"epoch": n / 9, "loss": 1.0} for n in range(999)]),
        lambda: charts.reliability([(0.0, 0.0, 1)], [(1.0, 1.0, 1)]),
        lambda: charts.balance([("a", (0, 0, 0))], PARTS),
        lambda: charts.balance([("a", (10**9, 0, 0))], PARTS),
        lambda: charts.support([{"class": "a", "support": 1, "f1": 0.0}]),
        lambda: charts.examples([("a", 0, 0.0), ("b", 10**7, 1.0)]),
        lambda: charts.histogram(np.array([5.0]), "tokens"),
        lambda: charts.histogram(np.array([1.0, 1e9]), "tokens"),
    ],
)
def test_odd_values_give_a_whole_picture(chart):
    made = chart()
    picture = tree.fromstring(made)
    assert picture.get("class") == "chart" and picture.get("aria-label")
    assert not re.search(r"\b(nan|inf)\b", made) and not re.search(r"url\(|href|\bid=", made)
    width, height = map(float, picture.get("viewBox", "").split()[2:])
    for one in picture.iter("circle"):
        assert -3 < float(one.get("cx", "")) < width + 3
        assert -3 < float(one.get("cy", "")) < height + 3
