"""A row of a table over HTTP: a value for each column, many rows as JSON, and a CSV in."""

import json

import pytest
import served

from tenfold.answers.label import LABEL
from tenfold.media.input import Input
from tenfold.media.tables.schema import TableColumn, TableSchema
from tenfold.run.run import Run

PATH, BATCH = "/v1/models/pots/predict", "/v1/models/pots/batch"
SCHEMA = TableSchema(
    (
        TableColumn("length", "number", (), "cm"),
        TableColumn("clay", "category", ("?",)),
        TableColumn("day", "date"),
        TableColumn("note", "text"),
    ),
    decimal=",",
)
FIELDS = {
    "length": Input("number"),
    "clay": Input("category", ("red", "grey")),
    "day": Input("date"),
    "note": Input("text"),
}
ROW = {"length": 30, "clay": "red", "day": "2024-03-31", "note": "a b"}
WANT = (30.0, "red", 1_711_843_200.0, "a b")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    task = served.Echo((("row", Input("row", fields=FIELDS)),))
    facts = {"reading": {"found": {"schema": SCHEMA.to_json()}}}
    run = Run(
        tmp_path_factory.mktemp("all") / "pots", task, facts, lambda columns: {}, digest="0" * 64
    )
    with served.thread([run], batch=4, json=1 << 16) as found:
        yield found


def values(prediction) -> str:
    """What the row of an echoed answer holds."""
    return json.loads(prediction["label"])["row"].partition("values=")[2].partition(", written=")[0]


def test_a_row_is_given_by_its_columns(server):
    for inputs, want in (
        (ROW, WANT),
        (dict(reversed(ROW.items())), WANT),
        (ROW | {"clay": "?"}, (30.0, None, *WANT[2:])),
        (ROW | {"clay": "blue", "day": "2024-03-31T00:00:00Z"}, (30.0, "blue", *WANT[2:])),
    ):
        (found,) = server.post(PATH, {"inputs": inputs}).json()["predictions"]
        assert values(found) == repr(want)
    nothing = dict.fromkeys(ROW)
    (found,) = server.post(PATH, {"inputs": nothing}).json()["predictions"]
    assert values(found) == "(nan, None, nan, '')"
    form = [(name, str(value).encode()) for name, value in ROW.items()]
    assert values(server.form(PATH, form).json()["predictions"][0]) == repr(WANT)
    empty = [(name, b"") for name in ROW]
    assert values(server.form(PATH, empty).json()["predictions"][0]) == "(nan, None, nan, '')"
    many = server.post(BATCH, {"inputs": [ROW, nothing]}).json()["results"]
    assert [values(one["predictions"][0]) for one in many] == [repr(WANT), "(nan, None, nan, '')"]


def test_the_columns_are_what_the_model_says_it_takes(server):
    document = server.get("/openapi.json").json()
    schema = document["components"]["schemas"]["pots.inputs"]
    assert schema["required"] == list(ROW) and schema["properties"]["clay"]["examples"] == [
        "red",
        "grey",
    ]
    assert {"type": "null"} in schema["properties"]["note"]["anyOf"]
    body = document["paths"][BATCH]["post"]["requestBody"]["content"]
    assert "text/csv" in body and "text/csv" not in str(document["paths"][PATH])
    told = server.get("/v1/models/pots").json()
    assert told["table"] == "row" and list(told["inputs"]) == list(ROW)
    assert told["inputs"]["clay"] == {
        "medium": "category",
        "choices": ["red", "grey"],
        "optional": True,
    }


WRONG = [
    ({"length": "30"}, 422, "bad-input"),
    ({"clay": 3}, 422, "bad-input"),
    ({"day": "31.3.2024"}, 422, "bad-input"),
    ({"other": 1}, 422, "unknown-input"),
    ({"row": {}}, 422, "unknown-input"),
]


def test_a_wrong_value_is_refused(server):
    for wrong, status, code in WRONG:
        reply = server.post(PATH, {"inputs": ROW | wrong})
        assert (reply.status, reply.code) == (status, code), wrong
    reply = server.post(PATH, {"inputs": {"length": 3}})
    assert (reply.status, reply.code) == (422, "missing-input")


def test_an_option_with_a_file_of_this_machine_is_neither_offered_nor_accepted(server, tmp_path):
    run = served.echo(tmp_path / "echo", age=Input("number"))
    assert run.checked_options({"with_": "orders.csv"}).with_ == "orders.csv"
    told = server.get("/v1/models/pots").json()["options"]
    assert "top" in told and "with_" not in told
    document = server.get("/openapi.json").json()["components"]["schemas"]
    assert "top" in str(document) and "with_" not in str(document)
    parts = [(name, str(value).encode()) for name, value in ROW.items()]
    for name in ("with_", "with"):
        reply = server.post(PATH, {"inputs": ROW, "options": {name: "/etc/hosts"}})
        assert (reply.status, reply.code) == (422, "unknown-setting")
        reply = server.form(PATH, [*parts, (name, b"/etc/hosts")])
        assert (reply.status, reply.code) == (422, "unknown-input")
    assert server.post(PATH, {"inputs": ROW, "options": {"top": 1}}).status == 200


CSV = "note;more;day;clay;length\na b;x;2024-03-31;red;30,0 cm\n;;;;\n"
BODIES = [
    (CSV, 200, ""),
    (CSV + "ragged;1\n", 200, ""),
    (CSV.replace("clay", "mud"), 422, "missing-column"),
    (CSV.splitlines()[0] + "\n", 422, "missing-input"),
    (CSV + "a;;;red;1\n" * 3, 413, "batch-too-large"),
    ("", 422, "empty-file"),
    (b"PAR1" + bytes(40), 422, "bad-manifest"),
    (b"PK\x03\x04" + bytes(40), 422, "bad-manifest"),
    (CSV + "a;;;red;1\n" * 10_000, 413, "body-too-large"),
]


@pytest.mark.parametrize("place", range(len(BODIES)))
def test_a_table_is_answered_row_by_row(server, place):
    content, status, code = BODIES[place]
    body = content.encode() if isinstance(content, str) else content
    for reply in (
        server.ask("POST", BATCH, body, content_type="text/csv; charset=utf-8"),
        server.form(BATCH, [("row", body)]),
    ):
        assert reply.status == status
        if code:
            assert reply.code == code
            continue
        first, _, *rest = reply.json()["results"]
        assert [one["error"]["code"] for one in rest] == ["ragged"] * len(rest)
        assert values(first["predictions"][0]) == repr(WANT)
    assert server.ask("POST", PATH, body, content_type="text/csv").status == 415


def test_a_run_of_one_value_takes_no_table(tmp_path):
    run = served.echo(tmp_path / "echo", age=Input("number"))
    assert LABEL.name == "label"
    with served.thread([run]) as server:
        path = "/v1/models/echo/batch"
        assert server.ask("POST", path, b"age\n3\n", content_type="text/csv").status == 415
        assert server.form(path, [("row", b"age\n3\n")]).code == "unknown-input"
        assert server.get("/v1/models/echo").json()["table"] == ""
