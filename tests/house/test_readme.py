"""Every command that README and docs/ show is run as a reader would run it.

What a document may hold:

    ```bash           commands a reader types, run in order in one folder that holds `photos/`
    ```bash data      the same, for real data under $TENFOLD_DATA; skipped where there are none
    ```bash served    a line `tenfold serve` starts a server that lives until the next such line or
                      the end of the document; the other lines are run beside it, also curl
    ```powershell     the block before it once more, for Windows: the same `tenfold` lines
    ```python         run too; the blocks of a document share their names
    ```text, json ... shown, never run

A Chinese page `NAME.zh-CN.md` has the blocks of its English page: its commands are not run again.
`git clone`, `cd`, making an environment, `pip install` and `make` are checked without being run;
for `make demo` its `tenfold demo` is run.
"""

import re
import shutil
from pathlib import Path

import documents
import pytest
from documents import (
    ROOT,
    RUN,
    SHELL,
    SHOWN,
    blocks,
    check,
    is_translated,
    named,
    run_document,
    said,
    tenfold_lines,
    tree_paths,
)

from tenfold.networks.notation import ready

README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
SLOW = {"export.md", "networks.md", "tune.md", "image-classification.md", "serving.md"}
SLOW |= {"recommendation.md", "features.md", "text-classification.md", "run-folder.md"}
SLOW |= {"start.md"}
"""Pages whose commands train for more than a few seconds each."""
DOCUMENTS = [README, CHINESE, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
ON_DATA = [
    path
    for path in filter(Path.is_file, DOCUMENTS)
    if not is_translated(path) and any(block.kind == "bash data" for block in blocks(path))
]


@pytest.fixture(params=DOCUMENTS, ids=named)
def document(request) -> Path:
    if not request.param.is_file():
        pytest.fail(f"{named(request.param)} is missing")
    return request.param


def test_blocks_say_what_they_are(document):
    for block in blocks(document):
        where = f"{named(document)}:{block.line}"
        assert block.kind in RUN | SHOWN | {""}, (
            f"{where}: ```{block.kind} is none of {sorted(RUN | SHOWN)}: every command is run"
        )
        prompts = r"\$ |>>> " if block.kind else r"\$ |>>> |tenfold \w|pip install|make \w"
        hidden = re.search(rf"^\s*({prompts})", block.text, re.M)
        assert block.kind in RUN or not hidden, f"{where}: a command outside ```bash"


# --- commands, checked or run ---


def test_commands_that_are_only_checked(document):
    for block in blocks(document):
        if block.kind in SHELL or block.kind == "powershell":
            for command in block.commands():
                complaint = check(command, block.kind == "bash served")
                assert not complaint, f"{named(document)}:{block.line}: {command}: {complaint}"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(path, marks=[pytest.mark.slow] if path.name in SLOW else [], id=named(path))
        for path in DOCUMENTS
    ],
)
def test_commands(document, tmp_path):
    """Everything that needs no data but what the document makes itself.

    The demo takes as long as a document, and is the same in each: the README has it run.
    """
    if not is_translated(document):  # it has the English page's commands: see below, test_docs
        without_curl_skip(document)
        each = 40 if document.name in SLOW else 16
        kinds = {"bash", "bash served", "python"}
        run_document(document, tmp_path, kinds, each, demo=document == README)


def without_curl_skip(document: Path) -> None:
    asks = (command for block in blocks(document) for command in block.commands())
    if shutil.which("curl") is None and any(command.startswith("curl ") for command in asks):
        pytest.skip("there is no curl here")


@pytest.mark.slow
@pytest.mark.parametrize("document", ON_DATA, ids=named)
def test_commands_on_real_data(document, tmp_path, monkeypatch, data_folder):
    monkeypatch.setenv("TENFOLD_DATA", str(data_folder.resolve()))
    run_document(document, tmp_path, {"bash", "bash data", "bash served", "python"})


def test_the_network_shown_first_is_not_advised_against():
    """What the README trains on the digits of the demo wastes nothing, in the tool's own words."""
    shown = [words for block in blocks(README) for words in tenfold_lines(block)]
    lines = [words[words.index("--network") + 1] for words in shown if "--network" in words]
    assert lines and not any(ready.waste(line, 1, 8, 8, 10, 1257) for line in lines)


# --- one thing said twice must be the same thing ---


def test_windows_says_the_same(document):
    before = None
    for block in blocks(document):
        if block.kind == "powershell":
            where = f"{named(document)}:{block.line}"
            assert before, f"{where}: a powershell block follows the bash block that it repeats"
            assert tenfold_lines(block) == tenfold_lines(before), f"{where}: not as in bash above"
        before = block if block.kind in SHELL else None


def test_both_languages_show_the_same_commands():
    for path in (README, CHINESE):
        assert path.is_file(), f"{path.name} is missing"
    english, chinese = said(README), said(CHINESE)
    for one, other in zip(english, chinese, strict=False):
        assert one == other, f"README.md has {one}\nREADME.zh-CN.md has {other}"
    assert len(english) == len(chinese), "one README has blocks that the other lacks"


def test_tree_names_the_rooms_and_tasks_there_are():
    """The tree in README: each path named exists, each room and each task of tenfold is named."""
    assert README.is_file(), "README.md is missing"
    shown = (block.text for block in blocks(README) if block.kind in ("", "text"))
    tree = next((text for text in shown if re.search(r"tenfold/\s", text)), None)
    assert tree, "README.md shows no tree with a line `tenfold/`"
    shown = set(tree_paths(tree))
    gone = sorted(path for path in shown if not (ROOT / path).exists())
    assert not gone, f"README.md's tree names what does not exist: {gone}"
    rooms = {path.parent for path in ROOT.glob("tenfold/*/__init__.py")}
    tasks = {ROOT / name for name in tasks_of(ROOT)}
    real = {path.relative_to(ROOT).as_posix() for path in rooms | tasks}
    assert real <= shown, f"README.md's tree lacks {sorted(real - shown)}"


def tasks_of(root: Path) -> list[str]:
    """The file or package of every task."""
    found = [*root.glob("tenfold/tasks/[a-z]*.py"), *root.glob("tenfold/tasks/*/__init__.py")]
    paths = {path.parent if path.name == "__init__.py" else path for path in found}
    return [path.relative_to(root).as_posix() for path in paths]


# --- this test, tested ---

SAMPLE = """
# A document

```bash
echo one   # a remark
echo \\
    two > made.txt
```

1. In a list:

   ```python
   number = 6
   ```

```python
assert open("made.txt").read() == "two\\n" and number == 6
```
"""


@pytest.fixture
def sample(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    (tmp_path / "work").mkdir()

    def write(text: str) -> Path:
        (tmp_path / "sample.md").write_text(text, "utf-8")
        return tmp_path / "sample.md"

    return write


def test_a_document_runs_in_one_folder(sample, tmp_path):
    path = sample(SAMPLE)
    assert [block.line for block in blocks(path)] == [4, 12, 16]
    assert blocks(path)[0].commands() == ["echo one", "echo  two > made.txt"]
    run_document(path, tmp_path / "work", {"bash", "python"})
    assert len(list((tmp_path / "work/photos").rglob("*.png"))) == 120


@pytest.mark.parametrize(
    "text",
    [
        "```bash\ncat missing\n```",
        "```python\n1 / 0\n```",
        "```bash served\ntenfold serve runs/missing\n```",
        "```bash served\ncurl http://127.0.0.1:8000/ready\n```",
    ],
)
def test_a_failure_is_seen(text, sample, tmp_path):
    with pytest.raises((AssertionError, pytest.fail.Exception), match=r"sample\.md:1"):
        run_document(sample(text), tmp_path / "work", {"bash", "bash served", "python"})


@pytest.mark.parametrize(
    "command",
    [
        "pip install tenfold",
        'pip install -c requirements.lock ".[alle]"',
        "python -m pip install -c other.lock .",
        "make tset",
        "curl localhost",
        "tenfold serve runs/photos &",
        "tenfold serve runs/photos",
        "TENFOLD_TOKEN=word tenfold serve runs/photos",
        "git clone",
    ],
)
def test_a_wrong_command_is_seen(command):
    assert check(command)


@pytest.mark.parametrize(
    "command",
    [
        'pip install -c requirements.lock ".[all]"',
        "python -m pip install --constraint requirements.lock .[train,parquet]",
        "make demo",
        "git clone https://example.org/tenfold.git",
        ". .venv/bin/activate",
        r".venv\Scripts\Activate.ps1",
        "python3 -m venv .venv",
        "cd tenfold",
        "OMP_NUM_THREADS=1 tenfold train image-classification photos/",
    ],
)
def test_a_right_command_passes(command):
    assert not check(command)


@pytest.mark.parametrize("command", ["curl 127.0.0.1:8000/ready", "tenfold serve runs/photos"])
def test_a_server_may_be_started_and_asked(command):
    assert check(command) and not check(command, served=True)
    assert check(f"{command} &", served=True)


@pytest.mark.parametrize(
    "tree",
    [
        "README.md\ntenfold/   the package\n  cli.py   words\n  tasks/\n    x.py, y.py   two\n"
        "docs/\n",
        "./\n├── README.md\n├── tenfold/\n│   ├── cli.py   words\n│   └── tasks/\n"
        "│       └── x.py, y.py\n└── docs/\n",
    ],
)
def test_a_tree_is_read(tree):
    paths = {"README.md", "tenfold/cli.py", "tenfold/tasks/x.py", "tenfold/tasks/y.py", "docs"}
    assert paths <= set(tree_paths(tree))
