"""The hook that holds commit messages to the rules of CONTRIBUTING.md."""

import subprocess
import sys
from pathlib import Path

from documents import ROOT

HOOK = ROOT / ".githooks" / "commit-msg"
WHY = "\n\nBecause a reader of the log sees nothing else.\n"

GOOD = (
    "Refuse archives that hold links",
    "Mask already rated items when fitting the temperature",
    "Process rows in blocks",
    "Speed up decoding",
    "Embed the title" + WHY,
    "Refuse archives that hold links\n# comments of git do not count\n" + "# x" * 60,
    'Revert "refuses archives; and more"',
)
BAD = {
    "": "empty",
    "refuse archives": "capital",
    "Refused archives that hold links": "imperative",
    "Refuses archives that hold links": "imperative",
    "Refusing archives that hold links": "imperative",
    "Refuse archives that hold links.": "full stop",
    "Refuse links; read titles": "several",
    "Refuse archives that hold links" + " of any kind" * 4: "79 characters",
    "Refuse archives\nthat hold links": "second line",
}


def refusal(message: str, path: Path) -> str:
    """What the hook prints; "" where it lets the commit pass."""
    path.write_text(message, encoding="utf-8")
    done = subprocess.run([sys.executable, HOOK, path], capture_output=True, text=True)
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


def test_subjects_are_held_to_the_rules(tmp_path: Path):
    path = tmp_path / "message"
    complaints = [f"{one!r}: {told}" for one in GOOD if (told := refusal(one, path))]
    complaints += [f"{one!r} passes" for one, word in BAD.items() if word not in refusal(one, path)]
    assert complaints == []


def test_git_runs_it(tmp_path: Path):
    """As `make install` sets it up: a commit that breaks a rule fails."""
    assert "git config core.hooksPath .githooks" in (ROOT / "Makefile").read_text("utf-8")

    def git(*words: str) -> int:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        where = ["-c", f"core.hooksPath={HOOK.parent}"]
        command = ["git", *identity, *where, *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode

    assert git("init") == 0
    assert git("commit", "--allow-empty", "-m", "added things.") != 0
    assert git("commit", "--allow-empty", "-m", "Add things") == 0
