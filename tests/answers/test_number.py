"""Numbers: metrics as scikit-learn defines them, intervals that hold, a run through the verbs."""

import csv
import json
from pathlib import Path

import commands
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from tenfold.answers import number
from tenfold.answers.intervals import Sampling
from tenfold.answers.label import LABEL, Label
from tenfold.answers.number import NUMBER, Number
from tenfold.answers.regression import distribution, intervals
from tenfold.core import language
from tenfold.core.columns import Problem
from tenfold.core.rows import Rows

ROOMS = Path(__file__).resolve().parents[1] / "kit" / "elsewhere"
QUICK = ["--device", "cpu", "--epochs", 40, "--batch", 16]


def sample(rows: int = 400, seed: int = 0, unit: float = 1.0) -> tuple[pd.DataFrame, list[Number]]:
    """Values with noise of a size that grows, and intervals that contain about 90 % of them."""
    random = np.random.default_rng(seed)
    value = random.normal(3, 2, rows)
    truth = value + random.normal(0, 1, rows)
    digests = [f"{row:032x}" for row in range(rows)]
    weights = random.integers(1, 5, rows).astype(float)
    table = pd.DataFrame({"value": unit * truth, "weight": weights, "digest": digests})
    ends = [(unit * one, unit * (one - 1.645), unit * (one + 1.645)) for one in value]
    return table, [Number(*three, "kg", 2) for three in ends]


# --- scores ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("unit", [1e-7, 1.0, 1e6])
def test_metrics_are_those_of_scikit_learn(weighted: bool, unit: float):
    table, answers = sample(unit=unit)
    weights = table["weight"] if weighted else None
    table = table if weighted else table.drop(columns="weight")
    value, truth = np.array([one.value for one in answers]), table["value"].to_numpy()
    scores = NUMBER.score(answers, table, table)
    want = {
        "rmse": metrics.root_mean_squared_error(truth, value, sample_weight=weights),
        "mae": metrics.mean_absolute_error(truth, value, sample_weight=weights),
        "r2": metrics.r2_score(truth, value, sample_weight=weights),
        "interval_coverage": np.average(np.abs(truth - value) <= 1.645 * unit, weights=weights),
    }
    assert list(scores.metrics) == list(want)
    mean = np.average(truth, weights=weights)
    for name, one in scores.metrics.items():
        assert one.value == pytest.approx(want[name], rel=1e-9)
        assert one.low < one.value < one.high
    deviation = np.sqrt(np.average((truth - mean) ** 2, weights=weights))
    assert scores.best.baseline == pytest.approx(deviation, rel=1e-9)
    ends, cover = scores.details["intervals"], scores.metrics["interval_coverage"].value
    assert ends["below"] + ends["above"] == pytest.approx(1 - cover, abs=2e-6)
    assert min(ends["below"], ends["above"]) > 0
    assert scores.metrics["r2"].baseline == pytest.approx(0, abs=1e-9)
    assert scores.best.to_json()["value"] == pytest.approx(want["rmse"], rel=1e-3)
    assert scores.best.baseline > 1.5 * scores.best.high


def test_a_weight_counts_like_copies_of_the_row():
    """In metrics and in the difference of two runs, but not in the number of rows."""
    table, answers = sample(60)
    copies = np.repeat(np.arange(60), table["weight"].astype(int))
    more = table.drop(columns="weight").iloc[copies].reset_index(drop=True)
    worse = [Number(one.value + 0.3) for one in answers]
    pairs = [(NUMBER, answers, worse, table, more)]
    names = ["cat" if one > 3 else "dog" for one in table["value"]]
    said = [Label(one, {one: 0.7, ("dog", "cat")[one == "dog"]: 0.3}) for one in names]
    other = [said[0]] * 60
    pairs.append((LABEL, said, other, table.assign(label=names), more.assign(
        label=[names[row] for row in copies])))  # fmt: skip
    for kind, first, second, once, often in pairs:
        one = kind.score(second, once, once)
        two = kind.score([second[row] for row in copies], often, often)
        stated = [each.details.get("errors", {}).get("quantiles", {}) for each in (one, two)]
        assert stated[0] == stated[1]
        for name, score in one.metrics.items():
            assert score.value == pytest.approx(two.metrics[name].value), name
            assert score.baseline == pytest.approx(two.metrics[name].baseline), name
        assert one.rows == 60
        both = [kind.bootstrap(each, once) for each in (first, second)]
        found = Sampling.of(once).paired(*both, times=500)
        assert found.second == pytest.approx(one.best.value)
        assert found.low is not None and found.low < found.difference < found.high


@pytest.mark.parametrize("each", [1, 3])
def test_the_difference_of_two_runs_on_many_rows(each: int):
    """Fewer resamples, with the interval of the linearized difference; seen from either run."""
    random, rows = np.random.default_rng(2), 3000
    off = random.normal(0, 1, (2, rows))
    off[1] = 0.9 * off[0] + 0.5 * off[1]
    sampling = Sampling(np.arange(rows) // each if each > 1 else None)
    table = pd.DataFrame({"value": np.zeros(rows)})
    runs = [NUMBER.bootstrap([Number(error) for error in one], table) for one in off]
    found = sampling.paired(*runs, work=3_000_000)
    assert found.resamples == 1000
    rmse = np.sqrt(np.square(off).mean(1))
    influence = np.square(off) / (2 * rmse[:, None]) / rows
    gap = influence[0] - influence[1]
    _, low, high = sampling.linear(found.difference, gap - gap.mean())
    assert found.difference == pytest.approx(rmse[0] - rmse[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    turned = found.swapped
    assert (turned.difference, turned.low, turned.high) == (
        -found.difference,
        -found.high,
        -found.low,
    )
    assert (turned.above, turned.resamples) == (found.below, 1000)


def test_weights_without_effect():
    """Equal weights change nothing; a row of weight 0 is not scored; a blank weight is 1."""
    table, answers = sample(80)
    plain = NUMBER.score(answers, table.drop(columns="weight"), table.drop(columns="weight"))
    for weight in (3.0, None):
        alike = table.assign(weight=pd.Series([weight] * 80, dtype=object))
        assert NUMBER.score(answers, alike, alike) == plain
    half = table.assign(weight=[1.0] * 40 + [0.0] * 40)
    scores = NUMBER.score(answers, half, half)
    first = table[:40].drop(columns="weight")
    assert scores.best.value == pytest.approx(NUMBER.score(answers[:40], first, first).best.value)


def test_interval_of_a_weighted_share_covers():
    """The truth 0.8 lies in the interval of a weighted share in about 95 of 100 draws."""
    random, inside = np.random.default_rng(1), 0
    for _ in range(300):
        sampling = Sampling(weights=random.integers(1, 9, 120).astype(float))
        _, low, high = sampling.share(random.random(120) < 0.8)
        inside += low <= 0.8 <= high
    assert 0.91 <= inside / 300 <= 0.99


def test_a_row_without_an_answer_counts_and_stands_first():
    table, answers = sample(50)
    failed = [*answers[:30], Problem("damaged", "is damaged"), *answers[31:]]
    assert NUMBER.worst(failed, table)[0] == 30
    one, other = (NUMBER.score(each, table, table).metrics for each in (answers, failed))
    assert other["rmse"].value > one["rmse"].value
    assert other["interval_coverage"].value <= one["interval_coverage"].value
    alone = [Number(one.value) for one in answers]
    assert "interval_coverage" not in NUMBER.score(alone, table, table).metrics


def test_tenths_are_of_the_prediction_with_their_bias():
    table, answers = sample(200)
    details = NUMBER.score(answers, table, table).details
    off = np.array([one.value for one in answers]) - table["value"].to_numpy()
    weights = table["weight"].to_numpy()
    order = np.argsort([one.value for one in answers])
    for one, rows in zip(details["tenths"], np.array_split(order, 10), strict=True):
        assert one["least"] == pytest.approx(answers[rows[0]].value, abs=1e-6)
        mean = np.average(off[rows], weights=weights[rows])
        assert one["bias"]["value"] == pytest.approx(mean, abs=1e-6)
        assert one["bias"]["low"] < mean < one["bias"]["high"]
        square = np.average(off[rows] ** 2, weights=weights[rows])
        assert one["rmse"] == pytest.approx(square**0.5, abs=1e-6)


# --- intervals ---


def test_offsets_are_the_conformal_quantiles():
    truth = np.arange(1.0, 20.0)  # 19 errors of 1 to 19 above a prediction of 0
    zero = np.zeros(19)
    assert intervals.offsets(truth, zero, zero) == (18.0, 18.0)  # rank ceil(0.9 x 20)
    assert intervals.offsets(truth, zero, zero, each_end=True) == (-1.0, 19.0)
    assert intervals.offsets(truth[:8], zero[:8], zero[:8]) is None
    assert intervals.offsets(truth[:9], zero[:9], zero[:9]) == (9.0, 9.0)
    assert intervals.offsets(truth[:18], zero[:18], zero[:18], each_end=True) is None
    same = intervals.offsets(truth, zero, zero, weights=np.full(19, 7.0))
    assert same == (18.0, 18.0)
    assert intervals.offsets(truth, zero - 30, zero + 30) == (-12.0, -12.0)  # too wide: narrowed
    # weights of 38 and a further row of their mean, 2: the rank is level x 40
    heavy = np.array([1.0] * 17 + [9.0, 12.0])
    assert intervals.offsets(truth, zero, zero, weights=heavy) == (19.0, 19.0)
    assert intervals.offsets(truth, zero, zero, 0.65, heavy) == (18.0, 18.0)  # 0.65 x 40 = 17 + 9
    assert intervals.offsets(truth, zero, zero, 0.66, heavy) == (19.0, 19.0)
    assert intervals.offsets(truth, zero, zero, 0.96, heavy) is None  # 38.4 > 38


@pytest.mark.parametrize("rows", [20, 100])
@pytest.mark.parametrize("each_end", [False, True])
def test_coverage_holds_for_skewed_errors(rows: int, each_end: bool):
    """Mean coverage over redraws is at least 90 % and not far above it, whatever the model."""
    random, found = np.random.default_rng(0), []
    for _ in range(400):
        truth = random.exponential(1.0, rows + 200)
        ends = np.full((2, rows + 200), [[0.4], [0.9]])
        offsets = intervals.offsets(truth[:rows], *ends[:, :rows], each_end=each_end)
        low, high = intervals.moved(np.full(200, 0.5), *ends[:, rows:], offsets)
        found.append(intervals.coverage(truth[rows:], low, high))
    most = 1 - 0.1 + (3 if each_end else 2) / rows
    assert 0.895 <= np.mean(found) <= most + 0.005


# --- answers ---


def test_answers_of_outputs():
    rows = Rows(pd.DataFrame({"value": [100.0, 250.0, 4000.0], "weight": [1.0, 1.0, 2.0]}))
    truths = number.answers(rows, "EUR")
    assert truths["mean"] == pytest.approx(2087.5) and truths["decimals"] == 0
    assert (truths["smallest"], truths["largest"], truths["unit"]) == (100.0, 4000.0, "EUR")
    json.dumps(truths, allow_nan=False)
    outputs = {"value": np.float32([5, -0.2, 7]), "low": np.float32([6, -1, np.nan])}
    outputs["high"] = np.float32([9, 1, np.inf])
    found = number.answers_of(outputs, truths)
    assert [(one.low, one.high) for one in found] == [(5.0, 9.0), (-1.0, 1.0), (None, None)]
    assert [one.line for one in found] == ["5 EUR\t5 to 9", "0 EUR\t-1 to 1", "7 EUR"]
    assert [one.cells for one in found][2] == ("7", "", "")
    (alone,) = number.answers_of({"value": [1.5]}, {"decimals": 2})
    assert alone.line == "1.50"
    empty = number.answers(Rows(pd.DataFrame({"value": np.zeros(0)})))
    assert empty["scale"] == 1.0
    for scale, decimals in ((1.0, 3), (3.2, 3), (180.0, 1), (1e5, 0), (1e-6, 9), (0.0, 3)):
        values = scale * np.array([-1.0, 1.0]) + (scale == 0)
        assert number.answers(Rows(pd.DataFrame({"value": values})))["decimals"] == decimals
    table = pd.DataFrame({"value": [1.0, np.nan]})
    target = number.targets(table, truths)["value"]
    assert target.dtype == np.float32 and np.isnan(target[1])


def test_decisions_errors_and_contributions():
    one = Number(1000.0, 900.0, 1100.0)
    near, far = Number(1000.05, 900.0, 1100.05), Number(1000.5, 900.0, 1100.0)
    assert NUMBER.same_decision(one, near, 1e-4) and not NUMBER.same_decision(one, near, 0.0)
    assert not NUMBER.same_decision(one, far, 1e-4)
    assert not NUMBER.same_decision(one, Number(1000.0), 1.0)
    assert NUMBER.retained(one, one) - NUMBER.retained(one, Number(970.0)) == 30.0
    table = pd.DataFrame({"value": [2.0, 5.0]})
    for row, words in ((0, ("high", "偏高")), (1, ("low", "偏低"))):
        for spoken, word in zip(("en", "zh"), words, strict=True):
            with language.speaking(spoken):
                text = NUMBER.error_text(Number(4.0, decimals=1), table, row)
            assert word in text and ("2.0", "1.0")[row] in text


# --- the values to predict ---


@pytest.mark.parametrize("moved", [0.0, 0.06, 0.09, 0.13, 0.4])
def test_drift_is_the_test_of_scipy(moved: float):
    random = np.random.default_rng(4)
    train, scored = random.normal(0, 1, 3000), random.normal(moved, 1, 1500).round(2)
    found, known = distribution.drift(train, scored), stats.ks_2samp(train, scored, method="asymp")
    assert found["distance"] == pytest.approx(known.statistic, abs=1e-6)
    assert found["significant"] == (known.pvalue < 0.001)


def test_parts_and_refusals():
    random = np.random.default_rng(0)
    values = random.lognormal(0, 1, 400)
    strata = distribution.strata(values)
    assert len(set(strata)) == 10 and min(map(strata.count, set(strata))) == 40
    assert len(set(distribution.strata(values[:30]))) == 1
    zeros = np.concatenate([np.zeros(300), values[:100]])
    assert 1 < len(set(distribution.strata(zeros))) < 10
    table = pd.DataFrame({"value": values, "split": ["train"] * 200 + ["test"] * 200})
    assert NUMBER.notices(table) == [] and NUMBER.refuse(table) is None
    assert len(NUMBER.notices(table.assign(value=np.sort(values)))) == 1
    assert NUMBER.refuse(table[:4]).code == "few-values"
    assert NUMBER.refuse_checked(table) is None
    assert NUMBER.refuse_checked(table.assign(value=3.5)).code == "one-value"
    found = NUMBER.distribution(table)
    assert sum(found["counts"]["train"]) == 200 == found["parts"]["test"]["rows"]
    assert NUMBER.distribution_section(found).charts[0].count("<path") > 3


# --- a run ---


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder of signals whose swing is the value, in micrometres, with weights."""
    found = tmp_path_factory.mktemp("numbers")
    folder, random, lines = found / "data", np.random.default_rng(0), ["path,value,split,weight"]
    folder.mkdir()
    for row in range(150):
        swing = random.uniform(0.5, 9.5)
        values = swing * np.sin(0.9 * np.arange(48) + random.uniform(0, 6))
        values += random.normal(0, 0.2, 48)
        (folder / f"{row:03}.signal").write_text(" ".join(f"{one:.3f}" for one in values))
        part = ("train", "train", "valid", "test")[row % 4]
        lines.append(f"{row:03}.signal,{5000 * swing:.1f},{part},{1 + row % 3}")
    (folder / "dials.csv").write_text("\n".join(lines) + "\n")
    return found


def tenfold(place: Path, *words: object, code: int = 0) -> commands.Done:
    done = commands.tenfold(*map(str, words), cwd=place, env={"TENFOLD_ROOMS": str(ROOMS)})
    assert done.code == code, (words, done.out, done.err)
    return done


@pytest.fixture(scope="module")
def runs(place: Path) -> Path:
    for seed in (1, 2):
        words = ["train", "signal-number", "data", "--seed", seed, "--out", f"run-{seed}"]
        tenfold(place, *words, *QUICK)
    return place


def test_a_run_of_numbers(runs: Path):
    """Scores, page, comparison, table of predictions; what it has no classes for is refused."""
    found = tenfold(runs, "test", "run-1", "--json").document
    stored = json.loads((runs / "run-1" / "scores.json").read_text("utf-8"))
    assert found["scores"] == stored["scores"] and found["headline"] == "rmse"
    best = found["scores"]["rmse"]
    assert best["high"] < best["baseline"] / 2 and best["baseline"] > 1000
    assert 0.7 <= found["scores"]["interval_coverage"]["value"] <= 1
    for lang, words in (("en", "Predicted against true"), ("zh", "预测值与真实值")):
        tenfold(runs, "report", "run-1", "--lang", lang, "--out", "r.html")
        page = (runs / "r.html").read_text("utf-8")
        assert words in page and "Undefined" not in page and 'id="residuals"' in page
    out = tenfold(runs, "report", "--compare", "run-1", "run-2", "--out", "c.html", "--json")
    compared, rows = out.document, found["rows"]["test"]
    assert sum(compared["counts"].values()) == rows and compared["headline"] == "rmse"
    assert set(compared["counts"]) == {"first_closer", "second_closer", "equal"}
    handed = ["data/003.signal", "data/007.signal"]
    told = tenfold(runs, "predict", "run-1", *handed, "--csv", "a.csv", "--json").lines
    assert told[0]["answer"] == "number" and told[0]["unit"] == "mm"
    assert told[0]["low"] < told[0]["value"] < told[0]["high"]
    lines = list(csv.DictReader((runs / "a.csv").open(encoding="utf-8-sig")))
    assert float(lines[1]["value"]) == pytest.approx(told[1]["value"], rel=1e-3)
    for flag in ("--threshold", "--top"):
        refused = tenfold(runs, "predict", "run-1", handed[0], flag, 1, code=2)
        assert flag.strip("-") in refused.err
    refused = tenfold(runs, "explain", "run-1", handed[0], "--about", "cat", code=2)
    assert "does not predict classes" in refused.err


def test_check_shows_the_values(place: Path):
    done = tenfold(place, "check", "signal-number", "data", "--out", "check.html")
    assert "median" in done.out
    page = (place / "check.html").read_text("utf-8")
    assert "Values to predict" in page and "Distribution of the values to predict" in page
    found = json.loads((place / "check.json").read_text("utf-8"))
    assert sum(map(sum, found["distribution"]["counts"].values())) == 150


@pytest.mark.slow
def test_tuning_and_eight_bits(runs: Path):
    words = ["data", "--trials", 2, "--out", "tuned", *QUICK]
    tuned = tenfold(runs, "tune", "signal-number", *words, "--json").document
    assert tuned["headline"] == "rmse"
    done = tenfold(runs, "export", "run-1", "--int8", "--max-drop", 100, "--json").document
    small = done["parity"]["int8"]
    before = done["parity"]["values"]["torch"]
    assert small["unit"] == "percent"
    assert small["drop"] == pytest.approx(100 * (small["value"] - before) / before, abs=0.01)
    if small["drop"] > 0:
        refused = tenfold(runs, "export", "run-1", "--int8", "--max-drop", 0, code=6)
        assert "%" in refused.err and "points" not in refused.err
