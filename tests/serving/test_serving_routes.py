"""What a server says of itself: schemas, documentation, headers, counts, the access log."""

import dataclasses
import json
import re
import time
from pathlib import Path

import processes
import pytest
import served
from served import PREDICT, one
from served import picture as picture
from served import subject as subject

from tenfold.answers.labels import Labels
from tenfold.core.results import to_json
from tenfold.media.input import Input
from tenfold.serving.pages import MEDIA

FOLDER = Path(__file__).resolve().parents[2] / "tenfold" / "serving"


@pytest.fixture(scope="module")
def server(subject):
    with served.thread([subject.run], batch=16) as found:
        yield found


# --- schemas ---


def faults(value, schema: dict, whole: dict, at: str = "$") -> list[str]:
    """Where a value is not as its JSON Schema says: the words of the language that we use."""
    if "$ref" in schema:
        return faults(value, whole["components"]["schemas"][schema["$ref"].split("/")[-1]], whole)
    if "anyOf" in schema:
        tried = [faults(value, each, whole, at) for each in schema["anyOf"]]
        return [] if [] in tried else [f"{at}: none of {tried}"]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{at}: {value!r}"]
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}
    kinds |= {"null": type(None), "boolean": bool}
    wanted = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if wanted and not any(isinstance(value, kinds[each]) for each in wanted):
        return [f"{at}: {type(value).__name__} is not {wanted}"]
    found = []
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [
            f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value
        ]
        for name, each in value.items():
            inner = known.get(name, more)
            if inner is False:
                found.append(f"{at}.{name} is not known")
            elif isinstance(inner, dict):
                found += faults(each, inner, whole, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            found += faults(each, schema["items"], whole, f"{at}[{number}]")
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r}")
    return found


def answer_schema(document: dict, path: str, status: str = "200") -> dict:
    (operation,) = document["paths"][path].values()
    return operation["responses"][status]["content"]["application/json"]["schema"]


def test_every_answer_is_as_its_schema_says(server, picture):
    document = server.get("/openapi.json").json()
    for verb in ("predict", "explain"):
        path = f"/v1/models/run/{verb}"
        reply = server.post(path, one(picture))
        assert not faults(reply.json(), answer_schema(document, path), document)
        reply = server.post(path, one(b"no picture"))
        assert not faults(reply.json(), answer_schema(document, path, "default"), document)
    path = "/v1/models/run/batch"
    found = server.form(path, [("image", picture), ("image", b"none")]).json()
    assert not faults(found, answer_schema(document, path), document)
    for path in ("/v1/models", "/v1/models/run"):
        assert not faults(server.get(path).json(), answer_schema(document, path), document)
    broken = found | {"model": 3}
    assert faults(broken, answer_schema(document, "/v1/models/run/batch"), document)


def test_requests_are_described_by_the_declared_inputs_and_wishes(server, picture):
    document = server.get("/openapi.json").json()
    body = document["paths"][PREDICT]["post"]["requestBody"]["content"]
    schema = body["application/json"]["schema"]
    assert not faults(one(picture, top=2, threshold=0.1), schema, document)
    assert faults(one(picture, top="2"), schema, document)
    assert faults({"inputs": {}}, schema, document)
    assert faults({"inputs": {"text": ""}}, schema, document)
    options = document["components"]["schemas"]["run.options"]["properties"]
    assert (options["top"]["minimum"], options["top"]["default"]) == (0, 0)
    assert options["threshold"]["maximum"] == 1.0
    form = body["multipart/form-data"]["schema"]
    assert form["required"] == ["image"] and set(form["properties"]) == {
        "image",
        "top",
        "threshold",
        "costs",
    }


def test_references_of_the_document_lead_somewhere(tmp_path):
    """With every kind of input, and a model without options."""
    kinds = "image audio video text tokens number category items".split()
    run = served.echo(tmp_path / "all", **{kind: Input(kind) for kind in kinds})
    with served.thread([run]) as server:
        text = server.get("/openapi.json").body.decode()
    document = json.loads(text)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names and names <= set(document["components"]["schemas"])
    inputs = document["components"]["schemas"]["all.inputs"]
    assert inputs["required"] == kinds and inputs["properties"]["number"]["type"] == [
        "number",
        "null",
    ]
    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids)) == 5


def test_the_document_of_a_model(server, subject):
    (listed,) = server.get("/v1/models").json()["models"]
    assert listed == server.get("/v1/models/run").json()
    scores = subject.run.scores
    assert listed["task"] == subject.name and listed["hash"] == subject.run.digest
    assert listed["inputs"] == {"image": {"medium": "image", "choices": []}}
    assert listed["answer"] == "label" and listed["classes"] == ["circle", "cross", "triangle"]
    assert listed["score"] == scores["scores"][scores["headline"]]
    assert listed["limits"]["batch"] == 16 and listed["limits"]["bytes"] > 25 << 20
    assert listed["options"]["threshold"] == {
        "type": "number",
        "default": 0.0,
        "help": "threshold: smallest probability of a listed class",
        "unit": "",
        "choices": [],
        "low": 0.0,
        "high": 1.0,
    }


def test_json_of_an_answer_is_its_own():
    """As asdict gives it, but not with its slow copy of everything inside."""
    answer = Labels(("a", "b"), {"a": 0.75, "b": 0.5})
    told = to_json(answer)
    assert told == {"answer": "labels", **dataclasses.asdict(answer)}
    told["probabilities"].clear()
    assert answer.probabilities == {"a": 0.75, "b": 0.5}


# --- pages ---


def test_pages_load_nothing_from_outside(server):
    """Every file of a browser: served under its name, and with no address but our own."""
    places = {f"/docs/{path.name}": path for path in (FOLDER / "reference").iterdir()}
    places |= {f"/page/{path.name}": path for path in (FOLDER / "page").iterdir()}
    for folder, path in (("reference", "/docs"), ("page", "/")):
        places.pop(f"/{'docs' if folder == 'reference' else 'page'}/index.html", None)
        places[path] = FOLDER / folder / "index.html"
    for path, file in places.items():
        if not file.is_file() or file.suffix not in MEDIA:
            continue
        reply = server.get(path)
        assert reply.status == 200 and reply.body == file.read_bytes(), path
        assert reply.headers["content-type"] == MEDIA[file.suffix]
        outside = re.findall(rb"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}[^\s\"']*", reply.body)
        assert not [each for each in outside if b"www.w3.org/" not in each], path
    assert server.get("/page/../routes.py").status == 404
    assert server.get("/docs/index.html").status == 404


ROUTES = ["/", "/docs", "/openapi.json", "/live", "/ready", "/metrics", "/v1/models", "/nowhere"]


@pytest.mark.parametrize("path", [*ROUTES, "/v1/models/run", PREDICT])
def test_every_answer_has_the_headers_of_a_careful_server(server, path):
    headers = server.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"] == "camera=(self), microphone=(self)"
    assert headers["cache-control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    assert "server" not in headers and "x-powered-by" not in headers


def test_head_is_get_without_a_body(server):
    for path in ("/", "/live", "/v1/models"):
        found, whole = server.ask("HEAD", path), server.get(path)
        assert found.status == 200 and not found.body
        assert found.headers["content-length"] == str(len(whole.body))


# --- counts and the log ---


def test_counts_are_those_of_the_requests(subject, picture):
    with served.thread([subject.run]) as server:
        base = server.counts()
        for _ in range(7):
            server.post(PREDICT, one(picture))
        server.post(PREDICT, one(b""))
        server.post(PREDICT, b"{")
        server.get("/v1/models/../../etc/passwd")
        server.form("/v1/models/run/batch", [("image", picture)] * 3)
        found = server.counts()
    more = {name: value - base.get(name, 0) for name, value in found.items()}
    labels = 'method="{}",model="{}",route="{}",status="{}"'

    def requests(*each) -> float:
        return more[f"tenfold_requests_total{{{labels.format(*each)}}}"]

    assert requests("POST", "run", "/v1/models/{id}/predict", 200) == 7
    assert requests("POST", "run", "/v1/models/{id}/predict", 422) == 1
    assert requests("POST", "run", "/v1/models/{id}/predict", 400) == 1
    assert requests("POST", "run", "/v1/models/{id}/batch", 200) == 1
    assert requests("GET", "", "unknown", 404) == 1
    assert more['tenfold_rows_total{model="run"}'] == 11
    route = '{model="run",route="/v1/models/{id}/predict"}'
    assert more[f"tenfold_request_seconds_count{route}"] == 8
    assert more['tenfold_batch_rows_sum{model="run"}'] == 11
    assert found['tenfold_queue_rows{model="run"}'] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_the_log_has_a_line_a_request_and_none_of_its_content(subject, picture, tmp_path):
    secret = "s3cret-word"
    said = tmp_path / "said.txt"
    with served.process([str(subject.run.folder)], said, token="t0ken-of-mine") as server:
        begun = len(said.read_text("utf-8").splitlines())
        server.post(f"{PREDICT}?note={secret}", one(picture), user_agent=secret)
        server.post(PREDICT, {"inputs": {secret: secret}})
        server.get(f"/v1/models/{secret}")
        server.ask("GET", "/v1/models", authorization=secret)
        processes.wait_for(lambda: len(said.read_text("utf-8").splitlines()) >= begun + 4)
        served.ended(server)
    text = said.read_text("utf-8")
    assert secret not in text and "t0ken-of-mine" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    good, bad, unknown, foreign = (each for each in lines if "/ready" not in each["route"])
    assert set(good) == {
        *("time", "request", "method", "route", "model", "status", "bytes_in", "bytes_out"),
        *("milliseconds", "queue_milliseconds", "batch"),
    }
    assert good["route"] == "/v1/models/{id}/predict" and good["model"] == "run"
    assert good["status"] == 200 and good["batch"] == 1 and good["bytes_in"] > len(picture)
    assert 0 < good["queue_milliseconds"] < good["milliseconds"]
    assert time.strftime("%Y-%m-%dT", time.gmtime()) in good["time"]
    assert (bad["status"], bad["code"]) == (422, "unknown-input")
    assert (unknown["status"], unknown["route"], unknown["model"]) == (404, "unknown", "")
    assert (foreign["status"], foreign["code"]) == (401, "no-token")
