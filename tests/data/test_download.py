"""Public data: from a folder, a mirror or through a proxy, and never without the right checksum."""

import gzip
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import tenfold
from pictures_made import snapshot

from tenfold.core.errors import DataRefused, EnvironmentRefused
from tenfold.data import download

CONTENT = {"train": b"pictures" * 1000, "labels": b"0123456789"}
FILES = {name: hashlib.md5(content).hexdigest() for name, content in CONTENT.items()}


class Site:
    """A server on this machine that remembers what it was asked for."""

    def __init__(self, answers: dict[str, bytes]):
        site, self.answers, self.asked = self, answers, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                found = site.answers.get(self.path.rsplit("/", 1)[-1])
                self.send_response(200 if found is not None else 404)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "TENFOLD_MIRROR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site({f"{name}.gz": gzip.compress(content) for name, content in CONTENT.items()})
    yield made
    made.server.shutdown()
    made.server.server_close()


def fetched(folder: Path, source: str | None = None, mirrors: tuple[str, ...] = ()) -> dict:
    download.fetch(folder, FILES, source, mirrors)
    return {path.stem: gzip.decompress(path.read_bytes()) for path in folder.glob("*.gz")}


@pytest.mark.parametrize("packed", [True, False])
def test_from_a_folder(tmp_path, packed):
    source = tmp_path / "source"
    source.mkdir()
    for name, content in CONTENT.items():
        path = source / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    before = snapshot(source)
    assert fetched(tmp_path / "here", str(source)) == CONTENT
    assert snapshot(source) == before


def test_from_an_address_once(tmp_path, site):
    assert fetched(tmp_path / "here", f"{site.address}/mnist/") == CONTENT
    assert site.asked == ["/mnist/train.gz", "/mnist/labels.gz"]
    assert fetched(tmp_path / "here", site.address) == CONTENT and len(site.asked) == 2


def test_a_mirror_set_in_the_environment(tmp_path, site, monkeypatch):
    monkeypatch.setenv("TENFOLD_MIRROR", site.address)
    assert fetched(tmp_path / "here", None, ("http://nobody.invalid",)) == CONTENT


def test_the_next_mirror_is_asked_where_one_fails(tmp_path, site):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    mirrors = (closed, site.address)
    site.answers, held = {}, site.answers
    with pytest.raises(EnvironmentRefused) as refused:
        fetched(tmp_path / "here", None, mirrors)
    assert refused.value.exit_code == 4 and "--source" in refused.value.fix
    assert "Not Found" in refused.value.message and "refused" in refused.value.message.lower()
    site.answers = held
    assert fetched(tmp_path / "here", None, mirrors) == CONTENT


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_set_in_the_environment_is_used(tmp_path, site, monkeypatch, variable):
    monkeypatch.setenv(variable, site.address)
    assert fetched(tmp_path / "here", "http://data.invalid/mnist") == CONTENT
    assert site.asked[0] == "http://data.invalid/mnist/train.gz"


WRONG = {
    "other content": gzip.compress(b"something else"),
    "plain other content": b"something else",
    "cut": gzip.compress(CONTENT["train"])[:-20],
    "a page": b"<html>Log in</html>",
    "nothing": b"",
    "broken gzip": b"\x1f\x8b" + bytes(50),
    "a bomb": gzip.compress(bytes(200 << 20), 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_and_not_kept(tmp_path, site, name):
    site.answers["train.gz"] = WRONG[name]
    with pytest.raises(DataRefused) as refused:
        fetched(tmp_path / "here", site.address)
    assert refused.value.code == "damaged-download" and site.address in refused.value.where
    assert not list((tmp_path / "here").iterdir())


def test_a_folder_without_the_files(tmp_path):
    with pytest.raises(DataRefused, match=r"train\.gz") as refused:
        fetched(tmp_path / "here", str(tmp_path))
    assert refused.value.code == "missing-file" and refused.value.where == str(tmp_path)


def test_the_command_refuses_another_mnist(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"no digits"))
    done = tenfold("demo", "mnist", "--source", ".", "--json", cwd=tmp_path)
    assert done.code == 3 and done.document["error"]["code"] == "damaged-download"
    done = tenfold("demo", "minst", cwd=tmp_path)
    assert done.code == 2 and "'mnist'" in done.err


def test_the_published_files_have_the_published_checksums(tmp_path, data_folder):
    download.mnist(tmp_path / "here", str(data_folder / "mnist"))
    assert len(list((tmp_path / "here").glob("*-ubyte.gz"))) == 4


@pytest.mark.slow
def test_the_demo_of_mnist_from_local_files(tmp_path, data_folder):
    words = ["demo", "mnist", "--source", data_folder / "mnist", "--json"]
    found = tenfold(*words, cwd=tmp_path).document
    assert found["scores"]["accuracy"]["value"] > 0.98
