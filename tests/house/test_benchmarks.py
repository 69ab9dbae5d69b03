"""Every benchmark can still be imported and says how it is run: no test measures anything."""

import re
import subprocess
import sys

from documents import ROOT

BENCHMARKS = sorted(ROOT.glob("benchmarks/*.py"))
HELP = """
import contextlib, io, pathlib, runpy, sys
sys.path.insert(0, str(pathlib.Path(sys.argv[1]).parent))
for path in sys.argv[1:]:
    told, runs = io.StringIO(), "ArgumentParser(" in pathlib.Path(path).read_text("utf-8")
    sys.argv = [path, "--help"]
    try:
        with contextlib.redirect_stdout(told):
            runpy.run_path(path, run_name="__main__" if runs else "imported")
        assert not runs, f"{path} --help goes on"
    except SystemExit as end:
        assert end.code in (0, None) and "usage:" in told.getvalue(), f"{path}: {end}"
    print(path)
"""


def test_each_is_imported_and_runs_its_help():
    """One process for all: what takes long is importing torch."""
    names = [str(path) for path in BENCHMARKS]
    done = subprocess.run([sys.executable, "-c", HELP, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == names


def test_each_that_claims_something_can_be_run_alone():
    for path in BENCHMARKS:
        text = path.read_text("utf-8")
        if re.search(r"^Claims?:", text, re.M):
            assert '__name__ == "__main__"' in text, f"{path.name} claims and cannot be run"
