"""What runs remember of people is out of reach of requests, unless a server is told otherwise."""

import dataclasses

import pytest
import served

from tenfold.core.errors import UsageError
from tenfold.media.input import Input
from tenfold.run.run import Run
from tenfold.serving.settings import Settings

PATHS = [f"/v1/models/echo/{verb}" for verb in ("predict", "batch")]
KNOWN = {"anna": "the secret of anna", "bert": "the secret of bert"}


@pytest.fixture
def run(tmp_path) -> Run:
    """A run of a made-up task that remembers one person, and an inner run that remembers one."""
    anna, bert = ({name: KNOWN[name]} for name in KNOWN)
    outer, inner = (served.echo(tmp_path / name, text=Input("text")) for name in ("echo", "inner"))
    inner = dataclasses.replace(inner, facts={"memory": bert})
    return dataclasses.replace(outer, facts={"memory": anna}, inner={"people": inner})


def told(server: served.Served, path: str, name: str) -> bytes:
    """The predictions or results for one text, without the request's own id and time."""
    thing = {"text": name}
    reply = server.post(path, {"inputs": [thing] if path.endswith("batch") else thing})
    assert reply.status == 200
    return str({**reply.json(), "request": "", "milliseconds": 0}).encode()


@pytest.mark.parametrize("path", PATHS)
def test_nothing_remembered_is_told(run: Run, path: str):
    """A person whom the run knows is answered as one whom it does not know."""
    with served.thread([run]) as server:
        stranger = told(server, path, "nobody")
        assert b"nobody" in stranger
        for name in KNOWN:
            assert told(server, path, name) == stranger.replace(b"nobody", name.encode())


def test_a_token_alone_opens_nothing(run: Run):
    with served.thread([run], token="right") as server:
        assert all(b"secret" not in told(server, PATHS[0], name) for name in KNOWN)


def test_known_people_are_answered_about_once_it_is_asked_for_with_a_token(run: Run):
    with served.thread([run], token="right", known_people=True) as server:
        for name, secret in KNOWN.items():
            assert secret.encode() in told(server, PATHS[0], name)
            body = {"inputs": {"text": name}}
            assert server.post(PATHS[0], body, authorization="").code == "no-token"


def test_the_run_that_was_handed_over_keeps_its_memory(run: Run):
    with served.thread([run]):
        pass
    assert run.has_memory and run.inner["people"].facts["memory"]
    assert not run.without_memory().has_memory and not run.without_memory().inner["people"].facts


def test_no_settings_serve_people_without_a_token():
    with pytest.raises(UsageError) as refused:
        Settings(known_people=True)
    assert refused.value.code == "needs-token"
