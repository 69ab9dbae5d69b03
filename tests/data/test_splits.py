"""Who learns, who chooses, who judges: fixed by content and seed, groups whole, nobody leaks."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from pictures_made import folder, png
from preparing import prepared

from tenfold.answers.kind import unit_keys
from tenfold.answers.label import LABEL
from tenfold.answers.labels import LABELS
from tenfold.answers.spans import SPANS
from tenfold.core.errors import DataRefused
from tenfold.core.rows import Rows
from tenfold.data import splits


def table(rows: int, classes: int = 2, **columns) -> pd.DataFrame:
    number = np.arange(rows)
    digests = [hashlib.blake2b(b"%d" % n, digest_size=16).hexdigest() for n in number]
    labels = [f"class {n % classes}" for n in number]
    return pd.DataFrame({"digest": digests, "label": labels, **columns})


def assigned(rows: pd.DataFrame, seed: int) -> tuple[pd.Series, str]:
    return splits.assign(Rows(rows, answer=LABEL), seed)


def parts(rows: pd.DataFrame, seed: int = 0) -> pd.Series:
    return assigned(rows, seed)[0]


def shares(part: pd.Series) -> dict[str, float]:
    return part.value_counts(normalize=True).to_dict()


# --- drawn ----------------------------------------------------------------------------------------


def test_without_parts_70_15_15():
    found, line = assigned(table(6000), 0)
    assert line == "70/15/15 drawn from all rows"
    assert shares(found) == pytest.approx({"train": 0.7, "valid": 0.15, "test": 0.15}, abs=0.02)


def test_every_class_has_about_its_share():
    rows = table(3000, 3)
    for _, of_class in parts(rows).groupby(rows["label"]):
        assert shares(of_class) == pytest.approx(
            {"train": 0.7, "valid": 0.15, "test": 0.15}, abs=0.04
        )


def test_the_seed_decides():
    rows = table(400)
    assert (parts(rows, 1) == parts(rows, 1)).all()
    assert (parts(rows, 1) != parts(rows, 2)).mean() > 0.3


def test_order_and_index_do_not_matter():
    rows = table(300)
    shuffled = rows.sample(frac=1, random_state=3)
    assert (parts(shuffled).sort_index() == parts(rows)).all()


def test_added_rows_move_nobody():
    many = table(2000)
    for few in (500, 1000, 1999):
        assert (parts(many.iloc[:few].reset_index(drop=True)) == parts(many)[:few]).all()


def test_content_under_one_digest_stays_together():
    rows = table(500)
    twice = pd.concat([rows, rows.sample(frac=1, random_state=0)], ignore_index=True)
    assert parts(twice).groupby(twice["digest"]).nunique().max() == 1


def test_groups_stay_whole():
    person = [f"person {n % 37}" if n % 10 else None for n in range(1000)]
    rows = table(1000, group=pd.Series(person, dtype=object))
    found = parts(rows)
    assert found.groupby(rows["group"]).nunique().max() == 1
    assert set(found) == set(splits.PARTS)
    assert shares(found)["train"] == pytest.approx(0.7, abs=0.2)


def test_group_names_that_are_numbers_and_texts_do_not_mix_with_digests():
    rows = table(4, group=[1, 1, 2, 2])
    assert unit_keys(rows).nunique() == 2


def test_no_class_misses_a_part_it_can_fill():
    for rows in range(6, 40):
        few = table(rows, 2)
        for _, of_class in parts(few).groupby(few["label"]):
            assert set(of_class) == set(splits.PARTS), rows


@pytest.mark.parametrize("kind", [LABELS, SPANS], ids=lambda kind: kind.name)
def test_rare_classes_of_rows_with_several_reach_every_part(kind):
    """A rare class stands in the test and in training, where a row has more classes than one."""
    common, rare = {
        "labels": (("a",), ("a", "rare")),
        "spans": (("B-A",), ("B-A", "B-RARE")),
    }[kind.name]
    for seed in range(20):
        cells = pd.Series([rare if row < 4 else common for row in range(60)], dtype=object)
        few = table(60).drop(columns="label").assign(**{kind.truths[0]: cells})
        found, _ = splits.assign(Rows(few, answer=kind), seed)
        assert set(found[:4]) == set(splits.PARTS), (seed, list(found[:4]))


def test_a_class_of_two_learns_first():
    rows = table(200)
    rows.loc[[7, 11], "label"] = "rare"
    assert "train" in set(parts(rows)[[7, 11]])


def test_filling_gaps_keeps_groups_whole_and_other_classes_in_training():
    rows = table(60, 3, group=[f"g{n // 6}" for n in range(60)])
    for seed in range(30):
        found = parts(rows, seed)
        assert found.groupby(rows["group"]).nunique().max() == 1
        assert set(rows["label"][found == "train"]) == set(rows["label"])


# --- given ----------------------------------------------------------------------------------------


def given(*names: str, each: int = 400) -> tuple[pd.Series, pd.Series, str]:
    """(given, found, line) of a table with as many rows of each of the names."""
    column = pd.Series([name for name in names for _ in range(each)], dtype=object)
    found, line = assigned(table(len(column), split=column), 0)
    return column, found, line


def test_all_three_parts_stay_as_given():
    column, found, line = given("train", "valid", "test")
    assert (found == column).all() and line == "train, validation and test as given"


def test_without_validation_10_percent_of_train_are_drawn():
    column, found, line = given("train", "test")
    assert (found[column == "test"] == "test").all()
    assert shares(found[column == "train"]) == pytest.approx({"train": 0.9, "valid": 0.1}, abs=0.04)
    assert "test as given" in line and "10 %" in line


def test_without_test_validation_becomes_the_test():
    column, found, line = given("train", "valid")
    assert (found[column == "valid"] == "test").all()
    assert shares(found[column == "train"]) == pytest.approx({"train": 0.9, "valid": 0.1}, abs=0.04)
    assert "validation part used as the test" in line


def test_a_training_part_alone_is_no_split():
    _, found, line = given("train", each=3000)
    assert shares(found) == pytest.approx({"train": 0.7, "valid": 0.15, "test": 0.15}, abs=0.03)
    assert line == "70/15/15 drawn from the only given part"


@pytest.mark.parametrize("names", [("test",), ("valid",), ("valid", "test")])
def test_without_training_rows_parts_are_drawn_anew_and_said(names):
    _, found, line = given(*names, each=1000)
    assert set(found) == set(splits.PARTS) and "70/15/15" in line and "no training part" in line


@pytest.mark.parametrize("blank", ["", None, float("nan")])
def test_rows_without_a_part_learn_where_others_have_one(blank):
    column = pd.Series(["test"] * 300 + [blank] * 700, dtype=object)
    found, _ = assigned(table(1000, split=column), 0)
    assert (found[:300] == "test").all() and set(found[300:]) == {"train", "valid"}
    column = pd.Series(["train"] * 300 + ["test"] * 300 + [blank] * 400, dtype=object)
    found, _ = assigned(table(1000, split=column), 0)
    assert (found[300:600] == "test").all() and set(found[600:]) == {"train", "valid"}


@pytest.mark.parametrize("blank", ["", None])
def test_a_column_of_blanks_is_no_split(blank):
    column = pd.Series([blank] * 100, dtype=object)
    assert (assigned(table(100, split=column), 0)[0] == parts(table(100))).all()


# --- the reserved half ----------------------------------------------------------------------------


def test_half_of_validation_is_reserved_and_fixed():
    keys = table(2000)["digest"]
    kept = splits.reserved(keys, 0)
    assert kept.mean() == pytest.approx(0.5, abs=0.04)
    assert (kept == splits.reserved(keys, 0)).all()
    assert (splits.reserved(keys[:100], 0) == kept[:100]).all()
    assert (kept != splits.reserved(keys, 1)).mean() > 0.3


# --- in a prepared folder -------------------------------------------------------------------------


def test_the_reserve_chooses_nothing_and_misses_nothing(tmp_path):
    data = prepared(folder(tmp_path, 60))
    parts = data.parts
    choose, reserve = set(parts.selection.index), set(parts.calibration.index)
    assert not choose & reserve and choose | reserve == set(data.columns.index[data.rows("valid")])
    assert choose and reserve and not (choose | reserve) & set(parts.train.index)


def test_one_person_is_in_one_half_of_validation(tmp_path):
    folder(tmp_path, 40)
    lines = [f"{c}/{n}.png,{c},{n // 4},valid" for c in ("cat", "dog") for n in range(20)]
    lines += [f"{c}/{n}.png,{c},{n},train" for c in ("cat", "dog") for n in range(20, 30)]
    lines += [f"{c}/{n}.png,{c},{n},test" for c in ("cat", "dog") for n in range(30, 40)]
    (tmp_path / "l.csv").write_text("\n".join(["path,label,person,split", *lines]))
    data = prepared(tmp_path)
    group = data.used["group"].to_numpy()
    place = {row: n for n, row in enumerate(data.columns.index)}
    halves = (data.parts.selection, data.parts.calibration)
    sides = [{group[place[row]] for row in half.index} for half in halves]
    assert sides[0] and sides[1] and not sides[0] & sides[1]


def test_copies_across_given_parts_leave_training(tmp_path):
    for part, start in (("train", 0), ("valid", 10), ("test", 20)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for n in range(start, start + 8):
                (tmp_path / part / name / f"{n}.png").write_bytes(png(n, label))
    copy = tmp_path / "train" / "cat"
    (copy / "of-test.png").write_bytes(png(20, 0))
    (copy / "of-valid.png").write_bytes(png(10, 0))
    (tmp_path / "valid" / "dog" / "of-test.png").write_bytes(png(21, 1))
    data = prepared(tmp_path)
    assert sorted(data.leaks) == [
        "train/cat/of-test.png",
        "train/cat/of-valid.png",
        "valid/dog/of-test.png",
    ]
    assert len(data.rows("test")) == 16 and len(data.rows("valid")) == 16
    digests = [set(data.table(part)["digest"]) for part in splits.PARTS]
    assert len(set.union(*digests)) == sum(map(len, digests))


def test_copies_inside_a_part_stay_and_are_named(tmp_path):
    folder(tmp_path, 20)
    (tmp_path / "cat" / "again.png").write_bytes(png(3, 0))
    data = prepared(tmp_path)
    assert data.duplicates == [["cat/3.png", "cat/again.png"]] and not data.leaks
    both = data.used[data.used["source"].isin(data.duplicates[0])]
    assert len(both) == 2 and both["split"].nunique() == 1


def test_training_rows_that_all_stand_in_the_test_are_refused(tmp_path):
    for part in ("train", "test"):
        folder(tmp_path / part, 5)
    with pytest.raises(DataRefused, match="test") as refused:
        prepared(tmp_path)
    assert refused.value.code == "no-training-rows" and refused.value.fix


def test_files_added_later_move_nobody(tmp_path):
    before = prepared(folder(tmp_path, 60)).used.set_index("digest")["split"]
    after = prepared(folder(tmp_path, 90)).used.set_index("digest")["split"]
    assert len(after) == 180 and (after[before.index] == before).all()


def test_no_row_is_in_no_part(tmp_path):
    folder(tmp_path, 12)
    parts = ["test"] * 4 + [""] * 8
    lines = [f"{c}/{n}.png,{c},{parts[n]}" for c in ("cat", "dog") for n in range(12)]
    (tmp_path / "l.csv").write_text("\n".join(["path,label,split", *lines]))
    data = prepared(tmp_path)
    assert sum(len(data.rows(part)) for part in splits.PARTS) == len(data.used) == 24
    assert len(data.rows("test")) == 8
