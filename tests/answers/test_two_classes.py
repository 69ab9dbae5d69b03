"""Two classes: metrics as those of scikit-learn, calibration, net benefit, gains and costs."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from sklearn import metrics

from tenfold.answers.classification import two_classes
from tenfold.answers.classification.costs import Costs, cost_matrix
from tenfold.answers.classification.positive import TwoClasses, positive_class
from tenfold.answers.intervals import Sampling
from tenfold.answers.kind import Answer
from tenfold.answers.label import LABEL, Label
from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError

World = tuple[list[Answer], pd.DataFrame, np.ndarray, np.ndarray]


def world(rows: int = 600, seed: int = 0, digits: int = 2, weighted: bool = False) -> World:
    """Answers with equal probabilities among them, their table, probabilities and truth."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1.5, 1.5, rows)
    truth = random.random(rows) < 1 / (1 + np.exp(-0.7 * logits - 0.3))
    chance = np.round(1 / (1 + np.exp(-logits)), digits).clip(0.01, 0.99)
    answers: list[Answer] = [
        Label("no" if one < 0.5 else "yes", {"no": 1 - one, "yes": float(one)}) for one in chance
    ]
    table = pd.DataFrame({"label": np.where(truth, "yes", "no")})
    if weighted:
        table["weight"] = random.choice([0.0, 0.5, 1.0, 3.0], rows)
    return answers, table, chance, truth


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_two_classes_equal_scikit_learn(weighted: bool):
    answers, table, chance, truth = world(weighted=weighted)
    weight = table["weight"].to_numpy() if weighted else None
    found = LABEL.score(answers, table, table)
    kept = {"sample_weight": weight}
    said = chance > 0.5
    expected = {
        "accuracy": metrics.accuracy_score(truth, said, **kept),
        "macro_f1": metrics.f1_score(truth, said, average="macro", **kept),
        "log_loss": metrics.log_loss(truth, chance, **kept),
        "brier": metrics.brier_score_loss(truth, chance, **kept),
        "roc_auc": metrics.roc_auc_score(truth, chance, **kept),
        "average_precision": metrics.average_precision_score(truth, chance, **kept),
    }
    for name, value in expected.items():
        one = found.metrics[name]
        assert one.value == pytest.approx(value, rel=1e-5), name
        assert one.low < one.value < one.high, name
    assert found.metrics["roc_auc"].baseline == pytest.approx(0.5)
    share = np.average(truth, weights=weight)
    assert found.metrics["average_precision"].baseline == pytest.approx(share)
    assert found.metrics["brier"].baseline == pytest.approx(share * (1 - share), rel=1e-5)
    classes = {one["class"]: one for one in found.details["classes"]}
    for name, place in (("no", 0), ("yes", 1)):
        three = metrics.precision_recall_fscore_support(truth, said, **kept)
        numbers = [classes[name][key] for key in ("precision", "recall", "f1")]
        assert numbers == pytest.approx([one[place] for one in three[:3]])
        assert classes[name]["support"] == (table["label"] == name).sum()
    content, metric = LABEL.bootstrap(answers, table)
    counts = np.ones(len(table), np.int64) if weight is None else 2 * weight
    value = metric(content, counts[None])[0]
    assert value == pytest.approx(found.best.value)


def test_more_classes_have_the_mean_of_each_against_the_rest():
    random, names = np.random.default_rng(1), ["a", "b", "c"]
    truth = random.choice(3, 300, p=[0.5, 0.3, 0.2])
    logits = random.normal(0, 1, (300, 3)) + np.eye(3)[truth]
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    answers = [
        Label(names[row.argmax()], dict(zip(names, map(float, row), strict=True))) for row in chance
    ]
    table = pd.DataFrame({"label": [names[one] for one in truth]})
    found = LABEL.score(answers, table, table)
    one_hot = np.eye(3)[truth]
    auc = metrics.roc_auc_score(truth, chance, multi_class="ovr", average="macro")
    assert found.metrics["roc_auc"].value == pytest.approx(auc, rel=1e-5)
    precision = metrics.average_precision_score(one_hot, chance, average="macro")
    assert found.metrics["average_precision"].value == pytest.approx(precision, rel=1e-5)
    brier = ((chance - one_hot) ** 2).sum(1).mean()
    assert found.metrics["brier"].value == pytest.approx(brier, rel=1e-5)
    assert "two_classes" not in found.details


def test_weights_count_as_copies_and_equal_weights_change_nothing():
    answers, table, _, _ = world(200)
    times = np.random.default_rng(3).integers(0, 4, 200)
    rows = np.repeat(np.arange(200), times)
    many = LABEL.score([answers[row] for row in rows], table.iloc[rows].reset_index(), table)
    few = LABEL.score(answers, table.assign(weight=times.astype(float)), table)
    plain = LABEL.score(answers, table, table)
    same = LABEL.score(answers, table.assign(weight=2.5), table)
    for name, one in many.metrics.items():
        assert few.metrics[name].value == pytest.approx(one.value, rel=1e-6), name
        assert few.metrics[name].high - few.metrics[name].low > one.high - one.low, name
    assert same == plain
    spent = ("yes=no:5", "")
    one, two = (
        LABEL.valued(*each, table, *spent)["two_classes"]
        for each in (
            (answers, table.assign(weight=times.astype(float))),
            ([answers[row] for row in rows], table.iloc[rows].reset_index(drop=True)),
        )
    )
    for name in ("share", "mean_probability", "costs"):
        assert one[name] == pytest.approx(two[name], abs=2e-6), name
    for name in ("net_benefit", "roc", "precision_recall"):
        ends = [dict.fromkeys(map(tuple, each[name])) for each in (one, two)]
        assert np.array([*ends[0]]) == pytest.approx(np.array([*ends[1]]), abs=2e-6), name
    for first, second in zip(one["gains"], two["gains"], strict=True):
        assert first == pytest.approx(second, abs=2e-6)
    for name in ("intercept", "slope"):
        pair = [each["calibration"][name]["value"] for each in (one, two)]
        assert pair[0] == pytest.approx(pair[1], abs=2e-6)
    groups = table.assign(group=np.arange(200) // 4, weight=times + 0.5)
    grouped = LABEL.score(answers, groups, table)
    for name, one in LABEL.score(answers, groups.drop(columns="group"), table).metrics.items():
        assert grouped.metrics[name].value == pytest.approx(one.value), name
        assert grouped.metrics[name].low < one.value < grouped.metrics[name].high
    train = pd.DataFrame({"label": ["a", "a", "b"], "weight": [1.0, 1.0, 6.0]})
    assert LABEL.constant(train).probabilities == {"b": 0.75, "a": 0.25}


# --- calibration ---


def fitted(columns: np.ndarray, truth: np.ndarray, weights: np.ndarray, offset: np.ndarray):
    """The coefficients of a logistic regression without penalty, by another method."""

    def loss(at: np.ndarray) -> float:
        logits = columns @ at + offset
        return float(weights @ (np.logaddexp(0, logits) - logits * truth))

    def slope(at: np.ndarray) -> np.ndarray:
        return -columns.T @ (weights * (truth - 1 / (1 + np.exp(-(columns @ at + offset)))))

    return optimize.minimize(
        loss, np.zeros(columns.shape[1]), jac=slope, method="BFGS", options={"gtol": 1e-10}
    ).x


@pytest.mark.parametrize("weighted", [False, True])
def test_intercept_and_slope_equal_a_logistic_regression(weighted: bool):
    answers, table, chance, truth = world(900, digits=6, weighted=weighted)
    found = TwoClasses.of(answers, table, table)
    weights = found.weights
    logits, ones = np.log(chance / (1 - chance)), np.ones(len(chance))
    both = np.column_stack([ones, logits])
    (intercept,), _ = two_classes.logistic(ones[:, None], truth, weights, logits)
    coefficients, influence = two_classes.logistic(both, truth, weights)
    assert intercept == pytest.approx(fitted(both[:, :1], truth, weights, logits)[0], abs=1e-6)
    assert coefficients == pytest.approx(fitted(both, truth, weights, 0 * logits), abs=1e-6)
    stated = LABEL.score(answers, table, table).details["two_classes"]["calibration"]
    assert stated["intercept"]["value"] == pytest.approx(intercept, abs=2e-6)
    assert stated["slope"]["value"] == pytest.approx(coefficients[1], abs=2e-6)
    assert stated["slope"]["low"] < 0.7 < stated["slope"]["high"], "the slope of this world"
    half = (stated["slope"]["high"] - stated["slope"]["low"]) / 2
    assert half == pytest.approx(1.96 * np.sqrt((influence[:, 1] ** 2).sum()), rel=1e-3)
    if not weighted:  # of a right model, the sandwich is near the inverse Hessian
        chances = 1 / (1 + np.exp(-(both @ coefficients)))
        inverse = np.linalg.inv((both * (chances * (1 - chances))[:, None]).T @ both)
        assert half == pytest.approx(1.96 * inverse[1, 1] ** 0.5, rel=0.1)
    curve = np.array(stated["curve"])
    expected = 1 / (1 + np.exp(-(coefficients[0] + coefficients[1] * np.log(
        curve[:, 0] / (1 - curve[:, 0])))))  # fmt: skip
    assert np.abs(curve[:, 1] - expected).mean() < 0.06
    groups = table.assign(group=np.arange(900) // 3)
    wide = LABEL.score(answers, groups, table).details["two_classes"]["calibration"]["slope"]
    assert wide["value"] == stated["slope"]["value"] and wide["low"] != stated["slope"]["low"]


def test_curve_and_reliability_are_weighted():
    """Each point is on a weighted local line of numpy; bins are those of copies of the rows."""
    answers, table, _, _ = world(300, digits=6, weighted=True)
    found = TwoClasses.of(answers, table, table)
    for place, share in two_classes.smooth_curve(found)[::8]:
        distance = np.abs(found.probability - place)
        near = (1 - (distance / np.sort(distance)[199]).clip(0, 1) ** 3) ** 3
        line = np.polyfit(found.probability, found.truth * 1.0, 1, w=np.sqrt(near * found.weights))
        assert share == pytest.approx(np.polyval(line, place).clip(0, 1), abs=1e-3)
    times = np.random.default_rng(5).integers(1, 5, 300)
    rows = np.repeat(np.arange(300), times)
    few = LABEL.score(answers, table.assign(weight=times), table).details["reliability"]
    many = table.drop(columns="weight").iloc[rows].reset_index(drop=True)
    copies = LABEL.score([answers[row] for row in rows], many, table).details["reliability"]
    assert [one[:2] for one in few] == [pytest.approx(one[:2]) for one in copies]


def test_separated_constant_and_one_sided_rows_have_no_slope():
    def two(chance: list[float], truth: list[str]) -> dict:
        answers = [Label("a", {"no": 1 - one, "yes": one}) for one in chance]
        table = pd.DataFrame({"label": truth})
        found = LABEL.score(answers, table, pd.DataFrame({"label": ["yes", "no", "no"]}))
        json.dumps(found.details, allow_nan=False)
        assert len(LABEL.pieces(found.details)["sections"]) == 1
        return found.details["two_classes"]

    apart = two([0.1] * 20 + [0.2] * 5 + [0.8] * 25, ["no"] * 25 + ["yes"] * 25)
    assert apart["calibration"]["slope"]["value"] is None
    assert apart["calibration"]["intercept"]["value"] is not None
    constant = two([0.25] * 40, (["yes"] + ["no"] * 3) * 10)
    assert constant["calibration"]["slope"]["value"] is None and constant["gains"][0]["lift"] == 1
    assert constant["calibration"]["intercept"]["value"] == pytest.approx(0, abs=1e-6)
    assert constant["calibration"]["curve"] == []
    alone = two([0.0, 1.0, 0.4], ["no"] * 3)
    assert alone["calibration"]["intercept"]["value"] is None and alone["roc"] == []
    sure = two([0.0, 1.0, 0.0, 1.0, 0.5], ["no", "yes", "yes", "no", "no"])
    assert np.isfinite(sure["calibration"]["slope"]["value"])


# --- decisions ---


def test_net_benefit_gains_and_curves_are_those_of_their_definitions():
    answers, table, chance, truth = world(400)
    mixed = [*answers, Problem("damaged", "is damaged")]
    table = pd.concat([table, pd.DataFrame({"label": ["yes"]})], ignore_index=True)
    spent = {"costs": "yes=no:5,no=yes:1", "positive": ""}
    found = LABEL.valued(mixed, table, table, **spent)["two_classes"]
    assert found["left_out"] == 1 and found["rows"] == 400 and found["positive"] == "yes"
    for at, run, every in found["net_benefit"]:
        said, odds = chance >= at - 1e-9, at / (1 - at)
        assert run == pytest.approx((said & truth).mean() - (said & ~truth).mean() * odds, abs=2e-6)
        assert every == pytest.approx(truth.mean() - (1 - truth.mean()) * odds, abs=2e-6)
    last = found["gains"][-1]
    assert last["found"] == last["lift"] == 1
    assert last["profit"] == 5 * truth.sum() - (~truth).sum()
    tenth = np.random.default_rng(0)
    drawn = [
        truth[np.lexsort((tenth.random(400), -chance))[:40]].sum() for _ in range(400)
    ]  # equal probabilities in a random order
    assert found["gains"][0]["found"] * truth.sum() == pytest.approx(np.mean(drawn), abs=0.15)
    rates, recall, _ = metrics.roc_curve(truth, chance, drop_intermediate=False)
    assert np.array(found["roc"]) == pytest.approx(np.column_stack([rates, recall]), abs=1e-6)
    costs = found["costs"]
    assert costs["threshold"] == pytest.approx(1 / 6, abs=1e-6)
    said = chance >= 1 / 6
    assert costs["mean"] == pytest.approx((5 * (truth & ~said) + (~truth & said)).mean(), abs=1e-6)
    assert costs["none"] == pytest.approx(5 * truth.mean(), abs=1e-6)
    turned = LABEL.valued(mixed, table, table, "", "no")["two_classes"]
    assert turned["positive"] == "no" and turned["share"] == pytest.approx((~truth).mean())
    assert turned["brier"] == found["brier"]


def test_the_positive_class_is_named_or_rarer():
    assert positive_class({"yes": 90, "no": 10}) == "yes"
    assert positive_class({"neg": 5, "pos": 500}) == "pos"
    assert positive_class({"0": 10, "1": 90}) == "1"
    assert positive_class({"cat": 10, "dog": 9}) == "dog"
    assert positive_class({"cat": 9, "dog": 9}) == "dog"
    assert positive_class({"2": 9, "10": 9}) == "10"


def test_costs_are_read_and_refused():
    assert cost_matrix("b=a:2.5", ["a", "b"]).tolist() == [[0, 1], [2.5, 0]]
    odd = ["a,b=c:1", "x=y", "x"]
    assert cost_matrix("a,b=c:1=x=y:3, x=a,b=c:1:7", odd).tolist() == [
        [0, 3, 1], [1, 0, 1], [7, 1, 0],
    ]  # fmt: skip
    assert Costs.of("no=yes:3", "yes", "no").threshold == 0.75
    wrong = ["yes", "yes=no", "yes=no:x", "yes=no:-1", "yes=no:0", "yes=no:inf", "yes=yes:2"]
    for text, code in [(one, "bad-setting") for one in wrong] + [("yes=nein:2", "unknown-class")]:
        with pytest.raises(UsageError) as refused:
            cost_matrix(text, ["yes", "no"])
        assert (refused.value.code, refused.value.where) == (code, "costs"), text
    answers, table, _, _ = world(30)
    with pytest.raises(UsageError) as refused:
        LABEL.valued(answers, table, table, "", "maybe")
    assert refused.value.code == "unknown-class"


def test_an_influence_gives_the_interval_of_a_mean():
    values = np.random.default_rng(0).normal(3, 1, 400)
    influence = (values - values.mean()) / 400
    for sampling in (Sampling(), Sampling(np.arange(400) // 5)):
        linear, mean = sampling.linear(values.mean(), influence), sampling.mean(values)
        assert linear == pytest.approx(mean, rel=2e-3)
