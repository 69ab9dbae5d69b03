"""What every test may use: real data where there are some, a cache of its own, and an honest end.

The run ends with the names of the tests it left out, so that a green run says what it did not do.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data: TENFOLD_DATA, else ../shared/data; without, the test skips."""
    folder = os.environ.get("TENFOLD_DATA", str(ROOT.parent / "shared" / "data"))
    if not Path(folder).is_dir() or not folder:
        pytest.skip("needs real data: set TENFOLD_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    """Tests neither read nor fill the person's cache of encoded data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENFOLD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != "test_readme.py")  # the longest start first


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[LEFT_OUT].add(item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a worker of xdist tells the one who prints
        session.config.workeroutput["left_out"] = sorted(session.config.stash[LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    node.config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", []))


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    names = sorted(config.stash[LEFT_OUT])
    if names:
        terminalreporter.section(f"left out: {len(names)} (make test-all runs them)")
        for name in names:
            terminalreporter.write_line(name)
