"""Histories of people: served with a flag and a token only, left out of exports with a flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import served
from sharing import keep_the_table_of_operators

import tenfold
import worlds
from tenfold.core.columns import Problem
from tenfold.run.run import Run, open_run

TASK = "recommendation"
CODE = "people-withheld"
PREDICT, BATCH, EXPLAIN = (f"/v1/models/run/{verb}" for verb in ("predict", "batch", "explain"))
KNOWN, UNKNOWN = "user=003", "user=nobody"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("people")
    data = worlds.walks(folder / "data", 5)
    return tenfold.train(TASK, data, model="ease", out=folder / "run", device="cpu")


def about(*items: str, **options: Any) -> dict[str, Any]:
    return {"inputs": {"items": [*items]}, "options": options}


def refusal(reply: served.Reply) -> tuple[int, str, bytes, dict[str, str]]:
    """All of a refusal but the id of its request."""
    own = reply.json()["error"]["request"].encode()
    headers = {name: value for name, value in reply.headers.items() if name != "x-request-id"}
    headers.pop("date", None)
    return reply.status, reply.code, reply.body.replace(own, b""), headers


def test_a_served_run_answers_about_nobody(run: Run):
    """The refusal is one for whom the run knows and for whom it does not know."""
    with served.thread([run]) as server:
        for path in (PREDICT, EXPLAIN):
            for also in ([], ["a1"], ["a1", "user=004"]):
                found = [refusal(server.post(path, about(*also, who))) for who in (KNOWN, UNKNOWN)]
                assert found[0] == found[1] and found[0][:2] == (422, CODE)
            form = [("items", f'["{KNOWN}"]'.encode()), ("again", b"true"), ("top", b"100")]
            assert server.form(path, form).code == CODE
        things = [{"items": [one]} for one in (KNOWN, " user=003 ", "a1", UNKNOWN)]
        first, spaced, items, last = server.post(BATCH, {"inputs": things}).json()["results"]
        assert first == spaced == last == {"error": {"code": CODE}}
        assert items["predictions"][0]["known"] == 1
        for path in ("/openapi.json", "/v1/models", "/", "/page/media/items.js"):
            assert b"user=" not in server.get(path).body, path


def test_the_command_serves_people_with_both_flags(run: Run, tmp_path: Path):
    words = [str(run.folder), "--known-people"]
    with served.process(words, tmp_path / "said.txt", "t0ken") as server:
        assert server.post(PREDICT, about(KNOWN), authorization="").status == 401
        known, unknown = (server.post(PREDICT, about(who)).json() for who in (KNOWN, UNKNOWN))
        assert known["predictions"][0]["known"] == 7 and unknown["predictions"][0]["known"] == 0
        (want,) = tenfold.predict(run, [KNOWN])
        assert [name for name, _ in known["predictions"][0]["items"]] == [*want.answer.names]


def test_an_export_without_people_holds_none(run: Run, tmp_path: Path):
    pytest.importorskip("onnx")
    keep_the_table_of_operators()
    whole, bare = tmp_path / "whole", tmp_path / "bare"
    said = [str(tenfold.export(run, out=out, without_people=out is bare)) for out in (whole, bare)]
    assert "--without-people" in said[0] and "--without-people" not in said[1]
    texts = [(out / "facts.json").read_text("utf-8") for out in (whole, bare)]
    for trace in ('\\"003\\"', "histories", "memory"):
        assert trace in texts[0] and trace not in texts[1], trace
    assert (whole / "net.onnx").read_bytes() == (bare / "net.onnx").read_bytes()
    asked = [KNOWN, UNKNOWN, "a1|a2"]
    known, unknown, items = (one.answer for one in tenfold.predict(open_run(bare), asked))
    assert isinstance(known, Problem) and known == unknown and known.code == CODE
    again = [one.answer for one in tenfold.predict(open_run(whole), asked)]
    assert again[0].known == 7 and again[2] == items


def test_ratings_of_people_are_withheld_alike(tmp_path: Path):
    data = worlds.walks(tmp_path / "data", 5)
    lines = (data / "train.csv").read_text().splitlines()
    rated = [f"{line},{1 + number % 5}" for number, line in enumerate(lines[1:])]
    (tmp_path / "rated.csv").write_text("\n".join(["user,item,time,rating", *rated]))
    out = tmp_path / "run"
    run = tenfold.train(TASK, tmp_path / "rated.csv", output="ratings", size="tiny", out=out)
    (open_one,) = tenfold.predict(run, [f"{KNOWN}|a1=?"])
    assert open_one.answer.known > 1
    with served.thread([run]) as server:
        found = [refusal(server.post(PREDICT, about(who, "a1=?"))) for who in (KNOWN, UNKNOWN)]
        assert found[0] == found[1] and found[0][:2] == (422, CODE)
