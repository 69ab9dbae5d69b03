"""Turns interactions into rows: a user's items so far, and the items that come next.

    items   the user's items so far, in order     next    the items after them, the target
    group   the user                              split   train, valid or test

Three hold-out methods; none trains on events of a user that come after the user's held-out events.
`last`: the last item of each user is the test, the item before it is validation, and the item
before that is the target of the training row. `time`: the events after a moment that is the same
for all users. `random`: whole users are held out, with a fifth of their items as targets. Parts
given in the data replace these methods.

In a ranking, an item that the user rated below the middle of the scale, returned or cancelled is
not liked: it is never a target, and stands in `items` with a mark, such as "item=1".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tenfold.core.columns import Column, Problem, Ragged
from tenfold.core.errors import DataRefused
from tenfold.core.message import EMPTY, Message
from tenfold.core.progress import tell
from tenfold.core.rows import BY, Rows
from tenfold.media.interactions.read import Interactions
from tenfold.tasks.recommendation import preferences

__all__ = ["HOLDOUTS", "amounts", "rows_of"]

HOLDOUTS = ("auto", "last", "time", "random")
LINES = {
    "last": Message("test: the last item of each user; validation: the item before it"),
    "time": Message("test: the latest tenth of the lines; validation: the tenth before it"),
    "random": Message(
        "test: a fifth of the items of a tenth of the users; validation: of another tenth"
    ),
}
"""A sentence for each hold-out method, shown with every score."""
SHARES = (0.8, 0.9)
"""Fractions of the events, or of the users, after which validation and test begin."""
HIDDEN = 0.2
"""Share of a user's items that are the targets where whole users are held out."""

HistoryRow = tuple[str, np.ndarray, np.ndarray]
"""A row: its part of the data, and the positions of its `items` and of its `next` events."""


def rows_of(
    found: Interactions, holdout: str = "auto", ratings: bool = False, liked: str = "auto"
) -> Rows:
    """The rows, one for each user and part.

    With `ratings`, `items` are "item=rating", and "item=?" for those to predict; `next` holds pairs
    of an item and its rating, and interactions without a rating are left out. Otherwise `liked` is
    the lowest rating of an item that the user likes: a number, "all", or "auto" for the middle of
    the scale. The column `disliked` holds all other items of the user, as "item=rating". Where some
    count differs from 1, `counts` holds those of the liked `items`, then those of `next`.

    Raises DataRefused where there is only one item or one user, where no user has two items, where
    `ratings` finds no ratings, and where `holdout` "time" finds no times.
    """
    _refuse(found, ratings)
    if ratings:
        found = _rated(found)
    likes, least = preferences.liked(found, "all" if ratings else liked)
    way, others = _way(found, holdout), list[object]()
    starts = np.searchsorted(found.user, np.arange(len(found.users) + 1))
    names = found.items[found.item] if len(found.item) else np.zeros(0, object)
    marks = np.round(found.rating, 6).tolist() if ratings else []
    counts = () if ratings or (found.count == 1).all() else found.count
    rows: dict[str, list[object]] = {name: [] for name in ("items", "next", "split", "group")}
    by = {f"{BY}{name}": _of_users(texts, found) for name, texts in found.by.items()}
    for person, part, had, came, not_liked in _all(found, way, starts, likes):
        rows["split"].append(part)
        rows["group"].append(person)
        if ratings:
            told = (f"{names[at]}={marks[at]:g}" for at in had)
            rows["items"].append((*told, *(f"{names[at]}=?" for at in came)))
            rows["next"].append(tuple((names[at], marks[at]) for at in came))
            continue
        marked = [f"{names[at]}={preferences.mark(found, at):g}" for at in not_liked]
        before = len(not_liked)
        if len(came) and way != "random":
            before = int(np.searchsorted(not_liked, came.min()))
        others.append(tuple(marked))
        rows["items"].append((*(marked[:before] if part != "train" else ()), *names[had]))
        rows["next"].append(tuple(names[came]))
        if len(counts):
            rows.setdefault("counts", []).append((*counts[had].tolist(), *counts[came].tolist()))
    if any(others):
        rows["disliked"] = others
    reported: dict[str, list[object]] = {
        name: [texts.get(str(one)) for one in rows["group"]] for name, texts in by.items()
    }
    return Rows(
        _with_problems(rows | reported, found),
        root=Path(found.root) if found.root else None,
        ignored=found.ignored,
        lines=found.lines,
        split=LINES.get(way) or EMPTY,
        extra={"catalogue": found.catalogue, "ordered": found.ordered, "least": least},
        taken=found.taken,
        reading=found.reading,
    )


def amounts(table: pd.DataFrame, numbers: dict[str, int]) -> dict[str, Column]:
    """Returns the ragged columns `had` and `often`: known items of each row, and their counts.

    {} for a table without counts. `numbers` are those of the items.
    """
    if "counts" not in table:
        return {}
    had, often = [], []
    for items, after, counts in zip(table["items"], table["next"], table["counts"], strict=True):
        names = (*items, *after)[len(items) + len(after) - len(counts) :]
        pairs = [(numbers[one], n) for one, n in zip(names, counts, strict=True) if one in numbers]
        had.append([number for number, _ in pairs])
        often.append([count for _, count in pairs])
    return {"had": Ragged.of(had, np.int32), "often": Ragged.of(often, np.float32)}


def _of_users(texts: np.ndarray, found: Interactions) -> dict[str, str]:
    """Returns the most frequent text of each user, by name, without the users who have none."""
    counts = pd.DataFrame({"user": found.users[found.user], "text": texts}).dropna()
    ordered = (
        counts.value_counts().reset_index().sort_values(["count", "text"], ascending=[False, True])
    )
    first = ordered.drop_duplicates("user")
    return dict(zip(first["user"].astype(str), first["text"], strict=True))


def _with_problems(rows: dict[str, list[object]], found: Interactions) -> pd.DataFrame:
    """The rows as a table, followed by an empty row for each line that cannot be used."""
    bad, many = found.problems, len(rows["items"])
    blank: dict[str, object] = {
        "split": None,
        "group": None,
        **{f"{BY}{name}": None for name in found.by},
    }
    columns = {
        name: pd.Series([*values, *([blank.get(name, ())] * len(bad))], dtype=object)
        for name, values in rows.items()
    }
    columns["source"] = pd.Series(
        [f"user {person}" for person in rows["group"]] + [source for source, _ in bad], dtype=object
    )
    problems: list[Problem | None] = [*([None] * many), *(problem for _, problem in bad)]
    return pd.DataFrame(columns | {"problem": pd.Series(problems, dtype=object)})


def _refuse(found: Interactions, ratings: bool) -> None:
    if len(found.users) == 1 or len(found.items) == 1:
        what = Message("user") if len(found.users) == 1 else Message("item")
        only = (found.users if what == "user" else found.items)[0]
        raise DataRefused(
            Message(
                "The data have only one {what}, {name!r}",
                what=what,
                name=only,
            ),
            code="one-class",
            fix=Message("Give interactions of several users with several items."),
        )
    if len(found.user) and len(found.users) == len(found.user):
        raise DataRefused(
            Message(
                "None of the {count} users has two items",
                count=len(found.users),
            ),
            code="nothing-together",
            fix=Message(
                "Check that the column of users is the right one, or give data of a longer period."
            ),
        )
    if ratings and not np.isfinite(found.rating).any():
        raise DataRefused(
            Message("The data have no ratings"),
            code="missing-column",
            fix=Message("Rename the column of ratings to 'rating', or leave out --output ratings."),
        )


def _rated(found: Interactions) -> Interactions:
    kept = np.isfinite(found.rating)
    columns = ("user", "item", "rating", "time", "no", "count", "part")
    by = {name: texts[kept] for name, texts in found.by.items()}
    return replace(found, by=by, **{name: getattr(found, name)[kept] for name in columns})


def _way(found: Interactions, holdout: str) -> str:
    if (found.part != "").any():
        return "given"
    if holdout == "auto":
        return "last" if found.ordered else "random"
    if holdout == "time" and not np.isfinite(found.time).any():
        raise DataRefused(
            Message("The data have no times"),
            code="missing-column",
            fix=Message(
                "Rename the time column to 'time', or give --holdout last or --holdout random."
            ),
        )
    if holdout == "last" and not found.ordered:
        tell(Message("The data have no times: the order of lines decides which item is the last."))
    return holdout


def _all(
    found: Interactions, way: str, starts: np.ndarray, likes: np.ndarray
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields user, part, positions of `items` and of `next`, and positions of items not liked."""
    moments = np.quantile(found.time[np.isfinite(found.time)], SHARES) if way == "time" else ()
    for user, person in enumerate(found.users):
        every = np.arange(starts[user], starts[user + 1])
        events, other = every[likes[every]], every[~likes[every]]
        if not len(events):
            continue
        if way == "last":
            made = _last(events)
        elif way == "time":
            made = _by_time(events, found.time[events], *moments)
        elif way == "given":
            made = _given(events, found.part[events])
        else:
            made = _whole(events, str(person))
        for part, had, came in made:
            yield str(person), part, had, came, other


def _last(events: np.ndarray) -> Iterator[HistoryRow]:
    if len(events) < 3:
        yield "train", events[:-1], events[-1:]
        return
    for part, place in (("train", len(events) - 3), ("valid", len(events) - 2), ("test", -1)):
        yield part, events[:place], events[place:][:1]


def _by_time(
    events: np.ndarray, when: np.ndarray, first: float, second: float
) -> Iterator[HistoryRow]:
    late = np.where(np.isfinite(when), when, -np.inf)
    learnt = events[late < first]
    if len(learnt):
        yield "train", learnt[:-1], learnt[-1:]
    between, after = events[(late >= first) & (late < second)], events[late >= second]
    if len(between):
        yield "valid", learnt, between
    if len(after):
        yield "test", events[late < second], after


def _given(events: np.ndarray, part: np.ndarray) -> Iterator[HistoryRow]:
    learnt, had = events[(part == "train") | (part == "")], events[:0]
    if len(learnt):
        yield "train", learnt[:-1], learnt[-1:]
    had = learnt
    for name in ("valid", "test"):
        came = events[part == name]
        if len(came):
            yield name, had, came
        had = np.concatenate([had, came])


def _whole(events: np.ndarray, person: str) -> Iterator[HistoryRow]:
    """Yields the row of a user; a hash of the user's name decides the part and the target items."""
    digest = hashlib.blake2b(person.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    number = int.from_bytes(digest, "little")
    place = (number % 1_000_003) / 1_000_003
    part = "train" if place < SHARES[0] else "valid" if place < SHARES[1] else "test"
    if part == "train" or len(events) < 2:
        yield "train", events[:-1], events[-1:]
        return
    order = np.random.default_rng(number).permutation(len(events))
    hidden = np.zeros(len(events), bool)
    hidden[order[: max(1, round(HIDDEN * len(events)))]] = True
    yield part, events[~hidden], events[hidden]
