"""A served run gives the same answers as in Python, for every kind of input and of run."""

import json
import re

import numpy as np
import pytest
import served
from served import BATCH, PREDICT, TASK, in_process, one
from served import pictures as pictures
from served import server as server
from served import subject as subject

import tenfold
from tenfold.core.columns import Columns
from tenfold.data.inputs import tables
from tenfold.media.input import Input
from tenfold.run import explain

# --- the same answers ---


def test_http_answers_as_python_does(server, subject, pictures):
    """One at a time as JSON and as a form, and all in a batch."""
    want = in_process(subject.run, pictures)
    contents = [path.read_bytes() for path in pictures]
    alone = [server.post(PREDICT, one(each)).json() for each in contents[:6]]
    forms = [server.form(PREDICT, [("image", each)]).json() for each in contents[:6]]
    many = [{"image": served.coded(each)} for each in contents]
    batch = server.post(BATCH, {"inputs": many}).json()
    near = pytest.approx
    for found in (alone, forms):
        assert [each["predictions"][0]["label"] for each in found] == [w["label"] for w in want[:6]]
        for each, wanted in zip(found, want, strict=False):
            assert each["predictions"][0]["probabilities"] == near(
                wanted["probabilities"], abs=2e-6
            )
    assert [each["predictions"][0]["label"] for each in batch["results"]] == [
        each["label"] for each in want
    ]
    for each, wanted in zip(batch["results"], want, strict=True):
        assert each["predictions"][0]["probabilities"] == near(wanted["probabilities"], abs=2e-6)
    answer = alone[0]
    assert set(answer) == {"model", "hash", "request", "predictions", "milliseconds"}
    assert answer["model"] == "run" and answer["hash"] == subject.run.digest
    assert set(batch) == {"model", "hash", "request", "results", "milliseconds"}


def test_one_bad_picture_of_a_batch_is_told_in_its_place(server, pictures):
    good = pictures[0].read_bytes()
    reply = server.form(BATCH, [("image", good), ("image", good[:90]), ("image", good)])
    first, second, third = reply.json()["results"]
    assert first == third and first["predictions"]
    assert second == {"error": {"code": "damaged"}}
    assert server.form(PREDICT, [("image", good[:90])]).code == "damaged"


def test_wishes_change_the_answer(server, pictures):
    good = pictures[0].read_bytes()
    found = server.post(PREDICT, one(good, top=1)).json()["predictions"][0]
    assert list(found["probabilities"]) == [found["label"]]
    same = server.form(PREDICT, [("image", good), ("top", b"1")]).json()["predictions"][0]
    assert same == found
    assert (
        len(server.post(PREDICT, one(good, top=2)).json()["predictions"][0]["probabilities"]) == 2
    )


def test_explain_covers_as_python_does(server, subject, pictures):
    path = pictures[0]
    answer = server.form("/v1/models/run/explain", [("image", path.read_bytes())]).json()
    run = subject.run
    table = next(tables(run.task.inputs(run.facts), str(path)))
    columns = Columns(run.task.encode(table, run.facts).columns)
    (want,) = explain.occlusion(run.answer_kind, run.answer, columns)
    (found,) = answer["explanations"]
    assert (found["over"], found["method"]) == ("image", "occlusion")
    assert np.allclose(found["weights"], want.weights, atol=1e-3)
    assert answer["predictions"][0]["label"] == path.parent.name
    bad = server.form("/v1/models/run/explain", [("image", b"GIF89a")])
    assert (bad.status, bad.code) == (422, "damaged")


# --- every kind of input, every kind of run ---

ALL = {
    "image": (Input("image"), b"\x89PNG", repr(b"\x89PNG")),
    "audio": (Input("audio"), b"RIFF", repr(b"RIFF")),
    "video": (Input("video"), b"\0\0", repr(b"\0\0")),
    "text": (Input("text"), "两 words", repr("两 words")),
    "tokens": (Input("tokens"), ["a", "b"], repr(["a", "b"])),
    "age": (Input("number"), 3, "3.0"),
    "town": (Input("category", ("Ulm", "Köln")), "Köln", repr("Köln")),
    "basket": (Input("items"), ["i1"], repr(["i1"])),
}


def test_every_kind_of_input_arrives_as_it_is(tmp_path):
    run = served.echo(tmp_path / "echo", **{name: each[0] for name, each in ALL.items()})
    want = {name: each[2] for name, each in ALL.items()}
    told = {
        name: served.coded(value) if isinstance(value, bytes) else value
        for name, (_, value, _) in ALL.items()
    }
    with served.thread([run]) as server:
        path = "/v1/models/echo/predict"
        found = server.post(path, {"inputs": told}).json()["predictions"][0]
        assert json.loads(found["label"]) == want
        parts = [
            (name, value if isinstance(value, bytes) else _field(value))
            for name, (_, value, _) in ALL.items()
        ]
        found = server.form(path, parts).json()["predictions"][0]
        assert json.loads(found["label"]) == want
        found = server.post(path, {"inputs": told | {"age": None}}).json()["predictions"][0]
        assert json.loads(found["label"])["age"] == "nan"
        listed = server.get("/v1/models/echo").json()["inputs"]
        assert listed["town"] == {"medium": "category", "choices": ["Ulm", "Köln"]}


def _field(value) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()


WRONG = [
    ({"age": "3"}, "bad-input"),
    ({"age": True}, "bad-input"),
    ({"age": 10**400}, "bad-input"),
    ({"text": 3}, "bad-input"),
    ({"text": "\ud800"}, "bad-input"),
    ({"tokens": "a b"}, "bad-input"),
    ({"tokens": ["a", 1]}, "bad-input"),
    ({"image": "no base64"}, "bad-base64"),
    ({"image": "/etc/passwd"}, "bad-base64"),
    ({"image": "é"}, "bad-base64"),
    ({"image": ["aGk="]}, "bad-input"),
    ({"other": 1}, "unknown-input"),
]


def test_a_value_of_the_wrong_type_is_told(tmp_path):
    run = served.echo(tmp_path / "echo", **{name: each[0] for name, each in ALL.items()})
    good = {"image": "aGk=", "audio": "", "video": "", "text": "", "tokens": [], "age": 1}
    good |= {"town": "Ulm", "basket": []}
    with served.thread([run]) as server:
        path = "/v1/models/echo/predict"
        assert server.post(path, {"inputs": good}).status == 200
        for wrong, code in WRONG:
            reply = server.post(path, {"inputs": good | wrong})
            assert (reply.status, reply.code) == (422, code), wrong
        del good["age"]
        assert server.post(path, {"inputs": good}).code == "missing-input"


def test_an_input_may_have_several_answers_or_none(tmp_path):
    with served.thread([served.echo(tmp_path / "echo", text=Input("text"))]) as server:
        texts = ["one", "several", "nothing"]
        reply = server.post("/v1/models/echo/batch", {"inputs": [{"text": one} for one in texts]})
        plain, several, nothing = (each["predictions"] for each in reply.json()["results"])
        assert [each.get("source") for each in plain] == [None]
        assert [each["source"] for each in several] == ["#t=0,1", "#t=1,2"]
        assert nothing == []


def test_several_runs_each_under_its_own_id(subject, tmp_path, pictures):
    text = Input("text")
    names = ["Fotos & Töne", "图片", "图片 2", "x" * 90, "run"]
    runs = [subject.run, *(served.echo(tmp_path / name, text=text) for name in names)]
    with served.thread(runs) as server:
        listed = [each["id"] for each in server.get("/v1/models").json()["models"]]
        assert listed[:2] == ["run", "fotos-t-ne"] and listed[2] == "run-00000000"
        assert listed[3] == "2" and listed[4] == "x" * 64 and listed[5] == "run-2"
        assert len(set(listed)) == 6
        assert all(re.fullmatch("[a-z0-9-]{1,64}", each) for each in listed)
        for name in listed[1:]:
            found = server.post(f"/v1/models/{name}/predict", {"inputs": {"text": "说"}}).json()
            assert found["model"] == name and "说" in found["predictions"][0]["label"]
        answer = server.post(PREDICT, one(pictures[0].read_bytes())).json()
        assert answer["predictions"][0]["label"] in ("circle", "cross", "triangle")


def test_chinese_class_names_and_folder(subject, tmp_path):
    """A run with Chinese classes in a Chinese folder, as trained."""
    names = {"circle": "圆形", "cross": "十字", "triangle": "三角形"}
    data = tmp_path / "数据"
    for path in sorted(subject.data.rglob("*.png")):
        place = data / path.parent.parent.name / names[path.parent.name] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    run = tenfold.train(TASK, data, out=tmp_path / "运行", size="tiny", epochs=2, device="cpu")
    with served.thread([run]) as server:
        name = f"run-{run.digest[:8]}"
        model = server.get(f"/v1/models/{name}").json()
        assert model["classes"] == sorted(names.values())
        content = (data / "test" / "圆形" / "000.png").read_bytes()
        found = server.post(f"/v1/models/{name}/predict", one(content)).json()["predictions"][0]
        (want,) = tenfold.predict(run, str(data / "test" / "圆形" / "000.png"))
        assert (found["label"], found["probabilities"]) == (
            want.answer.label,
            pytest.approx(want.answer.probabilities, abs=2e-6),
        )
