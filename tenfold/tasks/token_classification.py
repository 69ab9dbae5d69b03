"""Finds names and other spans in a text, or the part of speech of each word.

Folder:
    corpus/                 train, dev and test files; dev and test are optional
        train.conll         a token and its tag per line, an empty line between sentences
        test.conll          (BIO, BMES or IOB1; CoNLL-U; gzip too)
Predicts: Spans (type, first character, end character, exclusive) in the text as it was given, or
Tags, one per token, where tags do not begin with B- and I-.

Sources: arXiv 1702.02098 (dilated convolutions; ours over summed hashed features), J. Lafferty, A.
McCallum, F. Pereira 2001 (linear-chain CRF), arXiv 1607.04606 (hashed parts of words).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers.kind import AnswerKind
from tenfold.answers.spans import SPANS, Spans
from tenfold.answers.tags import TAGS, Tags
from tenfold.core import device
from tenfold.core.columns import Column, Columns, Encoded, Parts, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.message import Message
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.core.text import natural
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text import tag_schemes, tagged, tokens
from tenfold.media.text.medium import TEXT, TOKENS
from tenfold.media.text.tags.asked import tokens_in
from tenfold.networks import crf
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.training import candidates, loop
from tenfold.training.candidates import FREE, Candidate, Comparison, Fits, answering
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.tagger")

# Shapes: N texts, T tokens, K tags, F features of a token

INPUTS = {"text": Input("text", file=tokens_in)}
SIZES = {"tiny": (64, 2), "small": (128, 4), "medium": (256, 5), "large": (384, 6)}
TAG_FORMATS = ("auto", "spans", "single")
MODELS = ("auto", "network", "linear", "naive-bayes")
FEATURES = 10
LONGEST = 20_000
"""Maximum number of tokens of a text that are used; later tokens get no tag."""


@dataclass(frozen=True)
class TokenClassification(Task):
    """The task of token classification; the module's docstring describes it."""

    size: str = setting("small", "model size", choices=tuple(SIZES), search=("tiny", "medium"))
    model: str = setting("auto", "model, auto = best on validation", choices=MODELS)
    learning_rate: float = setting(
        0.003, "learning rate", low=1e-6, high=1.0, search=Range(0.001, 0.01)
    )
    dropout: float = setting(0.5, "dropout rate", low=0.0, high=0.9, search=(0.3, 0.6))
    tags: str = setting(
        "auto", "format of the tags: spans, or single classes of tokens", choices=TAG_FORMATS
    )

    answers = (SPANS, TAGS)
    roles = (*TEXT.roles, *TOKENS.roles)

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = tagged.read(source, reading, self.tags)
        spans = any(map(tag_schemes.kinds, rows.table["tags"]))
        return rows.completed(SPANS if spans else TAGS, INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        counts = train.table["tags"].explode().dropna().value_counts()
        tags = _whole(map(str, counts.index))
        data = {"buckets": _buckets(train.table)}
        answers = {
            "tags": tags,
            "counts": [int(counts.get(tag, 0)) for tag in tags],
            "spans": train.answer is SPANS,
        }
        return {
            "data": data,
            "truths": answers,
            "net": {"size": self.size, "dropout": self.dropout},
        }

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> AnswerKind:
        return SPANS if facts["truths"]["spans"] else TAGS

    def encode(self, table: Table, facts: Facts) -> Encoded:
        read, problems = tokens.texts_of(table["text"])
        rows = _rows(read, _places(table, read), facts["data"]["buckets"])
        return Encoded({"tokens": Ragged.of(rows, np.int32, (FEATURES + 2,))}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        number = {tag: place for place, tag in enumerate(facts["truths"]["tags"])}
        rows = [
            [number.get(tag, -1) for tag in tags[:LONGEST]] if isinstance(tags, Sequence) else []
            for tags in table["tags"]
        ]
        return {"tags": Ragged.of(rows, np.int64)}

    def build(self, facts: Facts) -> nn.Module:
        buckets, tags = facts["data"]["buckets"], len(facts["truths"]["tags"])
        width, depth = SIZES[facts["net"]["size"]]
        return networks.Tagger(
            networks.Network(buckets, tags, width, depth, facts["net"]["dropout"]),
            networks.LinearTagger(buckets, tags),
            networks.Bayes(buckets, tags),
            facts.get("fitted", {}).get("selected", "network"),
        )

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        net.to(device.choose_device(plan.device))
        parts = plan.visible(parts)
        recipe = replace(_recipe(parts.train.rows), learning_rate=self.learning_rate)
        first = self.model == "linear" or plan.fixed is not None

        def network(plan: Plan, fits: Fits) -> Fitted:
            found = loop.fit(net.network, parts, _by_chain, plan, recipe)
            return replace(found, net=answering(net, "network"))

        def linear(plan: Plan, fits: Fits) -> Fitted:
            alone = parts
            if not first:  # few epochs beside the network's; only their number is stored
                plan = replace(plan, epochs=None, folder=_beside(plan), prune=None, shortens=True)
                alone = replace(parts, selection=parts.selection.view(np.zeros(0, np.int64)))
            found = loop.fit(net.linear, alone, _by_token, plan, _LINEAR)
            return replace(found, net=answering(net, "linear"))

        def naive_bayes(plan: Plan, fits: Fits) -> Fitted:
            _count(net.bayes.inner, parts.train)
            return Fitted(answering(net, "naive Bayes"))

        many = [
            Candidate("network", network),
            Candidate("linear", linear, None if first else FREE),
            Candidate("naive Bayes", naive_bayes, FREE),
        ]
        comparison = _comparison(parts.selection, plan.facts)
        return candidates.fit(many, self.model, comparison, plan, shown=net)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        answers = facts["truths"]
        threshold = options.threshold if answers["spans"] else 0.0
        found: list[Any] = [None] * len(outputs["scores"])
        for rows, ways in crf.ways(outputs, answers["tags"]):
            for row, way in zip(rows, ways, strict=True):
                places = outputs["places"].rows(np.array([row])).values
                found[row] = _answer(way, places, answers, threshold)
        return found


def _whole(tags: Any) -> list[str]:
    """All tags, sorted by `natural`, completed with B-, I- and O of every span type."""
    found = set(tags)
    for tag in list(found):
        if tag[:2] in ("B-", "I-"):
            found |= {f"B-{tag[2:]}", f"I-{tag[2:]}", "O"}
    return sorted(found, key=natural)


# --- tokens to numbers ----------------------------------------------------------------------------


def _places(table: Table, read: list[str]) -> list[Any]:
    """Returns (start, end) of each token of each text: from the table, else from our tokenizer."""
    told = table["places"] if "places" in table else [None] * len(table)
    return [
        (one if isinstance(one, Sequence) else tokens.places(text))[:LONGEST] if text else ()
        for one, text in zip(told, read, strict=True)
    ]


def _rows(read: list[str], places: list[Any], buckets: int) -> list[np.ndarray]:
    """The features and positions (T, F + 2) of each text's tokens; hashes each word once."""
    seen = dict[str, list[int]]()
    return [_row(text, one, buckets, seen) for text, one in zip(read, places, strict=True)]


def _row(text: str, places: Any, buckets: int, seen: dict[str, list[int]]) -> np.ndarray:
    words = [text[start:end] for start, end in places]
    found = np.zeros((len(words), FEATURES + 2), np.int32)
    for number, word in enumerate(words):
        if word not in seen:
            seen[word] = [_bucket(part, buckets) for part in _parts(word)]
        found[number, :FEATURES] = seen[word]
    found[:, FEATURES:] = np.asarray(places, np.int32).reshape(-1, 2)
    return found


def _parts(word: str) -> list[str]:
    """The features of a word: itself, lower case, prefixes, suffixes, shape.

    Prefixes have 1 to 3 characters, suffixes 1 to 4; "" where the word is too short.
    """
    small = word.lower()
    long = len(small)
    begins = [f"p{small[:count]}" if long > count or count == 1 else "" for count in (1, 2, 3)]
    ends = [f"s{small[-count:]}" if long > count or count == 1 else "" for count in (1, 2, 3, 4)]
    return [f"w{word}", f"l{small}", *begins, *ends, f"h{_shape(word)}"]


def _shape(word: str) -> str:
    """The shape of a word: X for upper case, x for lower case, 9 for digits.

    Characters of scripts without spaces become c, other characters stay. A symbol appears at most
    twice in a row; the shape has at most 10 symbols.
    """
    found = ""
    for letter in word[:40]:
        kind = _kind(letter)
        if not found.endswith(2 * kind):
            found += kind
    return found[:10]


def _kind(letter: str) -> str:
    if _alone(letter):
        return "c"
    if letter.isalpha():
        return "X" if letter.isupper() else "x"
    return "9" if letter.isdigit() else letter


def _alone(word: str) -> bool:
    """True for a single character of a script written without spaces, such as Chinese."""
    return len(word) == 1 and ("\u2e80" <= word < "\ua000" or "\uf900" <= word < "\ufb00")


def _bucket(part: str, buckets: int) -> int:
    """The hash bucket of a feature, 1 to `buckets` - 1; 0 for an empty feature."""
    return zlib.crc32(part.encode("utf-8", "surrogatepass")) % (buckets - 1) + 1 if part else 0


def _buckets(train: Table) -> int:
    """The number of hash buckets: at least twice the distinct features, 2^10 to 2^17.

    It is a power of two. Features are counted in the first 20,000 training rows.
    """
    some = train.head(20_000)
    read, _ = tokens.texts_of(some["text"])
    rows = _rows(read, _places(some, read), 1 << 31)
    parts = [row[:, :FEATURES].ravel() for row in rows]
    count = len(np.unique(np.concatenate(parts))) if parts else 0
    return int(np.clip(1 << (2 * count - 1).bit_length(), 1 << 10, 1 << 17)) if count else 1 << 10


# --- learning -------------------------------------------------------------------------------------


def _recipe(rows: int) -> loop.Recipe:
    """The recipe of the network: 8 epochs up to 7,500 rows, fewer for more, at least 2."""
    return loop.Recipe(
        "adamw",
        decay=0.01,
        warm=0.1,
        epochs=float(np.clip(60_000 / max(1, rows), 2, 8)),
        least_steps=300,
        batch=32,
        average=0.3,
    )


def _beside(plan: Plan) -> Path | None:
    """Returns the checkpoint folder of the linear model, which stores its number of steps.

    Returns None where the recipe sets that number: without a run folder or a time limit.
    """
    if plan.folder is None or plan.minutes is None:
        return None
    folder = plan.folder / "checkpoints" / "linear"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


_LINEAR = loop.Recipe("adamw", 0.02, warm=0.1, epochs=4, least_steps=100, batch=128, average=0.2)


def _by_chain(candidate: Any, batch: dict[str, Any]) -> Any:
    length = batch["tokens_length"]
    scores = candidate.scores(batch["tokens"], length)
    return networks.chain_loss(scores, candidate.inner.chain, batch["tags"], length)


def _by_token(candidate: Any, batch: dict[str, Any]) -> Any:
    length = batch["tokens_length"]
    return networks.tag_loss(candidate.scores(batch["tokens"], length), batch["tags"], length)


def _count(bayes: Any, train: Columns) -> None:
    """Fits naive Bayes on all training rows, a thousand at a time."""
    place = bayes.prior.device
    for start in range(0, train.rows, 1000):
        batch = train.take(np.arange(start, min(start + 1000, train.rows)))
        there = np.arange(batch["tags"].shape[1]) < batch["tags_length"][:, None]
        there &= batch["tags"] >= 0
        words, tags = batch["tokens"][there], batch["tags"][there]
        bayes.count(torch.from_numpy(words).to(place), torch.from_numpy(tags).to(place))
    bayes.finish()


def _comparison(selection: Columns, facts: Facts) -> Comparison:
    metric = Message("entity F1") if facts["truths"]["spans"] else Message("accuracy")

    def score(name: str, net: Any) -> float:
        return round(_validation_score(net, selection, facts), 4)

    return Comparison(metric, score, selection.rows, False, ".1%", ("network",))


def _validation_score(net: nn.Module, columns: Columns, facts: Facts) -> float:
    """The F1 of exactly matching spans, or the accuracy of tags that do not mark spans.

    Tags with an unknown true label (-1) do not count in the accuracy.
    """
    outputs, names = by_torch(net)(columns.only(["tokens"])), facts["truths"]["tags"]
    truth = list(columns.ragged("tags"))
    pairs = [
        (way.tags, truth[row])
        for rows, ways in crf.ways(outputs, names)
        for row, way in zip(rows, ways, strict=True)
    ]
    if facts["truths"]["spans"]:
        return _f1([(_spans(told, names), _spans(gold, names)) for told, gold in pairs])
    right = sum(int((told == gold).sum()) for told, gold in pairs)
    return right / max(1, sum(int((gold >= 0).sum()) for _, gold in pairs))


def _f1(pairs: list[tuple[list[Any], list[Any]]]) -> float:
    right = sum(len(set(told) & set(gold)) for told, gold in pairs)
    both = sum(len(told) + len(gold) for told, gold in pairs)
    return 2 * right / max(1, both)


# --- tags to answers -----------------------------------------------------------------------------


def _spans(tags: np.ndarray, names: list[str]) -> list[tuple[str, int, int]]:
    """Returns (type, first token, end token) of every span; the end is exclusive.

    An unknown tag (-1) ends a span.
    """
    found, begun = list[tuple[str, int, int]](), -1
    said = [names[tag] if tag >= 0 else "O" for tag in tags]
    for place, name in enumerate([*said, "O"]):
        if begun >= 0 and name != f"I-{said[begun][2:]}":
            found.append((said[begun][2:], begun, place))
            begun = -1
        if name.startswith("B-"):
            begun = place
    return found


def _answer(way: crf.TagPath, places: np.ndarray, answers: Facts, threshold: float) -> Prediction:
    names = answers["tags"]
    if not answers["spans"]:
        ends = places.tolist()
        tags = tuple((names[tag], *ends[place]) for place, tag in enumerate(way.tags))
        return Tags(tags, tuple(way.of_tag(place) for place in range(len(tags))))
    found = [
        ((kind, int(places[start, 0]), int(places[end - 1, 1])), chance)
        for kind, start, end in _spans(way.tags, names)
        if (chance := way.of_span(start, end, names.index(f"I-{kind}"))) >= threshold
    ]
    return Spans(tuple(span for span, _ in found), tuple(chance for _, chance in found))
