"""Say what a text is about, or how it is meant: one class of several, or any number of classes.

Folder:
    reviews.csv             a text and a label a line; also TSV, JSONL, Parquet, each also as .gz
    or  train.csv  valid.csv  test.csv, if you have parts
    or  sport/  1.txt  2.txt        one folder a class
        economy/  3.txt
    or  good.txt  bad.txt           one file a class, a text a line
    or lines of "label text", "text TAB label" or fastText's "__label__sport text"
Predicts: Label (or Labels), the whole calibrated distribution.
Sources: S. Wang and C. Manning 2012 (n-grams scaled by naive Bayes), Y. Kim 2014, arXiv 1408.5882
(convolution over words), A. Joulin et al. 2016, arXiv 1607.01759 (hashed n-grams; ours keeps those
seen twice, so that none collide, and mixes a bag, a linear model and a convolution on validation).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers import calibration
from tenfold.answers import classes as class_answers
from tenfold.answers.kind import AnswerKind
from tenfold.answers.label import LABEL
from tenfold.answers.labels import LABELS
from tenfold.core import device
from tenfold.core.columns import Column, Columns, Encoded, Parts, Ragged
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.progress import tell
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.media.input import Input
from tenfold.media.text import labelled, tokens
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.text_classification import bag_of_words
from tenfold.training import loop
from tenfold.training import losses as training_losses
from tenfold.training.inference import by_torch

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.text_classifier")

# K classes, V n-grams known

INPUTS = {"text": Input("text")}
SIZES = {"tiny": 48, "small": 128, "medium": 192, "large": 256}
CANDIDATES = ("naive Bayes", "linear", "convolution", "mixed")
MODELS = ("auto", "naive-bayes", "linear", "convolution", "mixed")


@dataclass(frozen=True)
class TextClassification(Task):
    """See the module."""

    size: str = setting("small", "how much network", choices=(*SIZES,), search=("tiny", "medium"))
    model: str = setting("auto", "which part answers, auto = best on validation", choices=MODELS)
    loss: str = setting("auto", "what is made small", choices=training_losses.LOSSES)
    learning_rate: float = setting(
        0.002, "learning rate", low=1e-6, high=1.0, search=Range(0.0005, 0.008)
    )
    dropout: float = setting(
        0.5, "share of values left out at random", low=0.0, high=0.9, search=(0.3, 0.6)
    )
    cost: float = setting(
        0.0, "what an error costs the linear models, 0 = best on validation", low=0.0, high=1000.0
    )

    answers = (LABEL, LABELS)

    def read(self, source: Any) -> Rows:
        rows = labelled.read(source)
        return rows.completed(class_answers.kind_in(rows.table), INPUTS)

    def learn(self, train: Rows) -> Facts:
        data = _vocabularies(list(train.table["text"]), self.model)
        return {
            "data": data,
            "answers": class_answers.answers(train),
            "net": {"size": self.size, "dropout": self.dropout},
        }

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> AnswerKind:
        return class_answers.kind_of(facts["answers"])

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        read, problems = tokens.texts_of(table["text"])
        block = tokens.block(read)
        return Encoded({"ids": _grams(block, data), "tokens": _tokens(block, data)}, problems)

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**class_answers.targets(table, facts["answers"])}

    def build(self, facts: Facts) -> nn.Module:
        data, answers, net = facts["data"], facts["answers"], facts["net"]
        classes, words = len(answers["classes"]), len(tokens.unpacked(data["tokens"]))
        convolution = networks.Convolution(
            words + 2,
            max(2, data["buckets"]),
            tokens.FEATURES,
            classes,
            SIZES[net["size"]],
            net["dropout"],
        )
        found = networks.TextClassifier(_known(data), convolution, classes, answers["several"])
        found.selected = facts.get("fitted", {}).get("selected", "mixed")
        return found

    def fit(self, net: Any, parts: Parts, plan: Plan) -> tuple[nn.Module, dict[str, Any]]:
        facts, fitted = plan.facts, dict[str, Any]()
        if self.model in ("auto", "convolution", "mixed"):
            net.selected = "convolution"
            loss_function = training_losses.loss_function(
                self.loss, facts["answers"], device.choose_device(plan.device)
            )
            recipe = replace(_recipe(parts.train.rows), learning_rate=self.learning_rate)
            net, fitted = loop.fit(
                net, parts, loss_function, plan, recipe, _without_words, training_losses.measure
            )
        if plan.dry:
            return net, fitted
        if self.model != "convolution":
            fitted |= _fit_bags(net, parts, facts, self.cost, self.model)
        fitted |= _keep(net, parts, self.model)
        fitted["temperature"] = _calibrate(net, parts)
        return net.eval(), fitted

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return class_answers.answers_of(outputs["probabilities"], facts["answers"], options)

    def candidates(self, net: Any, facts: Facts) -> dict[str, nn.Module]:
        tried = facts["fitted"].get("validation_scores", {})
        return {name: _as(net, name) for name in tried if name != net.selected}


GRAMS = 1 << 17
"""Most n-grams of words, and most of characters, that are known."""
SEEN = 100_000
"""Training rows that tell which n-grams there are."""
FEW = 500
"""Training rows below which an n-gram that was seen once is known too."""
HEAD = 256
"""Tokens from the beginning, and as many from the end, that the convolution sees."""


def _vocabularies(read: list[str], model: str) -> Facts:
    """What `encode` knows: which n-grams and words there are, and how they are cut.

    Only what the network asked for looks at: naive Bayes no characters, bags no order.
    """
    blocks = [tokens.block(read[at : at + 4096]) for at in range(0, min(len(read), SEEN), 4096)]
    alone = np.mean([one.single for one in blocks]) > 0.3
    cut = {"words": 2, "least": 1, "most": 3} if alone else {"words": 3, "least": 2, "most": 5}
    if model == "naive-bayes":
        cut |= {"words": 2, "most": 0}
    ordered = model not in ("naive-bayes", "linear")
    least = 1 if len(read) < FEW else 2
    seen = {
        "grams": [one.grams(cut["words"], 1, 0)[1] for one in blocks],
        "characters": [one.grams(0, cut["least"], cut["most"])[1] for one in blocks],
        "tokens": [one.words for one in blocks if ordered],
    }
    found = {name: _often(hashes, least) for name, hashes in seen.items()}
    buckets = 1 << int(np.clip(np.log2(max(1, len(read))), 10, 15))
    return cut | found | {"buckets": buckets if ordered else 0}


def _often(hashes: list[np.ndarray], least: int) -> str:
    """Those that at least so many texts hold, at most GRAMS of them, the most frequent."""
    if not hashes:
        return tokens.packed(np.zeros(0, np.uint32))
    names, counts = np.unique(np.concatenate(hashes), return_counts=True)
    kept = counts >= least
    names, counts = names[kept], counts[kept]
    return tokens.packed(names[np.argsort(-counts, kind="stable")[:GRAMS]])


def _known(data: Facts) -> int:
    """How many n-grams are known."""
    return sum(len(tokens.unpacked(data[name])) for name in ("grams", "characters"))


def _grams(block: tokens.Block, data: Facts) -> Ragged:
    """The numbers, from 1, of the known n-grams of each text: those of words, then the others."""
    words, characters = (tokens.unpacked(data[name]) for name in ("grams", "characters"))
    row, hashed = block.grams(data["words"], 1, 0)
    more_row, more_hashed = block.grams(0, data["least"], data["most"])
    row = np.concatenate([row, more_row])
    number = tokens.known(hashed, words), tokens.known(more_hashed, characters)
    ids = np.concatenate([number[0], np.where(number[1] < 0, -1, number[1] + len(words))]) + 1
    order = np.argsort(row[ids > 0], kind="stable")
    return _ragged(row[ids > 0][order], ids[ids > 0][order].astype(np.int32), block.texts)


def _tokens(block: tokens.Block, data: Facts) -> Ragged:
    """Tokens of each text (T, F), of long ones those at both ends; none where order is nothing."""
    if not data["buckets"]:
        return Ragged.of([()] * block.texts, np.int32, (tokens.FEATURES,))
    words, parts = block.features(data["buckets"])
    row = block.row[block.starts]
    first = np.searchsorted(row, np.arange(block.texts))
    length = np.bincount(row, minlength=block.texts)
    place = np.arange(len(row)) - first[row]
    kept = (place < HEAD) | (place >= length[row] - HEAD)
    number = tokens.known(words, tokens.unpacked(data["tokens"])) + 2
    values = np.concatenate([number[:, None], parts], 1)[kept].astype(np.int32)
    return _ragged(row[kept], values, block.texts)


def _ragged(row: np.ndarray, values: np.ndarray, rows: int) -> Ragged:
    lengths = np.bincount(row, minlength=rows)
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


# --- learning -------------------------------------------------------------------------------------


def _recipe(rows: int) -> loop.Recipe:
    """Ten passes over ten thousand rows, fewer over more."""
    return loop.Recipe(
        "adamw",
        decay=0.01,
        second=0.99,
        warm=0.1,
        epochs=float(np.clip(100_000 / max(1, rows), 2, 10)),
        least_steps=300,
        batch=64 if rows < 50_000 else 256,
        average=0.2,
    )


def _without_words(batch: dict[str, Any], share: float) -> dict[str, Any]:
    """One token of ten is taken for an unknown one without parts: no word decides alone."""
    found = batch["tokens"]
    hidden = (torch.rand(found.shape[:2], device=found.device) < 0.1) & (found[..., 0] > 0)
    unknown = torch.zeros_like(found)
    unknown[..., 0] = 1
    return batch | {"tokens": torch.where(hidden[..., None], unknown, found)}


COSTS = (0.1, 0.3, 1.0)


def _fit_bags(net: Any, parts: Parts, facts: Facts, cost: float, wanted: str) -> dict[str, Any]:
    """Learns the bags that are wanted; what an error costs, and of which n-grams, is chosen."""
    grams, words = _known(facts["data"]), len(tokens.unpacked(facts["data"]["grams"]))
    rows, kept = bag_of_words.matrix(parts.train, "ids", grams)
    truth = _truth(parts.train, facts)[kept]
    alone = rows[:, :words]
    judged, some = bag_of_words.matrix(parts.selection, "ids", grams)
    best = partial(_best, judged=judged, answers=_answers(parts.selection)[some])
    costs, fitted = (cost,) if cost else COSTS, {}
    if wanted != "linear":
        bayes = bag_of_words.naive_bayes(alone, truth, facts["answers"]["several"])
        _put(net.bayes, bayes.widened(grams))
    if wanted != "naive-bayes":
        idf = bag_of_words.frequencies(rows)
        tried = {f"{one:g}": bag_of_words.linear(rows, truth, idf, one) for one in costs}
        for one in costs:
            found = bag_of_words.linear(alone, truth, idf[:words], one)
            tried[f"{one:g} words"] = found.widened(grams)
        fitted["linear"] = best(net.linear, tried)
    if wanted in ("auto", "mixed"):
        scales = bag_of_words.ratios(rows, truth)
        tried = {f"{one:g}": bag_of_words.linear(rows, truth, scales, one) for one in costs}
        fitted["bag"] = best(net.bag, tried)
    return {"cost": fitted}


def _best(
    bag: Any, tried: dict[str, bag_of_words.Weights], judged: Any, answers: np.ndarray
) -> str:
    """The name of the weights that validation likes best, which the bag takes."""
    losses = {name: _validation_score(one.scores(judged), answers) for name, one in tried.items()}
    name = min(losses, key=lambda each: losses[each])
    _put(bag, tried[name])
    return name


def _put(bag: Any, found: bag_of_words.Weights) -> None:
    with torch.no_grad():
        bag.weights[1:] = torch.from_numpy(found.weights)
        bag.squares[1:] = torch.from_numpy(found.squares)
        bag.bias.copy_(torch.from_numpy(found.bias))


def _truth(columns: Columns, facts: Facts) -> np.ndarray:
    """(N, K) zeros and ones."""
    answers = _answers(columns)
    if answers.ndim == 2:
        return answers.astype(np.float32)
    return np.eye(len(facts["answers"]["classes"]), dtype=np.float32)[answers]


def _answers(columns: Columns) -> np.ndarray:
    """(N,) class numbers or (N, K) zeros and ones."""
    return np.asarray(columns["labels" if "labels" in columns else "label"])


def _validation_score(logits: np.ndarray, answers: np.ndarray) -> float:
    """Log loss at the temperature that suits best, so that only the order is judged."""
    return calibration.log_loss(logits / calibration.temperature(logits, answers), answers)


def _keep(net: Any, parts: Parts, wanted: str) -> dict[str, Any]:
    """Mixes the branches; keeps the candidate that was requested, or the best on validation."""
    if wanted in ("linear", "naive-bayes", "convolution"):
        net.selected = wanted.replace("naive-bayes", "naive Bayes")
        return {"selected": net.selected}
    answers = _answers(parts.selection)
    branches = _logits(net, parts.selection, "branches").swapaxes(0, 1)
    with torch.no_grad():
        net.mix.copy_(torch.from_numpy(calibration.mixed(branches, answers)))
    losses = {
        name: round(_validation_score(_logits(_as(net, name), parts.selection), answers), 4)
        for name in CANDIDATES
    }
    best = min(losses, key=lambda name: losses[name]) if parts.selection.rows else "mixed"
    net.selected = best if wanted == "auto" else wanted
    said = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
    tell(f"On validation (log loss): {said}. {net.selected} is kept.")
    mix = [round(float(one), 4) for one in net.mix]
    return {"selected": net.selected, "validation_scores": losses, "mix": mix}


def _as(net: Any, name: str) -> nn.Module:
    """The same weights, another part answering."""
    other = copy.copy(net)
    other.selected = name
    return other


def _logits(net: Any, columns: Columns, of: str = "logits") -> np.ndarray:
    """(N, K) logits, or (N, 3, K) of the branches."""
    if not columns.rows:
        return np.zeros((0, 3, 2) if of == "branches" else (0, 2), np.float32)
    infer = by_torch(net, ask=lambda **batch: {of: getattr(net, of)(**batch)})
    return np.asarray(infer(columns.only(["ids", "tokens"]))[of])


def _calibrate(net: Any, parts: Parts) -> float:
    """Sets the network's temperature from the reserved half of validation."""
    found = calibration.temperature(_logits(net, parts.calibration), _answers(parts.calibration))
    with torch.no_grad():
        net.temperature.fill_(found)
    return round(found, 4)
