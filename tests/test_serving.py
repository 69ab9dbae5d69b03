"""A served run: the same answers as in Python, typed routes, many requests in one call."""

import dataclasses
import http.client
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import processes
import pytest
import served
from subjects import trained

import tenfold
from tenfold import explaining
from tenfold.app import Input
from tenfold.data import Columns

KIND = "image-classification"
PREDICT = "/v1/models/run/predict"
BATCH = "/v1/models/run/batch"


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return trained(KIND, tmp_path_factory)


@pytest.fixture(scope="module")
def pictures(subject) -> list[Path]:
    return sorted((subject.data / "test").rglob("*.png"))


@pytest.fixture(scope="module")
def server(subject, tmp_path_factory):
    said = tmp_path_factory.mktemp("said") / "said.txt"
    with served.process([str(subject.run.folder)], said) as found:
        yield found


def one(content: bytes, **wishes) -> dict:
    return {"inputs": {"image": served.coded(content)}, "wishes": wishes}


def in_process(run, paths) -> list[dict]:
    """Predictions as JSON, without the source."""
    found = [answer.to_json() for answer in tenfold.predict(run, list(map(str, paths)))]
    return [{name: value for name, value in each.items() if name != "source"} for each in found]


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
    table = next(tenfold.sources.tables(run.app.inputs(run.facts), str(path)))
    columns = Columns(run.app.encode(table, run.facts).columns)
    (want,) = explaining.occlusion(run.answer, columns)
    (found,) = answer["explanations"]
    assert (found["over"], found["method"]) == ("image", "occlusion")
    assert np.allclose(found["weights"], want.weights, atol=1e-3)
    assert answer["predictions"][0]["label"] == path.parent.name
    bad = server.form("/v1/models/run/explain", [("image", b"GIF89a")])
    assert (bad.status, bad.code) == (422, "damaged")


# --- many at a time ---


def test_waiting_requests_go_in_together_and_keep_their_answers(server, subject, pictures):
    want = [each["label"] for each in in_process(subject.run, pictures)]
    before = server.counts()
    bodies = [json.dumps(one(path.read_bytes())).encode() for path in pictures]

    def client(number: int) -> list[str]:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        found = []
        for turn in range(10):
            body = bodies[(number + turn) % len(bodies)]
            line.request("POST", PREDICT, body, {"content-type": "application/json"})
            found.append(json.loads(line.getresponse().read())["predictions"][0]["label"])
        line.close()
        return found

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(client, range(16)))
    assert found == [[want[(n + turn) % len(want)] for turn in range(10)] for n in range(16)]
    after = server.counts()
    rows, batches = (
        after[f'tenfold_{name}_total{{model="run"}}']
        - before[f'tenfold_{name}_total{{model="run"}}']
        for name in ("rows", "batches")
    )
    assert rows == 160 and batches < 120, "nothing was asked together"


def slowed(run, seconds: float = 0.3):
    """The same run with a slow network, and the sizes of the batches it was asked."""
    sizes = []

    def infer(columns: Columns):
        sizes.append(columns.rows)
        time.sleep(seconds)
        return run.infer(columns)

    return dataclasses.replace(run, infer=infer), sizes


def later(work, *args) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def test_only_equal_wishes_go_in_together(subject, pictures):
    run, sizes = slowed(subject.run)
    bodies = [one(pictures[0].read_bytes(), top=top) for top in (0, 1, 2, 1, 2, 1)]
    with served.thread([run]) as server, ThreadPoolExecutor(6) as pool:
        before = len(sizes)
        first = pool.submit(server.post, PREDICT, bodies[0])
        time.sleep(0.1)
        rest = [pool.submit(server.post, PREDICT, body) for body in bodies[1:]]
        found = [each.result().json()["predictions"][0] for each in (first, *rest)]
    assert [len(each["probabilities"]) for each in found] == [3, 1, 2, 1, 2, 1]
    assert sorted(sizes[before:]) == [1, 2, 3]


def test_a_full_queue_refuses_at_once(subject, pictures):
    run, _ = slowed(subject.run, 0.5)
    body = one(pictures[0].read_bytes())
    with served.thread([run], queue=2) as server, ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        found = list(pool.map(lambda _: server.post(PREDICT, body), range(8)))
        assert time.monotonic() - began < 3
        good = [each for each in found if each.status == 200]
        full = [each for each in found if each.status == 503]
        assert len(good) + len(full) == 8 and 2 <= len(good) < 8
        assert all(each.code == "busy" and each.headers["retry-after"] == "1" for each in full)
        # More things than may wait: taken by an empty queue, as it could never be taken otherwise.
        many = {"inputs": [body["inputs"]] * 5}
        assert server.post(BATCH, many).status == 200
        assert server.post(PREDICT, body).status == 200


def test_nobody_waits_longer_than_allowed(subject, pictures):
    run, sizes = slowed(subject.run, 0.8)
    body = one(pictures[0].read_bytes())
    with served.thread([run], timeout=1.0) as server, ThreadPoolExecutor(3) as pool:
        before = len(sizes)
        found = []
        for top in (0, 1, 2):  # wishes that differ, so that one waits for the other
            found.append(pool.submit(server.post, PREDICT, one(pictures[0].read_bytes(), top=top)))
            time.sleep(0.05)
        statuses = [each.result().status for each in found]
        assert statuses == [200, 504, 504]
        (batcher,) = server.server.service.batchers
        processes.wait_for(lambda: not batcher.held)
        assert server.post(PREDICT, body).status == 200
        assert len(sizes) - before <= 3, "what nobody waited for was asked all the same"


def test_work_of_those_who_left_is_dropped(subject, pictures):
    run, sizes = slowed(subject.run, 0.5)
    body = json.dumps(one(pictures[0].read_bytes())).encode()
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with served.thread([run]) as server:
        before = len(sizes)
        first = later(server.post, PREDICT, body)
        time.sleep(0.15)
        lines = [server.line() for _ in range(4)]
        for line in lines:
            line.sendall(request)
        time.sleep(0.1)
        for line in lines:
            line.close()
        first.join()
        assert server.post(PREDICT, body).status == 200
        assert sum(sizes[before:]) == 2
        route = 'model="run",route="/v1/models/{id}/predict"'
        left = f'tenfold_requests_total{{method="POST",{route},status="499"}}'
        processes.wait_for(lambda: server.counts().get(left) == 4)


# --- what goes wrong inside ---


def test_a_bad_row_harms_nobody(subject, pictures):
    poison = pictures[0].read_bytes()

    def infer(columns: Columns):
        image = columns.take(np.arange(columns.rows))["image"]
        if (image == poisoned).all((1, 2, 3)).any():
            raise ValueError("poison")
        return subject.run.infer(columns)

    run = subject.run
    table = next(tenfold.sources.tables(run.app.inputs(run.facts), str(pictures[0])))
    poisoned = run.app.encode(table, run.facts).columns["image"][0]
    contents = [pictures[1].read_bytes(), poison, pictures[2].read_bytes()]
    with served.thread([dataclasses.replace(run, infer=infer)]) as server:
        many = {"inputs": [{"image": served.coded(each)} for each in contents]}
        first, second, third = server.post(BATCH, many).json()["results"]
        assert first["predictions"] and third["predictions"]
        assert second == {"error": {"code": "internal"}}
        reply = server.post(PREDICT, one(poison))
        assert (reply.status, reply.code) == (500, "internal")
        assert server.post(PREDICT, one(contents[0])).status == 200


def test_an_answer_that_is_no_number_is_no_answer(subject, pictures):
    def infer(columns: Columns):
        found = subject.run.infer(columns)
        return {name: np.full_like(value, np.nan) for name, value in found.items()}

    with served.thread([dataclasses.replace(subject.run, infer=infer)], ready=False) as server:
        processes.wait_for(lambda: server.get("/live").status == 200)
        reply = server.post(PREDICT, one(pictures[0].read_bytes()))
        assert (reply.status, reply.code) == (500, "internal")
        assert server.get("/ready").status == 503, "a model that cannot answer is never ready"


def test_ready_only_after_the_first_prediction(subject, pictures):
    hold = threading.Event()

    def infer(columns: Columns):
        hold.wait(20)
        return subject.run.infer(columns)

    with served.thread([dataclasses.replace(subject.run, infer=infer)], ready=False) as server:
        processes.wait_for(lambda: server.get("/live").status == 200)
        reply = server.get("/ready")
        assert (reply.status, reply.code) == (503, "not-ready")
        hold.set()
        processes.wait_for(lambda: server.get("/ready").status == 200)
        assert server.post(PREDICT, one(pictures[0].read_bytes())).status == 200


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
        assert listed["town"] == {"kind": "category", "choices": ["Ulm", "Köln"]}


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
    run = tenfold.train(KIND, data, out=tmp_path / "运行", size="tiny", epochs=2, device="cpu")
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
