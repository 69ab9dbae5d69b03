"""A signal ends a command at once: it is never an error of an input."""

import signal
import zipfile
from pathlib import Path

import pytest
from commands import Running
from stored import STORED

from tenfold.core.errors import StopSignal, TenfoldError
from tenfold.core.terminal.faults import as_error


def opened(pid: int, path: Path) -> bool:
    """True where a process has a file open."""
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if handle.samefile(path):
                return True
        except OSError:  # closed in the meantime
            continue
    return False


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_an_input_is_read_is_no_answer(tmp_path, number):
    with zipfile.ZipFile(STORED / "text-classification.zip") as archive:
        archive.extractall(tmp_path)
    big = tmp_path / "big.csv"
    big.write_text("text\n" + "a text of some words that is read again and again\n" * 600_000)
    out = tmp_path / "answers.csv"
    running = Running(
        ["predict", "text-classification", "big.csv", "big.csv", "--csv", str(out)], tmp_path
    )
    while not opened(running.pid, big):  # ends with an error where the process has ended before
        pass
    running.signal(number)
    done = running.wait()
    assert done.code == 128 + number and "Error: Stopped" in done.err
    assert "ERROR" not in done.out and not out.exists()


def test_an_exception_that_a_signal_caused_is_a_stop():
    def interrupted() -> None:
        try:
            raise StopSignal(signal.SIGTERM)
        except StopSignal as error:  # as Python 3.11 does where a class is being made
            raise RuntimeError("Error calling __set_name__") from error

    with pytest.raises(RuntimeError) as caught:
        interrupted()
    assert as_error(caught.value).exit_code == 143
    assert as_error(KeyboardInterrupt()).exit_code == 130
    assert not issubclass(StopSignal, Exception) and isinstance(
        as_error(ValueError()), TenfoldError
    )
