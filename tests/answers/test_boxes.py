"""Boxes: average precision equal to pycocotools, ignored boxes, thresholds, suppression, files."""

import copy
import csv
import io
import json
import zipfile
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answers_made import boxes as made
from PIL import Image

from tenfold.answers.boxes import BOXES, Boxes, BoxesOptions
from tenfold.answers.detection.matches import Matches
from tenfold.answers.detection.suppression import CANDIDATES, overlaps, suppressed
from tenfold.answers.intervals import Sampling
from tenfold.core.columns import Problem
from tenfold.core.errors import UsageError
from tenfold.core.settings import check_settings

SIZES = [(640, 480), (320, 240), (1000, 700)]
CAT, DOG = ("cat", 0.1, 0.1, 0.4, 0.5), ("dog", 0.6, 0.1, 0.9, 0.5)


def table_of(boxes: list, ignored: list | None = None, **more: list) -> pd.DataFrame:
    cells = {"boxes": boxes, "boxes_ignored": ignored or [()] * len(boxes), **more}
    return pd.DataFrame({name: pd.Series(of, dtype=object) for name, of in cells.items()})


def world(pictures: int, seed: int = 0, ties: bool = False) -> tuple[pd.DataFrame, list[Boxes]]:
    """Random pictures: classes of very different numbers, crowds, one class without true boxes."""
    random = np.random.default_rng(seed)
    names = ["cat", "dog", "emu", "ant"]
    truths, ignored, answers, sizes = [], [], [], []
    for row in range(pictures):
        width, height = SIZES[row % 3]
        true, skipped, found = [], [], []
        for _ in range(random.integers(0, 7)):
            name = names[random.choice(3, p=[0.7, 0.25, 0.05])]
            corner = random.integers(0, [width // 2, height // 2])
            sides = random.integers(8, [width // 3, height // 3])
            pixels = np.array([*corner, *(corner + sides)], float)
            box = (name, *map(float, pixels / [width, height, width, height]))
            (skipped if random.random() < 0.15 else true).append(box)
            for _ in range(random.integers(0, 4)):
                moved = np.array(box[1:]) + random.normal(0, 0.02, 4)
                moved[2:] = np.maximum(moved[2:], moved[:2] + 0.01)
                other = name if random.random() < 0.8 else names[random.integers(4)]
                score = random.random()
                found.append(((other, *map(float, moved)), round(score, 1) if ties else score))
        found.sort(key=lambda one: -one[1])
        truths.append(tuple(true))
        ignored.append(tuple(skipped))
        boxes, scores = tuple(box for box, _ in found), tuple(float(s) for _, s in found)
        answers.append(Boxes(boxes, scores, 0.5, (width, height)))
        sizes.append((width, height))
    table = table_of(truths, ignored)
    return table.assign(width=[w for w, _ in sizes], height=[h for _, h in sizes]), answers


def pixels(box: tuple, size: tuple[int, int]) -> list[float]:
    x0, y0, x1, y1 = np.round(np.array(box[1:]) * [*size, *size], 6)
    return [x0, y0, x1 - x0, y1 - y0]


def by_pycocotools(table: pd.DataFrame, answers: list[Boxes]) -> np.ndarray:
    """The twelve figures of COCO by the reference implementation."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    names = sorted({box[0] for boxes in table["boxes"] for box in boxes})
    kinds = {name: number for number, name in enumerate(names, 7)}
    marks, found = [], []
    for row, answer in enumerate(answers):
        for crowd, column in enumerate(("boxes", "boxes_ignored")):
            for box in table[column][row]:
                place = pixels(box, answer.size)
                marks.append({"image_id": row, "category_id": kinds[box[0]], "bbox": place,
                              "area": place[2] * place[3], "iscrowd": crowd,
                              "id": len(marks) + 1})  # fmt: skip
        for box, score in zip(answer.boxes, answer.scores, strict=True):
            if box[0] in kinds:
                found.append({"image_id": row, "category_id": kinds[box[0]], "score": score,
                              "bbox": pixels(box, answer.size)})  # fmt: skip
    with redirect_stdout(io.StringIO()):
        gold, images = COCO(), [{"id": row} for row in range(len(table))]
        classes = [{"id": number, "name": name} for name, number in kinds.items()]
        gold.dataset = {"images": images, "annotations": marks, "categories": classes}
        gold.createIndex()
        judged = COCOeval(gold, gold.loadRes(copy.deepcopy(found)), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged.stats


@pytest.mark.parametrize(("seed", "ties"), [(0, False), (1, True), (2, False)])
def test_average_precision_equals_pycocotools(seed: int, ties: bool):
    table, answers = world(60, seed, ties)
    stats = by_pycocotools(table, answers)
    scores, details = BOXES.score(answers, table, table), None
    details = scores.details["average_precision"]
    own = [details["ap50_95"], details["ap50"], *(details[f"ap50_95_{one}"] for one in
           ("small", "medium", "large"))]  # fmt: skip
    assert own == pytest.approx([*stats[:2], *stats[3:6]], abs=1e-9)
    assert scores.metrics["map50"].value == details["ap50"]
    matches = Matches.of([(one.boxes, one.scores) for one in answers], table["boxes"],
                         table["boxes_ignored"])  # fmt: skip
    ones = np.ones(len(table))
    assert matches.mean_average_precision(ones, slice(None)) == pytest.approx(stats[0], abs=1e-9)
    doubled = np.concatenate([np.arange(60), np.arange(0, 60, 3)])
    twice = by_pycocotools(table.iloc[doubled].reset_index(), [answers[row] for row in doubled])
    weights = np.bincount(doubled)
    assert matches.mean_average_precision(weights, slice(0, 1)) == pytest.approx(
        twice[1], abs=0.02 if ties else 1e-9
    )


def test_the_truth_against_itself_is_exactly_one_whatever_its_classes():
    table, _ = world(40)
    right = [Boxes(boxes, (0.5,) * len(boxes)) for boxes in table["boxes"]]
    one = table_of([(CAT,), (DOG, CAT, DOG), ()])  # a box that is given twice is two boxes
    for truth, answers in (
        (table, right),
        (one, [Boxes(boxes, (0.5,) * len(boxes)) for boxes in one["boxes"]]),
    ):
        scores = BOXES.score(answers, truth, truth)
        assert {score.value for score in scores.metrics.values()} == {1.0}
        assert not BOXES.worst(answers, truth)


def test_intervals_resample_pictures_or_groups():
    table, answers = world(60)
    grouped = table.assign(group=[f"person {row // 6}" for row in range(60)])
    few = replace(Sampling.of(grouped), times=20)
    alone, groups = (BOXES.measure(answers, table, one) for one in (Sampling(times=40), few))
    for name in BOXES.metrics:
        (value, low, high), other = alone[name], groups[name]
        assert low < value < high and other[1] < other[0] == value < other[2]
        assert other[:2] != (value, low)
    content, metric = BOXES.bootstrap(answers, table)
    weights = np.vstack([np.ones(60, int), np.bincount([3, 4, 5], minlength=60)])
    few = [3, 4, 5]
    assert metric(content, weights) == pytest.approx(
        [
            alone["map50"][0],
            BOXES.values([answers[row] for row in few], table.iloc[few].reset_index())["map50"],
        ]
    )
    assert (
        Sampling.of(grouped).paired((content, metric), (content, metric), times=50).difference
        == 0.0
    )


def test_boxes_below_the_threshold_count_for_average_precision_alone():
    table = table_of([(CAT, DOG), (CAT,)])
    sure = [Boxes((CAT, DOG), (0.9, 0.4), 0.5), Boxes((CAT, DOG), (0.8, 0.7), 0.5)]
    scores = BOXES.score(sure, table, table)
    assert scores.metrics["box_precision"].value == pytest.approx(2 / 3)
    assert scores.metrics["box_recall"].value == pytest.approx(2 / 3)
    assert scores.metrics["map50"].value == pytest.approx(0.75, abs=0.01)
    names, counts = ["cat", "dog"], scores.details["confusion"]
    assert [one["class"] for one in scores.details["classes"]] == names
    assert counts == [[2, 0, 0], [0, 0, 1], [0, 1, 0]]
    found = BOXES.recalled(sure, table)
    hits = dict(zip(zip(found.rows, found.classes, strict=True), found.hits, strict=True))
    assert hits == {(0, "cat"): True, (0, "dog"): False, (1, "cat"): True}
    assert BOXES.worst(sure, table) == [0, 1]


def test_ignored_boxes_are_neither_right_nor_wrong():
    inside = ("cat", 0.65, 0.15, 0.85, 0.45)
    answers = [Boxes((CAT, inside), (0.5, 0.9))]
    for name, value in {None: 0.5, "cat": 1.0, "dog": 0.5, "": 1.0}.items():
        ignored = () if name is None else ((name, *DOG[1:]),)
        scores = BOXES.score(answers, table_of([(CAT,)], [ignored]), table_of([(CAT,)]))
        assert scores.metrics["map50"].value == pytest.approx(value, abs=0.01), ignored
        assert scores.metrics["box_precision"].value == value
        assert scores.details["confusion"][-1][0] == int(value < 1)


def test_a_dropped_class_becomes_ignored_boxes_of_every_class():
    table = table_of([(CAT, DOG), (DOG,)], [(("dog", 0.0, 0.0, 1.0, 1.0),), ()])
    renamed, gone = BOXES.renamed(table, {"dog": None, "cat": "Katze"})
    assert list(renamed["boxes"]) == [(("Katze", *CAT[1:]),), ()] and not gone.any()
    assert renamed["boxes_ignored"][1] == (("", *DOG[1:]),)
    assert BOXES.classes_in(renamed) == {"Katze"} and not BOXES.blank(renamed).any()


def test_a_picture_without_boxes_is_judged_and_a_blank_one_is_not():
    table = table_of([(), None, float("nan"), (CAT,), [list(DOG)]])
    assert list(BOXES.blank(table)) == [False, True, True, False, False]
    assert BOXES.refuse(table_of([(), ()])).code == "no-boxes" and BOXES.refuse(table) is None
    split = table_of([(CAT,), (CAT, DOG)], split=["train", "test"])
    (notice,) = BOXES.notices(split)
    assert notice.values["name"] == "dog"
    assert BOXES.same({"boxes": (CAT, DOG)}, {"boxes": [list(DOG), list(CAT)], "boxes_ignored": []})


def test_the_constant_baseline_puts_boxes_where_they_usually_are():
    table = table_of([(CAT, DOG), (CAT,), (CAT, ("dog", 0.1, 0.6, 0.3, 0.9)), ()])
    found = BOXES.constant(table)
    assert found.boxes[0] == pytest.approx(CAT) and found.scores[0] == 0.75
    assert [box[0] for box in found.boxes] == ["cat", "dog"]
    assert BOXES.constant(table[:0]) == Boxes((), ())


def test_a_decision_is_the_set_of_boxes_apart_from_those_at_the_threshold():
    one = Boxes((CAT, DOG), (0.9, 0.31), 0.3)
    moved = ("cat", 0.1, 0.1, 0.4005, 0.5)
    for other, tolerance, same in (
        (Boxes((moved, DOG), (0.8, 0.31), 0.3), 0.0, True),
        (Boxes((CAT,), (0.9,), 0.3), 0.02, True),
        (Boxes((CAT,), (0.9,), 0.3), 0.0, False),
        (Boxes((DOG,), (0.9,), 0.3), 0.02, False),
        (Boxes((("dog", *CAT[1:]), DOG), (0.9, 0.4), 0.3), 0.02, False),
    ):
        assert BOXES.same_decision(one, other, tolerance) is same
        assert BOXES.same_decision(other, one, tolerance) is same


def test_a_chosen_box_is_retained_by_score_times_overlap():
    half = ("cat", 0.1, 0.1, 0.25, 0.5)
    before = Boxes((CAT, DOG, half), (0.9, 0.8, 0.7))
    assert BOXES.retained(before, Boxes((half, DOG), (0.6, 0.9))) == pytest.approx(0.3)
    assert BOXES.retained(BOXES.about(before, "dog"), before) == pytest.approx(0.8)
    assert BOXES.about(before, "cat").boxes == (CAT,)
    missing = BOXES.about(before, "9")
    assert isinstance(missing, Problem) and missing.code == "no-such-box"
    assert BOXES.about(before, "bird").boxes == ()
    assert BOXES.retained(before, Boxes((), ())) == 0.0


def test_the_explained_box_is_numbered_and_drawn_where_it_lies_in_the_frame():
    answer = Boxes((CAT, DOG, CAT), (0.9, 0.8, 0.7), size=(400, 200))
    for name, number, (label, *corners) in ((None, 1, CAT), ("dog", 2, DOG), ("2", 2, DOG)):
        part = BOXES.explained(answer, BOXES.about(answer, name) if name else answer)
        said = {
            "number": number,
            "label": label,
            "box": corners,
            "score": answer.scores[number - 1],
        }
        assert part.document == said and part.answer.boxes == ((label, *corners),)
        assert part.name.values == {"number": number, "label": label}
    frame = Image.new("RGB", (400, 400), "white")  # the picture is in its upper half
    drawn = np.asarray(BOXES.explained(answer, BOXES.about(answer, "dog")).marked(frame))
    rows, columns = np.nonzero((drawn != 255).any(2))
    assert drawn.shape == (400, 400, 3) and rows.max() == pytest.approx(100, abs=1)
    assert columns.min() == pytest.approx(240, abs=1) and columns.max() == pytest.approx(360, abs=1)
    none = BOXES.explained(answer, BOXES.about(answer, "bird"))
    assert none.document == {} and not none.name and none.marked(frame) is frame


@pytest.mark.parametrize("classes", [1, 3])
def test_suppression_keeps_what_a_plain_loop_keeps(classes: int):
    random = np.random.default_rng(classes)
    middle = np.repeat(random.random((60, 2)), 20, 0) + random.normal(0, 0.01, (1200, 2))
    boxes = np.hstack([middle - 0.05, middle + 0.05]).astype(np.float32)
    scores, kinds = random.random(1200, np.float32), random.integers(0, classes, 1200)
    for overlap in (0.3, 0.65):
        left, kept = list(np.argsort(-scores, kind="stable")), []
        while left:
            best, *left = left
            kept.append(best)
            shared = overlaps(boxes[[best]], boxes[left])[0] * (kinds[left] == kinds[best])
            left = [one for one, share in zip(left, shared, strict=True) if share <= overlap]
        for top in (7, 1200):
            corners, sure, names = suppressed(boxes, scores, kinds, overlap, top, votes=2.0)
            assert (sure == scores[kept[:top]]).all() and (names == kinds[kept[:top]]).all()
            assert corners == pytest.approx(boxes[kept[:top]], abs=1e-6)


def test_corners_are_voted_and_crowded_classes_are_cut():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 20], [0, 0, 10, 10]], np.float32)
    scores, kinds = np.array([0.6, 0.3, 0.2, 0.1], np.float32), np.array([0, 0, 0, 1])
    corners, sure, names = suppressed(boxes, scores, kinds)
    assert corners[0] == pytest.approx([0, 0, 10, (0.6 * 10 + 0.3 * 11) / 0.9])
    assert list(names) == [0, 0, 1] and list(sure) == pytest.approx([0.6, 0.2, 0.1])
    assert [len(one) for one in suppressed(boxes[:0], scores[:0], kinds[:0])] == [0, 0, 0]
    many = CANDIDATES + 5
    places = np.arange(many, dtype=np.float32)[:, None] * 2 + [[0, 0, 1, 1]]
    assert len(suppressed(places, np.ones(many), np.zeros(many, int), top=many)[0]) == CANDIDATES


def test_only_names_classes_with_commas_or_repeated():
    truths = {"classes": ["ant", "bee, wild", "猫"]}
    for words, names in {
        ("ant,猫",): ("ant", "猫"),
        ("bee, wild", " ant "): ("bee, wild", "ant"),
        ("",): (),
    }.items():
        options = check_settings(BoxesOptions, {"only": words[0] if len(words) == 1 else words}, "")
        assert BOXES.resolved(options, truths).only == names
    with pytest.raises(UsageError) as refused:
        BOXES.resolved(BoxesOptions(only=("ants",)), truths)
    assert refused.value.code == "unknown-class" and "ant" in str(refused.value.fix)
    assert BOXES.explains("2", truths) and BOXES.explains("猫", truths)
    assert not BOXES.explains("0", truths) and not BOXES.explains("dog", truths)


def test_boxes_above_the_threshold_are_drawn_in_the_colours_of_their_classes():
    picture = Image.new("RGB", (400, 400), "white")
    found = Boxes((CAT, ("猫", *DOG[1:]), ("dog", 0.1, 0.6, 0.4, 0.9)), (0.9, 0.8, 0.2), 0.5)
    drawn = np.array(BOXES.draw(found, picture))
    edges = [tuple(drawn[120, column]) for column in (40, 239)]
    assert len({*edges, (255, 255, 255)}) == 3, "each class has a colour of its own"
    assert (drawn[245:, :] == 255).all(), "the box below the threshold is not drawn"
    truth = BOXES.true_answer(table_of([(CAT,), ()]), 0)
    assert truth.boxes == (CAT,) and np.array(BOXES.draw(truth, picture)).min() < 255
    assert (np.array(BOXES.draw(Boxes((), ()), picture)) == 255).all()


def written(path: Path, answers: dict, classes: list[str]) -> Path:
    """The file with these answers; it is recognized as ours, and another file is not."""
    known = BOXES.files[path.suffix]
    with known.write(path, Boxes, classes) as write:
        for source, answer in answers.items():
            write(source, answer)
    assert known.wrote(path, Boxes)
    other = path.with_name(f"other{path.suffix}")
    other.write_text('{"images": []}\nsource,label\n')
    assert not known.wrote(other, Boxes)
    return path


def test_boxes_are_written_as_csv_coco_and_yolo(tmp_path: Path):
    empty, problem = Boxes((), (), 0.3, (320, 240)), Problem("damaged", "is damaged")
    both = Boxes((CAT, ("=dog", *DOG[1:])), (0.91, 0.5), 0.3, (640, 480))
    answers = {"a/1.jpg": both, "b/1.png": empty, "/b/1.gif": empty, "2.jpg": problem}
    names = ["ant", "cat", "=dog"]
    with written(tmp_path / "boxes.csv", answers, names).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == ["a/1.jpg", "a/1.jpg", "b/1.png", "/b/1.gif", "2.jpg"]
    assert [rows[0][key] for key in ("label", "x0", "y0", "x1", "y1", "score", "width")] == [
        *("cat", "64.0", "48.0", "256.0", "240.0", "0.91", "640")
    ]
    assert rows[1]["label"] == "'=dog" and rows[2]["label"] == "" and rows[2]["height"] == "240"
    assert rows[4]["error"] == "is damaged"
    coco = json.loads(written(tmp_path / "boxes.json", answers, names).read_text("utf-8"))
    assert [(one["id"], one["file_name"], one["width"]) for one in coco["images"]] == [
        *((1, "a/1.jpg", 640), (2, "b/1.png", 320), (3, "/b/1.gif", 320))
    ]
    assert [one["name"] for one in coco["categories"]] == names
    mark = coco["annotations"][0]
    assert mark["bbox"] == [64.0, 48.0, 192.0, 192.0] and mark["area"] == 192 * 192
    assert (mark["id"], mark["image_id"], mark["category_id"], mark["score"]) == (1, 1, 2, 0.91)
    answers |= {"/data/new.zip#path=c/3.png": empty}
    with zipfile.ZipFile(written(tmp_path / "boxes.zip", answers, names)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert files["labels/a/1.txt"].splitlines()[0] == "1 0.25 0.3 0.3 0.4 0.91"
    assert files["labels/b/1.txt"] == files["labels/b/1-2.txt"] == ""
    assert '\n  2: "=dog"\n' in files["data.yaml"] and len(files) == 5
    assert files["labels/c/3.txt"] == ""


def test_a_wrong_answer_is_stated_by_its_missed_and_false_boxes():
    table, answers = made(3)
    assert BOXES.error_text(answers[1], table, 1) == "Missed boxes: 0, false boxes: 0, correct: 2"
    assert BOXES.error_text(answers[1], table, 0) == "Missed boxes: 0, false boxes: 1, correct: 1"
    assert BOXES.error_text(answers[2], table, 1) == "Missed boxes: 2, false boxes: 0, correct: 0"
