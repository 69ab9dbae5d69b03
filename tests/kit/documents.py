"""Documents with commands in fenced blocks: read, checked, and run as a reader would run them."""

import ast
import itertools
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commands import tenfold
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {"text", "json", "jsonl", "html", "csv", "toml", "mermaid", "bibtex"}
SHELL = {"bash", "bash data", "bash served"}
RUN = SHELL | {"python", "powershell"}
# Besides tenfold, a document may use what every system has and what ends by itself.
ORDINARY = {"python", "ls", "cat", "head", "tail", "wc", "mkdir", "cp", "mv", "rm", "echo", "unzip"}
# Beside a server that the document has started.
ASKING = {"curl"}
ADDRESS = "127.0.0.1:8000"
MINUTES = 5


@dataclass(frozen=True)
class Block:
    """A fenced block: `bash data` and so on, its text, and where it stands."""

    kind: str
    text: str
    line: int

    def commands(self) -> list[str]:
        """One a line, continuations joined, comments and empty lines left out."""
        mark = "`" if self.kind == "powershell" else r"\\"
        text = re.sub(mark + r"\n\s*", " ", self.text)
        bare = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
        return [line for line in bare if line]


def blocks(path: Path) -> list[Block]:
    fence = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```\s*?$", re.M | re.S)
    text = path.read_text("utf-8")
    return [
        Block(
            found[2].strip(),
            re.sub(f"^{found[1]}", "", found[3], flags=re.M),
            text.count("\n", 0, found.start()) + 1,
        )
        for found in fence.finditer(text)
    ]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def said(path: Path) -> list:
    """What each block does: its commands, or its Python without comments."""
    return [
        ast.unparse(ast.parse(block.text)) if block.kind == "python" else block.commands()
        for block in blocks(path)
        if block.kind in RUN
    ]


def is_translated(path: Path) -> bool:
    """True for the Chinese version of a page, `NAME.zh-CN.md` beside `NAME.md`."""
    return path.name.endswith(".zh-CN.md")


def without_remarks(block: Block) -> tuple[str, object]:
    """The kind of a block and its content without comments, to compare two languages.

    In a shown text, words after two or more spaces on a line that begins with a name are a remark.
    """
    if block.kind == "python":
        return block.kind, ast.unparse(ast.parse(block.text))
    if block.kind in RUN:
        return block.kind, block.commands()
    if block.kind in ("", "text"):
        return block.kind, re.sub(r"(?m)(?<=\S) {2,}\S.*$", "", block.text)
    return block.kind, block.text


def headings(path: Path) -> list[str]:
    """Headings of a page in order, with their #; those in fenced blocks do not count."""
    return re.findall(r"(?m)^#+ .+$", _prose(path))


def table_rows(path: Path) -> list[str]:
    """Rows of all tables of a page, with heads and rules."""
    return re.findall(r"(?m)^\|.*\|$", _prose(path))


def _prose(path: Path) -> str:
    return re.sub(r"(?ms)^( *)```.*?^\1```\s*?$", "", path.read_text("utf-8"))


def tenfold_lines(block: Block) -> list[list[str]]:
    lines = (command.replace("\\", "/").replace('"', "'") for command in block.commands())
    return [shlex.split(line) for line in lines if line.startswith("tenfold ")]


def tree_paths(tree: str) -> Iterator[str]:
    """Paths of a drawn tree: two columns of depth or more a level, box lines or plain spaces.

    A folder ends in `/`; what follows two spaces is its promise; `a.py, b.py` are two files.
    """
    folders: list[tuple[int, str]] = []
    for line in filter(str.strip, tree.splitlines()):
        depth = len(line) - len(line.lstrip(" │├└─|`-"))
        names = re.match(r"[^\s,]+(?:, [^\s,]+)*", line[depth:])[0].split(", ")
        folders = [folder for folder in folders if folder[0] < depth]
        above = folders[-1][1] if folders else ""
        for name in names:
            yield (above + name).removeprefix("./").rstrip("/") or "."
        if names[-1].endswith("/"):
            folders.append((depth, above + names[-1]))


# --- checked ---


def check(command: str, served: bool = False) -> str:
    """What is wrong with a command that is not run; empty where nothing is."""
    words = command.split() if "\\" in command else shlex.split(command)
    if "install" in words and any(re.search(r"pip[\d.]*$", word) for word in words):
        return check_install(words)
    if words[0] == "make":
        return check_make(words)
    if words[:2] == ["git", "clone"]:
        return "" if len(words) in (3, 4) else "git clone ADDRESS [FOLDER]"
    if is_setting_up(words):
        return ""
    return check_is_runnable(words, served)


def is_setting_up(words: list[str]) -> bool:
    activates = words[-1].replace("\\", "/").casefold()
    return (
        words[0] == "cd"
        or words[1:3] == ["-m", "venv"]
        or activates.endswith((".venv/bin/activate", ".venv/scripts/activate.ps1"))
    )


def check_install(words: list[str]) -> str:
    constrained = [b for a, b in itertools.pairwise(words) if a in ("-c", "--constraint")]
    if constrained != ["requirements.lock"]:
        return "every install goes through the lock: -c requirements.lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = set(re.findall(r"[\w-]+", "".join(re.findall(r"\[(.*?)\]", " ".join(words)))))
    unknown = asked - set(project["optional-dependencies"])
    return f"no such extra: {', '.join(unknown)}" if unknown else ""


def check_make(words: list[str]) -> str:
    done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def program(words: list[str]) -> str:
    """The program a line starts, past settings such as A=1."""
    names = [word for word in words if not re.match(r"\w+=", word)]
    return Path(names[0]).name if names else ""


def check_is_runnable(words: list[str], served: bool) -> str:
    if is_server(words) and not served:
        return "runs on: a server is started in a block ```bash served"
    if program(words) in ORDINARY | {"tenfold"} | (ASKING if served else set()):
        return "" if "&" not in words else "runs on in the background: this test cannot end it"
    return f"this test runs only tenfold, {', '.join(sorted(ORDINARY))}"


def is_server(words: list[str]) -> bool:
    """True for `tenfold serve`, past settings such as A=1."""
    return [word for word in words if not re.match(r"\w+=", word)][:2] == ["tenfold", "serve"]


def is_run(command: str) -> bool:
    words = shlex.split(command)
    checked = words[0] in ("make", "git", "cd", "pip") or is_setting_up(words)
    return not checked and not ("pip" in words and "install" in words)


# --- run ---


def run_document(
    document: Path, folder: Path, wanted: set[str], each: int = 40, demo: bool = True
) -> None:
    """Runs its blocks of these kinds in order in `folder`, with `each` pictures of a class.

    Without `demo`, `make demo` is not run.
    """
    todo = [block for block in blocks(document) if block.kind in wanted]
    if not any(runs_something(block, demo) for block in todo):
        return
    draw_photos(folder / "photos", each)
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", folder / "examples")
    with Python(folder) as python, Server(folder) as server:
        for block in todo:
            where = f"{named(document)}:{block.line}"
            if block.kind == "python":
                python.run(server.here(block.text), where)
            elif "make demo" in block.commands():
                if demo:
                    run_command("tenfold demo", folder, where)
                    thin(folder / "tenfold-demo" / "digits")
            elif block.kind == "bash served":
                for command in filter(is_run, block.commands()):
                    server.run(command, where)
            else:
                for command in filter(is_run, block.commands()):
                    run_command(command, folder, where)


def runs_something(block: Block, demo: bool) -> bool:
    """True for Python, for a command that is run, and for `make demo`, run without its install."""
    commands = block.commands()
    shown = demo and "make demo" in commands
    return block.kind == "python" or shown or any(map(is_run, commands))


def thin(folder: Path, each: int = 40) -> None:
    """Leaves so many pictures a class: the commands after the demo are run on fewer."""
    for place in filter(Path.is_dir, folder.iterdir()):
        for path in sorted(place.iterdir())[each:]:
            path.unlink()


def environment() -> dict[str, str]:
    """As after activating the environment that tenfold is installed in."""
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}


def run_command(command: str, folder: Path, where: str) -> None:
    """Runs it; `tenfold` without help of the shell by a fork of a process that has imported it."""
    words = shlex.split(command)
    if words[0] == "tenfold" and not set("|&;<>$`*?(){}~#") & set(command):
        ended = tenfold(*words[1:], cwd=folder, env=environment())
        told = f"{where}: {command}\nexit code {ended.code}\n{ended.out}\n{ended.err}"
        assert ended.code == 0, told
        return
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )
    told = f"{where}: {command}\nexit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, told


class Server:
    """The server of the blocks `bash served`: a line `tenfold serve` starts it, the rest asks it.

    Documents show port 8000; here it has a free one. It lives until the next such line or the end
    of the document, and must then end well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind, *_) -> None:
        if kind and self.process:
            self.process.kill()
        self.stop(well=kind is None)

    def here(self, text: str) -> str:
        """The text with the address that is served here."""
        return text.replace(ADDRESS, f"127.0.0.1:{self.port}")

    def run(self, command: str, where: str) -> None:
        if is_server(shlex.split(command)):
            self.stop()
            self.start(command, where)
        else:  # what is refused fails, as nobody would show that unawares
            strict = re.sub(r"^curl ", "curl --silent --show-error --fail-with-body ", command)
            run_command(self.here(strict), self.folder, where)

    def start(self, command: str, where: str) -> None:
        words = ["bash", "-c", f"exec env {command} --port {self.port} --quiet"]
        self.process = subprocess.Popen(words, cwd=self.folder, env=environment())
        until = time.monotonic() + 120
        while not self.is_ready():
            ended = self.process.poll() is not None
            assert not ended and time.monotonic() < until, f"{where}: {command}: does not answer"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=30) as told:
                return told.status == 200
        except OSError:
            return False

    def stop(self, well: bool = True) -> None:
        process, self.process = self.process, None
        if process:
            process.terminate()
            code = process.wait(120)
            assert code == 0 or not well, f"the server ended with {code}"


class Python:
    """One Python process for the python blocks of a document, started at the first of them."""

    DONE = "-- block done --"
    LOOP = f"""
import sys
space = {{"__name__": "__main__"}}
for line in sys.stdin:
    exec(compile(eval(line), "<document>", "exec"), space)
    print("\\n{DONE}", flush=True)
"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Python":
        return self

    def __exit__(self, *_) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", self.LOOP],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, text: str, where: str) -> None:
        self.process = self.process or self.start()
        alarm = threading.Timer(60 * MINUTES, self.process.kill)
        alarm.start()
        said = list(self.told(text))
        alarm.cancel()
        assert said[-1:] == [self.DONE], f"{where}:\n{text}\n" + "\n".join(said)

    def told(self, text: str) -> Iterator[str]:
        """Lines the block prints, the last of them DONE where it came to its end."""
        self.process.stdin.write(ascii(text) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            yield line.rstrip()
            if line.rstrip() == self.DONE:
                return


def draw_photos(folder: Path, each: int = 40) -> None:
    """Three folders of drawn shapes in changing place, size and colour."""
    for number, (name, sides) in enumerate({"circle": 0, "square": 4, "triangle": 3}.items()):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            seed = 7 * (number * each + i)
            picture = Image.new("RGB", (64, 64), (200 + seed % 50, 190 + seed % 60, 220))
            draw, radius = ImageDraw.Draw(picture), 12 + seed % 9
            middle, colour = (24 + seed % 17, 24 + seed % 13), (seed % 150, seed % 130, seed % 110)
            if sides:
                draw.regular_polygon((*middle, radius), sides, rotation=seed % 45, fill=colour)
            else:
                draw.circle(middle, radius, fill=colour)
            picture.save(folder / name / f"{i:03}.png")
