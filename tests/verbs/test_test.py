"""`test` on new labelled data reads them as the training data were read."""

import pandas as pd
from pictures_made import folder

import tenfold

SETTINGS = {"size": "tiny", "epochs": 1, "batch": 8, "device": "cpu"}


def test_the_class_mapping_of_the_run_is_applied_to_new_data(tmp_path):
    data = folder(tmp_path / "photos", 10, classes=("cat", "kitten", "dog", "unsure"))
    names = {"kitten": "cat", "unsure": None}
    run = tmp_path / "run"
    tenfold.train("image-classification", data, out=run, classes=names, **SETTINGS)
    new = folder(tmp_path / "new", 3, classes=("kitten", "dog", "unsure"), side=18)
    found = tenfold.test(run, new)
    assert found["rows"]["test"] == 6
    assert {one["class"] for one in found["details"]["classes"]} == {"cat", "dog"}
    opened = tenfold.open_run(run)
    assert opened.facts["reading"] == {"classes": names}
    table = pd.DataFrame({"file": [str(new / "kitten" / "0.png")], "label": ["kitten"]})
    assert tenfold.test(run, table)["rows"]["test"] == 1
