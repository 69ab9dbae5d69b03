"""The container: what the Dockerfile says, read; and what it does, done without Docker.

There is no Docker where these tests run. Its install lines and its command are taken from the file
and run here in an environment of their own; the image itself is never built by a test.
"""

import base64
import fnmatch
import inspect
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
from documents import ROOT, check_install, draw_photos

import tenfold

FILE, START = ROOT / "Dockerfile", ROOT / "container/start.py"


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of each instruction, continued lines joined, comments left out."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line[:1] != "#"]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (word, rest) for word, _, rest in (x.partition(" ") for x in joined.split("\n")) if word
    ]


def said(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def stage(name: str) -> list[tuple[str, str]]:
    """The instructions of one stage."""
    found, inside = [], False
    for word, rest in instructions():
        inside = rest.endswith(f"AS {name}") if word == "FROM" else inside
        found += [(word, rest)] if inside else []
    return found


def settings() -> dict[str, str]:
    """What ENV sets."""
    (line,) = said("ENV")
    return dict(pair.split("=", 1) for pair in shlex.split(line))


def health() -> list[str]:
    """The command of HEALTHCHECK, in its exec form."""
    return json.loads(re.search(r"CMD (\[.*\])$", said("HEALTHCHECK")[0])[1])


# --- read -----------------------------------------------------------------------------------------


def test_no_value_passes_through_a_shell():
    for word in ("ENTRYPOINT", "CMD"):
        (line,) = said(word)
        assert all(isinstance(one, str) for one in json.loads(line)), f"{word} is not in exec form"
    assert health()[0] == "python"
    for line in said("RUN"):  # build arguments are quoted, so that they stay one word
        assert "${" not in re.sub(r'"[^"]*"', "", line), line


def test_it_runs_as_nobody():
    stages = [word for word, _ in stage("bare")]
    assert all(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user) for user in said("USER"))
    assert stages.index("USER") > max(i for i, word in enumerate(stages) if word == "COPY")
    assert said("FROM")[-1] == "bare"  # what `docker build` makes when nothing is told


def test_it_holds_no_secret_and_fetches_nothing_by_itself():
    assert not said("ADD")
    assert not [line for line in (*said("ARG"), *said("ENV")) if "TOKEN" in line]


def test_no_torch_unless_asked_for():
    assert "EXTRAS=serve" in said("ARG")
    project = re.search(r"^serve = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.S | re.M)
    assert "torch" not in project[1] and "tenfold[" not in project[1]


def test_installs_go_through_the_lock():
    installs = [line for line in said("RUN") if "install" in line]
    words = [shlex.split(line.replace("${EXTRAS}", "serve")) for line in installs]
    assert words and [check_install(one) for one in words] == [""]


def test_what_is_copied_is_there_and_let_in():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and line[0] != "#"]
    for line in said("COPY"):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        if "--from=" in line or sources == ["${MODEL}"]:
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert let_in(source, rules), f".dockerignore keeps {source} out"
    assert let_in("runs/shapes/export/net.onnx", rules)
    for secret in (".git/config", ".env", "data/a.png", "runs/x/checkpoints", ".venv/bin/python"):
        assert not let_in(secret, rules), f".dockerignore lets {secret} in"


def let_in(path: str, rules: list[str]) -> bool:
    """As Docker decides: the last rule that fits the path or a folder above it."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    verdict = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatch(part, pattern[3:]) for part in parts)
        else:
            fits = pattern == "*" or pattern in above
        verdict = rule.startswith("!") if fits else verdict
    return verdict


# --- the command, run -----------------------------------------------------------------------------


def test_the_environment_reaches_every_flag_but_the_token():
    text = START.read_text("utf-8")
    flags = re.search(r'FLAGS = "(.*)"\.split', text)[1].split()
    flags += json.loads(re.search(r"SWITCHES = (\[.*\])", text)[1])
    known = inspect.signature(tenfold.serve).parameters.values()
    assert set(flags) == {one.name for one in known if one.kind is one.KEYWORD_ONLY} - {"token"}


def test_values_stay_words(tmp_path):
    """A stand-in called tenfold says what it was given."""
    stand_in = tmp_path / "tenfold"
    stand_in.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    stand_in.chmod(0o755)
    odd = "a b; touch made $(touch made) `touch made` --port 1 名"
    told = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "TENFOLD_ALLOW_HOST": odd,
        "TENFOLD_PORT": "9",
    }
    command = [sys.executable, str(START), "/models/my model", "--batch", "8"]
    done = subprocess.run(
        command, env=told, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [
        *("serve", "--port=9", f"--allow-host={odd}"),
        *("/models/my model", "--batch", "8"),
    ]
    assert not (tmp_path / "made").exists()


# --- the whole, without Docker --------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """What the RUN lines of the first stage make, in a copy of what its COPY lines let in."""
    home = tmp_path_factory.mktemp("image")
    probe = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(home), "click"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("pip reaches no package index here")
    source = home / "source"
    source.mkdir()
    for line in (rest for word, rest in stage("installed") if word == "COPY"):
        *names, _ = line.split()
        for name in names:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, source / name)
    for line in (rest for word, rest in stage("installed") if word == "RUN"):
        line = line.replace("/opt/tenfold", str(home / "tenfold"))
        line = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", line)
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=source,
            env={**os.environ, "EXTRAS": "serve"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return home / "tenfold"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("model")
    draw_photos(home / "photos", each=12)
    run = tenfold.train(
        "image-classification", home / "photos", size="tiny", epochs=2, out=home / "run"
    )
    tenfold.export(run)
    return home / "run" / "export"


@pytest.fixture
def container(installed, model, tmp_path) -> Iterator[tuple[subprocess.Popen, dict[str, str]]]:
    """ENTRYPOINT with ENV, the model in place of what is mounted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {name: value for name, value in settings().items() if name != "PATH"}
    path = f"{installed / 'bin'}:{os.environ['PATH']}"
    told |= {"PATH": path, "HOME": str(tmp_path), "TENFOLD_CACHE": str(tmp_path / "cache")}
    told |= {"TENFOLD_PORT": port, "TENFOLD_TOKEN": "a-token", "LANG": "C.UTF-8"}
    (entry,) = said("ENTRYPOINT")
    words = [word.replace("/opt/start.py", str(START)) for word in json.loads(entry)]
    process = subprocess.Popen(
        [str(installed / "bin" / words[0]), *words[1:], str(model)],
        env=told,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    yield process, told
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_it_serves_without_torch(container, installed, model):
    process, told = container
    python = installed / "bin" / "python"
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 1
    ready = f"http://127.0.0.1:{told['TENFOLD_PORT']}/ready"
    processes.wait_for(lambda: answers(ready) or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    check = [str(python), *health()[1:]]
    assert subprocess.run(check, env=told, capture_output=True).returncode == 0
    picture = model.parent.parent / "photos/circle/000.png"
    label = predicted(told, picture)
    (here,) = tenfold.predict(model, picture)
    assert label == here.answer.label
    process.terminate()
    assert process.wait(60) == 0
    assert subprocess.run(check, env=told, capture_output=True).returncode == 1


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def predicted(told: dict[str, str], picture: Path) -> str:
    base = f"http://127.0.0.1:{told['TENFOLD_PORT']}/v1/models"
    head = {"Authorization": "Bearer a-token", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(base, headers=head), timeout=60) as answer:
        (model,) = json.load(answer)["models"]
    inputs = {"image": base64.b64encode(picture.read_bytes()).decode()}
    body = json.dumps({"inputs": inputs}).encode()
    asked = urllib.request.Request(f"{base}/{model['id']}/predict", body, head)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)["predictions"][0]["label"]


@pytest.mark.slow
def test_without_a_token_it_refuses_to_start(installed, model, tmp_path):
    """The container listens on every address."""
    path = f"{installed / 'bin'}:{os.environ['PATH']}"
    told = {**settings(), "PATH": path, "HOME": str(tmp_path)}
    command = [installed / "bin/python", START, model]
    done = subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "TENFOLD_TOKEN" in done.stderr
