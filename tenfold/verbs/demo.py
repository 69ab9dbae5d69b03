"""Tour: check, train, explain and report on real digits in half a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tenfold.core import system
from tenfold.core.document import Document
from tenfold.core.errors import UsageError, nearest
from tenfold.core.language import known, say
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.progress import tell
from tenfold.core.results import SCHEMA
from tenfold.data import download, examples
from tenfold.media.files import idx
from tenfold.run.run import Run
from tenfold.run.scores_text import scores_text
from tenfold.verbs.check import check
from tenfold.verbs.explain import explain
from tenfold.verbs.predict import predict
from tenfold.verbs.train import train

__all__ = ["demo"]

datasets = lazy("sklearn.datasets")

TASK = "image-classification"


def demo(
    what: str = "digits",
    *,
    folder: str | Path = "tenfold-demo",
    source: str | None = None,
    lang: str = "en",
) -> Document:
    """Tour: check, train, explain and report on real digits in half a minute.

    Args:
        what: Data set: digits (part of scikit-learn) or mnist (downloaded, 11 MB).
        folder: Folder for the pictures, the run, the reports, and examples for the other tasks.
        source: Folder or address with the four files of mnist.
        lang: Language of the pages and of the output: en or zh.

    Example:
        tenfold demo
    """
    known(lang)
    home = Path(folder)
    if what == "digits":
        data = _digits(home / "digits")
        settings: dict[str, Any] = {"size": "tiny", "augment": "shift", "epochs": 30}
    elif what == "mnist":
        data = download.mnist(home / "mnist", source)
        settings = {"network": "listing", "augment": "none", "epochs": 1}
    else:
        raise UsageError(
            Message("Unknown demo {what!r}", what=what),
            code="unknown-demo",
            fix=nearest(what, ["digits", "mnist"]),
        )
    examples.write(home)
    return _shown(home, data, what, settings, lang)


def _digits(folder: Path) -> Path:
    """Writes 1,797 scanned digits (8 x 8 pixels) as PNG files, one folder per class."""
    done = folder.with_name(".digits-complete")
    if done.exists():
        return folder
    tell(Message("Writing the 1,797 digits of scikit-learn as pictures ..."))
    found = datasets.load_digits()
    for number, (values, label) in enumerate(zip(found.images, found.target, strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        pixels = (values * (255 / 16)).round().astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{number:04d}.png")
    system.write_atomically(done, "")
    return folder


def _shown(home: Path, data: Path, what: str, settings: dict[str, Any], lang: str) -> Document:
    common = {name: value for name, value in settings.items() if name != "epochs"}
    tell(Message("1. check: every picture is read once"))
    checked = check(TASK, data, out=home / f"check-{what}.html", lang=lang, **common)
    tell(Message("2. train: training, test and report"))
    run = train(TASK, data, out=_free(home / "runs", what), lang=lang, **settings)
    tell(Message("3. explain: the parts of eight pictures that the answers depend on"))
    some = _eight(data, home)
    explain(run, some, out=home / "explained", lang=lang)
    answers = [one.to_json() for one in predict(run, some, top=2)]
    content = {
        "schema": SCHEMA,
        "run": str(run.folder),
        "report": str(run.folder / "report.html"),
        "check": {name: checked[name] for name in ("found", "used")},
        "scores": run.scores["scores"],
        "answers": answers,
    }
    return Document(content, lambda: _text(run, data, home, some[0]))


def _eight(data: Path, home: Path) -> list[str]:
    """Paths of eight pictures: some of the folder's, or the first of an IDX file as PNG."""
    files = sorted(data.rglob("*.png"))
    if not files:
        pixels = idx.parse((data / "t10k-images-idx3-ubyte.gz").read_bytes(), "t10k-images")
        (home / "pictures").mkdir(exist_ok=True)
        files = [home / "pictures" / f"{number}.png" for number in range(8)]
        for file, picture in zip(files, pixels, strict=False):
            Image.fromarray(picture).save(file)
    return [str(file) for file in files[:: max(1, len(files) // 8)][:8]]


def _free(runs: Path, what: str) -> Path:
    number = 1
    while (folder := runs / f"{what}-{number}").exists():
        number += 1
    return folder


def _text(run: Run, data: Path, home: Path, one: str) -> str:
    scores = scores_text({**run.scores, "report": None})
    lines = [
        scores,
        "",
        say("Report: {path}", path=run.folder / "report.html"),
        say("Check: {path}", path=home / f"check-{data.name}.html"),
        say("Explained: {path}", path=home / "explained" / "index.html"),
        "",
        say("Next:"),
        f"  tenfold predict {system.shell_word(run.folder)} {system.shell_word(one)}",
        f"  tenfold test {system.shell_word(run.folder)} {system.shell_word(data)}",
        f"  tenfold train object-detection {system.shell_word(home / 'boxes')}",
        f"  tenfold train image-segmentation {system.shell_word(home / 'masks')}",
        f"  tenfold train text-classification {system.shell_word(home / 'topics.csv')}",
        f"  tenfold train token-classification {system.shell_word(home / 'names.conll')}",
        f"  tenfold train recommendation {system.shell_word(home / 'watched.csv')}",
        f"  tenfold train {TASK} YOUR-FOLDER   {say('(with one folder for each class)')}",
    ]
    return "\n".join(lines)
