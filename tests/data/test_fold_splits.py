"""Which run of a cross-validation tests which row: by content and seed, whole groups together."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from tenfold.answers.label import LABEL
from tenfold.core.errors import UsageError
from tenfold.core.rows import Rows
from tenfold.data import folds
from tenfold.data.folds import Fold, FoldedParts


def table(rows: int, classes: int = 2, **columns) -> pd.DataFrame:
    digests = [hashlib.blake2b(b"%d" % n, digest_size=16).hexdigest() for n in range(rows)]
    labels = [f"class {n % classes}" for n in range(rows)]
    return pd.DataFrame({"digest": digests, "label": labels, **columns})


def assigned(rows: pd.DataFrame, fold: Fold, seed: int = 0) -> FoldedParts:
    known = Rows(rows, answer=LABEL)
    return folds.assign(known.with_table(rows.assign(split=folds.basis(known))), seed, fold)


def fold_of(rows: pd.DataFrame, of: int | str, seed: int = 0) -> pd.Series:
    """The fold that tests each row; every row must have one."""
    count = assigned(rows, Fold(None, of), seed).count
    parts = [assigned(rows, Fold(number, of), seed).parts for number in range(count)]
    tests = np.array([(one == "test").to_numpy() for one in parts])
    assert (tests.sum(0) == 1).all()
    return pd.Series(tests.argmax(0), rows.index)


@pytest.mark.parametrize("of", [2, 5, 20])
def test_every_row_is_tested_once_and_folds_are_about_even(of: int):
    rows = table(4000)
    shares = fold_of(rows, of).value_counts(normalize=True)
    assert len(shares) == of and shares.to_numpy() == pytest.approx(1 / of, abs=0.02)


def test_of_the_other_rows_a_tenth_is_validation():
    parts = assigned(table(5000), Fold(1, 5)).parts.value_counts()
    assert parts["valid"] / (parts["valid"] + parts["train"]) == pytest.approx(0.1, abs=0.02)


def test_added_rows_move_nobody_and_the_seed_decides():
    many = table(1000)
    for few in (400, 999):
        assert (fold_of(many.iloc[:few], 5) == fold_of(many, 5)[:few]).all()
    assert (fold_of(many, 5, 1) != fold_of(many, 5, 2)).mean() > 0.5
    shuffled = many.sample(frac=1, random_state=0)
    assert (fold_of(shuffled, 5).sort_index() == fold_of(many, 5)).all()


def test_every_fold_has_every_class_that_has_rows_enough():
    rows = table(60)
    rows.loc[:6, "label"] = "rare"
    fold = fold_of(rows, 5)
    assert fold[rows["label"] == "rare"].nunique() == 5


def test_groups_and_near_copies_stay_together():
    group = [f"person {n % 40}" for n in range(400)]
    rows = table(400, group=group)
    assert fold_of(rows, 4).groupby(rows["group"]).nunique().max() == 1
    near = table(400, near=[f"near {n // 4}" if n < 200 else None for n in range(400)])
    assert fold_of(near, 4).groupby(near["near"]).nunique().max() == 1


def test_a_given_test_part_stays_out_but_for_the_last_run():
    rows = table(
        300, split=["test" if n % 3 == 0 else "valid" if n % 3 == 1 else "" for n in range(300)]
    )
    held = rows["split"] == "test"
    found = assigned(rows, Fold(2, 5)).parts
    assert (found[held] == "").all() and set(found[~held]) == {"train", "valid", "test"}
    last = assigned(rows, Fold(None, 5))
    assert (last.parts == np.where(held, "test", "train")).all()
    assert last.line == "the given test part; trained on all other rows"


@pytest.mark.parametrize(
    ("given", "held"),
    [
        (("train", "valid"), "valid"),
        (("train", "valid", "test"), "test"),
        (("valid", "test"), None),
        (("train", "train"), None),
    ],
)
def test_which_part_stays_out(given: tuple[str, ...], held: str | None):
    split = [given[n % len(given)] for n in range(30)]
    found = folds.basis(Rows(table(30, split=split), answer=LABEL))
    assert (found == ["test" if one == held else "train" for one in split]).all()


def test_one_run_a_group():
    rows = table(30, group=[f"person {n % 3}" for n in range(30)])
    assert (fold_of(rows, "each") == np.arange(30) % 3).all()
    assert assigned(rows, Fold(1, "each")).group == "person 1"


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (None, "30 of 30 rows have no group"),
        (["a", None] * 15, "15 of 30 rows have no group"),
        (["a"] * 30, "only one group: 'a'"),
    ],
)
def test_without_groups_it_is_refused(group: list | None, said: str):
    rows = table(30) if group is None else table(30, group=group)
    with pytest.raises(UsageError, match=said) as refused:
        assigned(rows, Fold(None, "each"))
    assert "--group" in refused.value.fix and refused.value.exit_code == 2


def test_fewer_units_than_folds_are_refused():
    rows = table(30, group=["a", "b", "c"] * 10)
    with pytest.raises(UsageError, match=r"4 folds need .* and there are 3") as refused:
        assigned(rows, Fold(0, 4))
    assert refused.value.code == "bad-setting"
    assert refused.value.message.values == {"count": 4, "units": 3}
