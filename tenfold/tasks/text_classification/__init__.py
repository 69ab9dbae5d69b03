"""Predicts the class of a text, such as its topic or sentiment, or several classes.

Folder:
    reviews.csv             a text and a label per line; also TSV, JSONL, Parquet, each also as .gz
    or  train.csv  valid.csv  test.csv, where the data are already split
    or  sport/  1.txt  2.txt        one folder per class
        economy/  3.txt
    or  good.txt  bad.txt           one file per class, one text per line
    or lines of "label text", "text TAB label" or fastText's "__label__sport text"
Predicts: Label (or Labels) with calibrated probabilities of all classes.

Sources: S. Wang and C. Manning 2012 (n-grams scaled by naive Bayes), Y. Kim 2014, arXiv 1408.5882
(convolution over words), A. Joulin et al. 2016, arXiv 1607.01759 (hashed n-grams; ours keeps only
those seen twice, so that none collide, and mixes a bag, a linear model and a convolution with
weights fitted on validation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.answers import classes as class_answers
from tenfold.answers.classification import logits
from tenfold.answers.classification import losses as training_losses
from tenfold.answers.kind import AnswerKind
from tenfold.answers.label import LABEL
from tenfold.answers.labels import LABELS
from tenfold.core import device
from tenfold.core.columns import Column, Encoded, Parts, Ragged
from tenfold.core.fitted import Fitted
from tenfold.core.lazy import lazy
from tenfold.core.plan import Plan
from tenfold.core.results import Prediction
from tenfold.core.rows import Rows
from tenfold.core.settings import Range, setting
from tenfold.media.input import Input
from tenfold.media.reading import AS_FOUND, Reading
from tenfold.media.text import labelled, tokens
from tenfold.media.text.medium import TEXT
from tenfold.media.text.ngrams import vocabulary
from tenfold.task import Facts, Outputs, Table, Task
from tenfold.tasks.text_classification import linear_models
from tenfold.training import candidates, loop
from tenfold.training.candidates import FREE, Candidate, Fits, answering

if TYPE_CHECKING:
    from torch import nn

torch = lazy("torch")
networks = lazy("tenfold.networks.text_classifier")

# Shapes: K classes, V n-grams in the vocabulary

INPUTS = {"text": Input("text")}
SIZES = {"tiny": 48, "small": 128, "medium": 192, "large": 256}
MODELS = ("auto", "naive-bayes", "linear", "convolution", "mixed")


@dataclass(frozen=True)
class TextClassification(Task):
    """The task of text classification; the module's docstring describes it."""

    size: str = setting("small", "model size", choices=(*SIZES,), search=("tiny", "medium"))
    model: str = setting("auto", "model, auto = best on validation", choices=MODELS)
    loss: str = setting("auto", "loss function", choices=training_losses.LOSSES)
    learning_rate: float = setting(
        0.002, "learning rate", low=1e-6, high=1.0, search=Range(0.0005, 0.008)
    )
    dropout: float = setting(0.5, "dropout rate", low=0.0, high=0.9, search=(0.3, 0.6))
    cost: float = setting(
        0.0,
        "cost C of the linear models (inverse regularization strength), 0 = best on validation",
        low=0.0,
        high=1000.0,
    )

    answers = (LABEL, LABELS)
    roles = TEXT.roles

    def read(self, source: Any, reading: Reading = AS_FOUND) -> Rows:
        rows = labelled.read(source, reading)
        return rows.completed(class_answers.kind_in(rows.table), INPUTS, reading)

    def learn(self, train: Rows) -> Facts:
        data = _vocabularies(list(train.table["text"]), self.model)
        return {
            "data": data,
            "truths": class_answers.answers(train),
            "net": {"size": self.size, "dropout": self.dropout},
        }

    def inputs(self, facts: Facts) -> dict[str, Input]:
        return INPUTS

    def answer(self, facts: Facts) -> AnswerKind:
        return class_answers.kind_of(facts["truths"])

    def encode(self, table: Table, facts: Facts) -> Encoded:
        data = facts["data"]
        read, problems = tokens.texts_of(table["text"])
        block = tokens.block(read)
        return Encoded(
            {"ids": vocabulary.encoded(block, data), "tokens": _tokens(block, data)}, problems
        )

    def targets(self, table: Table, facts: Facts) -> dict[str, Column]:
        return {**class_answers.targets(table, facts["truths"])}

    def build(self, facts: Facts) -> nn.Module:
        data, answers, net = facts["data"], facts["truths"], facts["net"]
        classes, words = len(answers["classes"]), len(tokens.unpacked(data["tokens"]))
        convolution = networks.Convolution(
            words + 2,
            max(2, data["buckets"]),
            tokens.FEATURES,
            classes,
            SIZES[net["size"]],
            net["dropout"],
        )
        found = networks.TextClassifier(
            vocabulary.count(data), convolution, classes, answers["several"]
        )
        fitted = facts.get("fitted", {})
        found.selected = fitted.get("selected", "mixed")
        logits.biased(found, fitted)
        return found

    def fit(self, net: Any, parts: Parts, plan: Plan) -> Fitted:
        parts = plan.visible(parts)
        loss_function = training_losses.loss_function(
            self.loss, plan.facts["truths"], device.choose_device(plan.device)
        )
        recipe = replace(_recipe(parts.train.rows), learning_rate=self.learning_rate)

        def convolution(plan: Plan, fits: Fits) -> Fitted:
            net.selected = "convolution"
            found = loop.fit(
                net, parts, loss_function, plan, recipe, _without_words, training_losses.measure
            )
            return replace(found, net=answering(net, "convolution"))

        linear = self._linear_models(net, parts, plan.facts)
        many = [
            Candidate("naive Bayes", linear.naive_bayes, FREE, always=self.model == "mixed"),
            Candidate("linear", linear.linear, FREE),
            Candidate("convolution", convolution),
            Candidate("mixed", linear.mixed, FREE, needs=("linear", "convolution")),
        ]
        fitted = candidates.fit(many, self.model, linear.comparison(), plan, shown=net)
        net = fitted.net
        read = partial(linear_models.logits_of, net.logits, net)
        shares = logits.shares_of(self.loss, plan.facts["truths"])
        calibrated = logits.calibrate(net, parts, read, plan, shares)
        costs = {} if self.model == "convolution" else {"cost": linear.costs}
        return replace(fitted, facts=fitted.facts | costs | calibrated)

    def decode(self, outputs: Outputs, facts: Facts, options: Any) -> list[Prediction]:
        return class_answers.answers_of(outputs["probabilities"], facts["truths"], options)

    def _linear_models(self, net: Any, parts: Parts, facts: Facts) -> linear_models.LinearModels:
        data, answers = facts["data"], facts["truths"]
        words, classes = len(tokens.unpacked(data["grams"])), len(answers["classes"])
        several = answers["several"]
        return linear_models.LinearModels(
            net, parts, vocabulary.count(data), words, classes, several, self.cost
        )


SEEN = 100_000
"""Number of training rows from which the vocabularies are built."""
FEW = 500
"""Number of training rows below which n-grams that occur in only one text are kept too."""
HEAD = 256
"""Number of tokens from the beginning, and from the end, that the convolution sees."""


def _vocabularies(read: list[str], model: str) -> Facts:
    """The facts for `encode`: vocabularies of n-grams and tokens, and the n-gram lengths.

    Only what the model needs is built: no character n-grams for naive Bayes, and no tokens for
    naive Bayes and linear models, which ignore word order.
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
    found = {name: vocabulary.often(hashes, least) for name, hashes in seen.items()}
    buckets = 1 << int(np.clip(np.log2(max(1, len(read))), 10, 15))
    return cut | found | {"buckets": buckets if ordered else 0}


def _tokens(block: tokens.Block, data: Facts) -> Ragged:
    """Returns the features (T, F) of the T tokens of each text; of long texts, only both ends.

    All texts are empty where the model does not use word order.
    """
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
    return vocabulary.ragged(row[kept], values, block.texts)


# --- learning -------------------------------------------------------------------------------------


def _recipe(rows: int) -> loop.Recipe:
    """The recipe of the convolution: 10 epochs up to 10,000 rows, fewer for more rows."""
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
    """Replaces a random tenth of the tokens by the unknown token without subwords (word dropout).

    This keeps the network from relying on single words.
    """
    found = batch["tokens"]
    hidden = (torch.rand(found.shape[:2], device=found.device) < 0.1) & (found[..., 0] > 0)
    unknown = torch.zeros_like(found)
    unknown[..., 0] = 1
    return batch | {"tokens": torch.where(hidden[..., None], unknown, found)}
