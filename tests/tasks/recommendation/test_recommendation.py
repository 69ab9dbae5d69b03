"""Recommendation beyond the contract: who is answered how, what is tried, ratings, odd data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sharing import keep_the_table_of_operators

import tenfold
import worlds
from tenfold.answers.ranking import RANKING, Ranking
from tenfold.answers.ratings import Ratings
from tenfold.core.columns import Columns, Problem, Ragged
from tenfold.networks import rankers
from tenfold.networks.rankers import LinearRanker
from tenfold.run.run import Run, open_run
from tenfold.tasks.recommendation import closed_form, item_models, ranking_candidates
from tenfold.tasks.recommendation.selection import Evaluator

TASK = "recommendation"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    made = worlds.walks(folder / "data", 5)
    lines = "".join(f"{ring}{n},Ring {ring} {n},{ring}\n" for ring in "abc" for n in range(8))
    (made / "items.csv").write_text("item,title,ring\n" + lines)
    return made


@pytest.fixture(scope="module")
def run(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("run") / "run"
    return tenfold.train(TASK, shop, model="ease", out=out, device="cpu")


def answers(run: Run | Path, *asked: Any, **options: Any) -> list[Any]:
    return [one.answer for one in tenfold.predict(run, list(asked), **options)]


def test_a_closed_form_beats_what_is_popular(run: Run):
    best = run.scores["scores"]["ndcg@10"]
    assert best["low"] > best["baseline"]
    assert run.scores["baselines"].keys() >= {"popularity", "constant baseline"}
    assert {"EASE", "train"} <= set(run.scores["seconds"])


def test_known_and_new_persons_with_one_history_get_one_answer(run: Run, shop: Path):
    """A known person's history is all that the data tell of her, what was tested included."""
    parts = [pd.read_csv(shop / f"{part}.csv", dtype=str) for part in ("train", "valid", "test")]
    table = pd.concat(parts)
    had = [*table[table["user"] == "003"]["item"]]
    known, new = answers(run, "user=003", had)[:2]
    assert known == new and known.known == 7
    assert not {*known.names} & {*had}


def test_what_was_had_is_left_out_unless_asked_for(run: Run):
    first = answers(run, "a1|a2")[0]
    assert not {"a1", "a2"} & {*first.names} and len(first.items) == 10
    again = answers(run, "a1|a2", again=True, top=24)[0]
    assert {"a1", "a2"} <= {*again.names}
    assert sum(score for _, score in again.items) == pytest.approx(1, abs=1e-4)


def test_titles_and_attributes(run: Run):
    by_title, by_id = answers(run, "Ring a 1|ring A 2", "a1|a2")
    assert by_title == by_id
    assert by_id.titles[by_id.names[0]].startswith("Ring")
    only = answers(run, "a1|a2", only="ring=b", top=8)[0]
    assert only.names and all(name.startswith("b") for name in only.names)
    refused = answers(run, "a1", only="ring=z")[0]
    assert isinstance(refused, Problem) and "a, b, c" in refused.fix


def test_cold_persons_and_items_fall_back_and_say_so(run: Run):
    strange, mixed, nobody, empty = answers(run, "zz|yy", "a1|zz", "user=nobody", [])
    assert strange.items == nobody.items == empty.items
    assert (strange.known, strange.given) == (0, 2) and "most popular" in strange.line
    assert (mixed.known, mixed.given) == (1, 2) and "1 of 2 items known" in mixed.line


def test_files_lines_and_lists_are_lists_of_items(run: Run, shop: Path, tmp_path: Path):
    (tmp_path / "new.txt").write_text("9 a1 a2 a3\n8 b1 b2 b3\n7 c1 c2 c3\n6 a1 a2 a3\n")
    found = list(tenfold.predict(run, tmp_path / "new.txt"))
    assert [one.source for one in found] == ["user 6", "user 7", "user 8", "user 9"]
    assert found[0].answer == found[3].answer == answers(run, "a1|a2|a3")[0]
    assert answers(run, ["a1", "a2", "a3"], "a1|a2|a3") == [found[0].answer] * 2
    (missing,) = answers(run, "gone.csv")
    assert isinstance(missing, Problem) and missing.code == "missing-file"


def test_similar_compares_items(run: Run):
    found, strange = tenfold.similar(run, ["a1", "zz"], k=4)
    assert found.neighbours[0].source == "a1" and found.neighbours[0].itself
    assert all(one.source.startswith("a") for one in found.neighbours)
    assert found.neighbours[0].to_json()["title"] == "Ring a 1"
    assert strange.problem is not None and strange.problem.code == "nothing-known"


def test_an_answer_says_ids_titles_and_what_it_rests_on(run: Run):
    (one,) = tenfold.predict(run, ["a1|zz"], top=2)
    told = one.to_json()
    assert {*told} == {"source", "answer", "items", "known", "given", "titles"}
    assert told["answer"] == "ranking" and (told["known"], told["given"]) == (1, 2)
    (first, share), (second, _) = told["items"]
    assert {first, second} == {*told["titles"]} and 0 < share < 1
    assert told["titles"][first] == f"Ring {first[0]} {first[1]}"


def test_explain_says_which_items_carried_it(run: Run, tmp_path: Path):
    told = tenfold.explain(run, ["c1|c2|a5"], out=tmp_path / "page").to_json()
    (one,) = told["inputs"][0]["explanations"]
    assert one["over"] == "items" and len(one["weights"]) == 3
    first, second, stray = one["weights"]
    assert first + second > stray and max(first, second) > 0.02
    page = (tmp_path / "page" / "index.html").read_text("utf-8")
    assert "c1" in page and "a5" in page
    known = tenfold.explain(run, ["user=003"], out=tmp_path / "known").to_json()
    assert len(known["inputs"][0]["explanations"][0]["weights"]) == 7


def test_the_report_shows_the_catalogue(run: Run):
    page = (run.folder / "report.html").read_text("utf-8")
    for word in (
        "Coverage",
        "Novelty",
        "By number of known items per user",
        "Recommended most often",
    ):
        assert word in page
    details = run.scores["details"]
    assert 0 < details["coverage"] <= 1 and details["items"] == 24
    assert sum(one["rows"] for one in details["by_known"]) == 60


def test_an_export_ranks_the_same(run: Run, tmp_path: Path):
    pytest.importorskip("onnx")
    keep_the_table_of_operators()
    parity = tenfold.export(run, out=tmp_path / "export").to_json()["parity"]
    assert parity["decisions"]["different"] == 0
    opened = open_run(tmp_path / "export")
    before, after = answers(run, "a1|a2")[0], answers(opened, "a1|a2")[0]
    assert RANKING.same_decision(before, after, 1e-4) and after.names[:5] == before.names[:5]


def test_auto_tries_all_and_keeps_the_best_on_validation(shop: Path, tmp_path: Path):
    found = tenfold.train(TASK, shop, epochs=8, batch=20, learning_rate=0.01, out=tmp_path / "run")
    tried = found.facts["fitted"]["validation_scores"]
    assert {"popularity", "item-kNN", "EASE", "SASRec", "mixed"} <= set(tried)
    kept = found.facts["fitted"]["selected"]
    assert tried[kept] == max(tried.values())
    assert set(tried) - {kept} <= set(found.scores["baselines"])
    assert set(found.facts["fitted"]["parts"]) <= {"linear", "sequence"}
    opened = open_run(tmp_path / "run", "cpu")
    assert answers(opened, "b1|b2") == answers(found, "b1|b2")


def test_more_items_than_a_closed_form_can_take_are_learnt_by_networks(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ranking_candidates, "EASE_ITEMS", 10)
    settings = {"size": "tiny", "epochs": 10, "batch": 20, "learning_rate": 0.01}
    found = tenfold.train(TASK, shop, out=tmp_path / "run", **settings)
    assert set(found.facts["fitted"]["validation_scores"]) == {"popularity", "SASRec", "Mult-VAE"}
    best = found.scores["scores"]["ndcg@10"]
    assert best["low"] > best["baseline"]


def test_titles_stand_for_ids_in_what_people_read(run: Run):
    table = pd.DataFrame({"items": [("a1", "zz")], "next": [("b2",)]}, dtype=object)
    shown = run.task.show(table, run.facts)
    assert shown["items"].iloc[0] == ("Ring a 1", "zz") and shown["next"].iloc[0] == ("Ring b 2",)
    page = (run.folder / "report.html").read_text("utf-8")
    assert "Ring a" in page and "was <bdi>b" not in page


def test_an_autoencoder_learns_sets_without_an_order(tmp_path: Path):
    random = np.random.default_rng(0)
    rows = [
        (user, f"{'abc'[user % 3]}{item}")
        for user in range(300)
        for item in random.choice(12, 7, replace=False)
    ]
    frame = pd.DataFrame(rows, columns=["user", "item"])
    settings = {
        "model": "mult-vae",
        "size": "tiny",
        "epochs": 30,
        "batch": 32,
        "learning_rate": 0.01,
    }
    found = tenfold.train(TASK, frame, out=tmp_path / "run", **settings)
    best = found.scores["scores"]["ndcg@10"]
    assert best["low"] > best["baseline"] and found.facts["fitted"]["selected"] == "Mult-VAE"


@pytest.mark.parametrize("kept", [5, 24])
def test_sums_of_weights_are_the_product_they_stand_for(kept: int):
    """In one go, a part at a time, and in an exported graph: the dense product in all three."""
    random = np.random.default_rng(0)
    part = LinearRanker(24, kept).eval()
    targets = np.argsort(random.random((24, 24)))[:, :kept]
    weights = random.normal(size=(24, kept)).astype(np.float32)
    dense = np.zeros((24, 24), np.float32)
    np.put_along_axis(dense, targets, weights, 1)
    with torch.no_grad():
        part.weights[1:] = torch.from_numpy(weights if kept < 24 else dense)
        if kept < 24:
            part.targets[1:] = torch.from_numpy(targets.astype(np.int16))
        part.fading.fill_(0.5)
    items = torch.tensor([[3, 9, 1], [7, 0, 0], [0, 0, 0]])
    expected = np.array([dense[2] + dense[8] / 2 + dense[0] / 4, dense[6], 0 * dense[0]])
    np.testing.assert_allclose(part(items).numpy(), expected, atol=1e-5)
    graph = torch.export.export(part, (items,)).module()
    np.testing.assert_allclose(graph(items).numpy(), expected, atol=1e-5)
    part.items = rankers.WHOLE + 1  # as if there were too many to hold with their zeros
    if kept < 24:
        counts = part.fading ** torch.arange(3) * (items > 0)
        found = part._spread(items, counts)[:, :24]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_more_weights_are_kept_where_few_would_rank_worse(monkeypatch: pytest.MonkeyPatch):
    """1,000 items: the weights that matter are few in one matrix, and all in the other."""
    random = np.random.default_rng(0)
    sparse = np.zeros((1000, 1000), np.float32)
    sparse[np.arange(1000), (np.arange(1000) + 1) % 1000] = 1
    rows = [[int(one)] for one in random.integers(1, 999, 400)]
    columns = Columns({
        "items": Ragged.of(rows, np.int32),
        "seen": Ragged.of(rows, np.int32),
        "next": Ragged.of([[row[0] + 1] for row in rows], np.int32),
    })  # fmt: skip
    evaluator = Evaluator(columns, 1000)

    def smallest(weights: np.ndarray) -> Any:
        tried = closed_form._Tried(weights, 1.0, {}, evaluator.linear(weights, 1.0))
        assert tried.value == 1
        return closed_form._smallest(tried, evaluator)

    kept, value = smallest(sparse)
    assert kept is not None and kept.targets.shape == (1000, 200) and value == 1
    against = -1 - random.random((1000, 1000)).astype(np.float32)  # all but one speak against it
    against[np.arange(1000), (np.arange(1000) + 1) % 1000] = -0.01
    assert smallest(against) == (None, 1)
    monkeypatch.setattr(closed_form.networks, "WHOLE", 10)
    monkeypatch.setattr(closed_form, "AT_FIRST", 50)
    kept, value = smallest(against)
    assert kept is not None, "of many items never all"
    by_kept = evaluator.linear(item_models.spread(kept), 1.0)
    assert len(by_kept) == 400 and value == round(float(by_kept.mean()), 6)


# --- ratings ---


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two kinds of people who like two kinds of items."""
    random, lines = np.random.default_rng(1), ["user,item,rating,time"]
    for user in range(120):
        for at, item in enumerate(random.choice(20, 12, replace=False)):
            liked = (user + item) % 2 == 0
            mark = np.clip(round((4.4 if liked else 1.8) + random.normal(0, 0.4), 1), 1, 5)
            lines.append(f"{user},i{item},{mark},{1_500_000_000 + at}")
    folder = tmp_path_factory.mktemp("rated")
    (folder / "data").mkdir()
    (folder / "data" / "ratings.csv").write_text("\n".join(lines))
    return tenfold.train(TASK, folder / "data", output="ratings", size="tiny", out=folder / "run")


def test_ratings_are_better_than_the_mean_and_than_biases(rated: Run):
    best = rated.scores["scores"]["rmse"]
    assert best["high"] < 0.8 < best["baseline"]
    assert rated.scores["baselines"]["biases"]["rmse"] > best["high"]


def test_the_report_of_ratings_says_what_was_beaten(rated: Run):
    page = (rated.folder / "report.html").read_text("utf-8")
    assert "Significantly better than the constant baseline" in page and 'href="#catalogue"' in page


def test_a_new_person_is_folded_in(rated: Run):
    (one,) = answers(rated, "i0=5|i2=5|i4=4.5|i1=1|i3=2|i6=?|i5=?|zz=?")
    assert isinstance(one, Ratings)
    marks = dict(one.items)
    assert marks["i6"] > 3.8 and marks["i5"] < 2.6 and "zz" not in marks
    assert (one.known, one.given) == (7, 8)
    (best,) = answers(rated, "i0=5|i2=5|i1=1", top=3)
    assert all(int(name[1:]) % 2 == 0 for name, _ in best.items) and len(best.items) == 3


def test_a_known_person_is_as_a_new_one_with_the_same_ratings(rated: Run):
    table = pd.read_csv(rated.folder.parent / "data" / "ratings.csv", dtype=str)
    own = table[table["user"] == "7"]
    told = [f"{item}={mark}" for item, mark in zip(own["item"], own["rating"], strict=True)]
    known, new = answers(rated, "user=7|i1=?", "|".join(told) + "|i1=?")
    assert known.items == new.items and known.known == 13 - ("i1" in {*own["item"]})
    assert answers(rated, "user=nobody|i1=?")[0].known == 1


def test_a_file_of_ratings_is_answered_person_by_person(rated: Run, run: Run, tmp_path: Path):
    lines = [f"9,i{item},{5 if item % 2 else 1},{at}" for at, item in enumerate(range(8))]
    (tmp_path / "new.csv").write_text("user,item,rating,time\n" + "\n".join(lines))
    (one,) = tenfold.predict(rated, tmp_path / "new.csv", top=3)
    assert one.source == "user 9" and all(int(name[1:]) % 2 for name, _ in one.answer.items)
    with_marks, bare = answers(run, "a1=5|a2=3.5", "a1|a2")
    assert with_marks == bare, "a ranking takes rated items as items"


def test_ratings_export(rated: Run, tmp_path: Path):
    pytest.importorskip("onnx")
    keep_the_table_of_operators()
    parity = tenfold.export(rated, out=tmp_path / "export").to_json()["parity"]
    assert parity["decisions"]["different"] == 0


# --- odd data ---


def test_bad_lines_are_left_out_and_the_rest_trained(tmp_path: Path):
    data = worlds.walks(tmp_path / "data", 2)
    lines = (data / "train.csv").read_text().splitlines()
    odd = ["001,,1600000000", ",a1,1600000000", "002,a1,4070908800", "003,a1,-9", "004,a1,soon"]
    (data / "train.csv").write_text("\n".join([*lines, *odd]))
    found = tenfold.train(TASK, data, model="ease", out=tmp_path / "run")
    told = [
        json.loads(line) for line in (found.folder / "quarantine.jsonl").read_text().splitlines()
    ]
    codes = sorted(one["code"] for one in told)
    assert codes == ["bad-time"] * 3 + ["no-item", "no-user"]
    assert all(one["source"].startswith("train.csv:") and one["fix"] for one in told)


def test_check_counts_lines_says_the_split_and_what_training_takes(tmp_path: Path):
    rows = [(f"u{user}", f"i{(user + step) % 9}", step) for user in range(60) for step in range(5)]
    lines = "".join(f"{user},{item},{at}\n" for user, item, at in rows)
    (tmp_path / "e.csv").write_text("user,item,time\n" + lines + "u1,,5\n")
    settings = {"model": "ease", "out": tmp_path / "c.html"}
    told = tenfold.check(TASK, tmp_path / "e.csv", **settings)
    assert "read 301 lines, left out 1, rows 180" in str(told)
    assert told["lines"] == 301 and told["split"].startswith("test: the last item of each user")
    assert told["estimate"]["minutes"] > 0 and "steps" not in told["estimate"]
    assert "e.csv:302" in (tmp_path / "c.html").read_text("utf-8")


@pytest.mark.parametrize(("model", "layer"), [("ease", "Linear"), ("sasrec", "Embedding")])
def test_a_plan_shows_what_would_be_learnt(shop: Path, model: str, layer: str):
    told = tenfold.train(TASK, shop, model=model, plan=True)
    assert any(layer in row["layer"] for row in told["layers"])
    assert told["estimate"]["minutes"] > 0
    assert ("steps of" in str(told)) == (model == "sasrec")


def test_too_many_bad_lines_stop_it(tmp_path: Path):
    data = worlds.walks(tmp_path / "data", 2)
    lines = (data / "train.csv").read_text().splitlines()
    (data / "train.csv").write_text("\n".join([*lines, *(["009,a1,soon"] * 60)]))
    with pytest.raises(tenfold.TenfoldError) as refused:
        tenfold.train(TASK, data, model="ease", out=tmp_path / "run")
    assert refused.value.code == "too-many-bad" and "train.csv:" in str(refused.value.where)


def test_many_persons_with_one_event_are_survived(tmp_path: Path):
    rows = [(user, f"i{user % 50}") for user in range(20_000)]
    rows += [(f"p{user}", f"i{(user + step) % 50}") for user in range(60) for step in range(5)]
    frame = pd.DataFrame(rows, columns=["user", "item"]).assign(time=range(len(rows)))
    found = tenfold.train(TASK, frame, model="ease", out=tmp_path / "run")
    assert found.scores["rows"]["test"] == 60
    assert isinstance(answers(found, "i1|i2")[0], Ranking)


def test_ids_stay_as_they_are(tmp_path: Path):
    rows = [(f"{user:03}", f"{(user + step) % 9:03}") for user in range(60) for step in range(5)]
    lines = "".join(f"{user},{item},{at}\n" for at, (user, item) in enumerate(rows))
    (tmp_path / "e.csv").write_text("user,item,time\n" + lines)
    found = tenfold.train(TASK, tmp_path / "e.csv", model="ease", out=tmp_path / "run")
    assert json.loads(found.facts["data"]["items"])[1] == "001"
    assert answers(found, "001")[0].known == 1 and answers(found, "1")[0].known == 0
