"""The worst answers of a report: the answer and the true label, drawn side by side."""

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tenfold.answers.boxes import BOXES, Boxes
from tenfold.answers.label import LABEL, Label
from tenfold.core.columns import Problem
from tenfold.media.image.medium import IMAGE
from tenfold.reporting.compared import drawn_pair, drawn_truths


def opened(uri: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_answer_and_truth_are_drawn_on_the_picture_of_the_row(tmp_path: Path):
    Image.new("RGB", (800, 400), "white").save(tmp_path / "a.png")
    cells = [str(tmp_path / "a.png"), str(tmp_path / "missing.png")]
    boxes = [(("cat", 0.1, 0.1, 0.4, 0.9),), ()]
    columns = {"image": cells, "boxes": boxes, "label": ["cat", "dog"]}
    table = pd.DataFrame({name: pd.Series(of, dtype=object) for name, of in columns.items()})
    media = {"image": IMAGE}
    answer = Boxes((("dog", 0.6, 0.1, 0.9, 0.9),), (0.9,), 0.5)
    said, true = map(opened, drawn_pair(BOXES, media, table, 0, answer))
    assert said.shape == true.shape == (180, 360, 3), "small enough for a page"
    left, right = (slice(None), slice(0, 180)), (slice(None), slice(190, None))
    assert (
        said[right].min() < 200 <= said[left].min() and true[left].min() < 200 <= true[right].min()
    )
    (alone,) = drawn_pair(BOXES, media, table, 0, Problem("damaged", "is damaged"))
    assert (opened(alone) == true).all(), "a row without an answer shows the truth"
    assert drawn_pair(BOXES, media, table, 1, answer) == [], "the file is gone"
    assert drawn_pair(LABEL, media, table, 0, Label("cat", {"cat": 1.0})) == []
    assert drawn_pair(BOXES, {}, table, 0, answer) == []
    truths = drawn_truths(BOXES, media, table)
    assert len(truths) == 1 and (opened(truths[0]) == true).all()
    assert drawn_truths(LABEL, media, table) == drawn_truths(BOXES, media, table[:0]) == []
