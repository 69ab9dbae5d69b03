"""Tour: check, train, explain and report on real digits in half a minute."""

from __future__ import annotations

from collections.abc import Iterator
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
from tenfold.data import download
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

TOPICS = {
    "sport": "match goal coach league striker race medal referee stadium sprint",
    "food": "soup bread recipe pepper kitchen flavour oven salad butter dessert",
    "weather": "rain storm cloud wind frost thunder sunshine flood drizzle heat",
}
SENTENCES = (
    "the {0} and the {1} were the talk of the day",
    "a {0} like this one needs a good {1}",
    "nobody here had expected the {0} after such a {1}",
    "more about the {0}, the {1} and the {2} tomorrow",
    "{0} or {1}: what people remember of this week",
)
PEOPLE = "Anna Bruno Chloe Diego Emma Farid Grace Hugo Ines Jonas Kira Liam Mei Noah Olga".split()
PLACES = "Lima Quito Oslo Cairo Delhi Rome Kyoto Paris Accra Bern Hanoi Lagos Porto Seoul".split()
TAGGED = (
    "{person} calls from {place} every day",
    "in {place} it is late , says {person}",
    "{person} and {person} travel to {place}",
    "the train to {place} leaves without {person}",
    "letters for {person} arrive from {place} or {place}",
)
ITEMS, USERS = 40, 150
"""Number of items and of users in the example of recommendations."""


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
    _write_examples(home)
    return _shown(home, data, what, settings, lang)


def _write_examples(home: Path) -> None:
    """Writes small generated data for the other tasks: topics.csv, names.conll and watched.csv."""
    random, found = np.random.default_rng(0), dict[str, str]()
    lines = ["text,label"]
    for number in range(360):
        topic = [*TOPICS][number % len(TOPICS)]
        words = random.permutation(TOPICS[topic].split())
        sentence = SENTENCES[int(random.integers(len(SENTENCES)))].format(*words)
        lines.append(f'"{sentence}",{topic}')
    found["topics.csv"] = "\n".join(lines)
    sentences = (_tagged(TAGGED[number % len(TAGGED)], random) for number in range(200))
    found["names.conll"] = "\n\n".join(sentences)
    found["watched.csv"] = "\n".join(["user,item,time", *_watched(random)])
    for name, text in found.items():
        system.write_atomically(home / name, text + "\n")


def _tagged(sentence: str, random: np.random.Generator) -> str:
    """A sentence with a name for each placeholder: one token and its tag in each line."""
    names = {"{person}": (PEOPLE, "B-person"), "{place}": (PLACES, "B-place")}
    lines = []
    for word in sentence.split():
        choices, tag = names.get(word, ([word], "O"))
        lines.append(f"{random.choice(choices)} {tag}")
    return "\n".join(lines)


def _watched(random: np.random.Generator) -> Iterator[str]:
    """Yields "user,episode,time" lines: users watch the episodes of a series, mostly in order."""
    for user in range(USERS):
        place = int(random.integers(ITEMS))
        for time in range(int(random.integers(6, 14))):
            yield f"user{user:03d},episode{place:02d},{1_700_000_000 + 86_400 * time + user}"
            place = (place + int(random.choice([1, 1, 1, 2]))) % ITEMS


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
        f"  tenfold train text-classification {system.shell_word(home / 'topics.csv')}",
        f"  tenfold train token-classification {system.shell_word(home / 'names.conll')}",
        f"  tenfold train recommendation {system.shell_word(home / 'watched.csv')}",
        f"  tenfold train {TASK} YOUR-FOLDER   {say('(with one folder for each class)')}",
    ]
    return "\n".join(lines)
