"""Messages, help texts and pages use plain English with the field's nouns."""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator

from sentences import sentences

from tenfold import cli
from tenfold.task import options_of
from tenfold.tasks import registry

BANNED = {
    r"(?<!there )\b(is|are) no\b(?! longer)": "write 'is not'",
    r"\bof (which|whom)\b": "split the sentence",
    r"\bwhat (is|was|were|has|had) \w+(ed|[dtn])\b": "use a noun",
    r"\bmend(s|ed)?\b": "fix",
    r"\bsurely\b": "significantly",
    r"\b(rungs?|knobs?)\b": "candidate, setting",
    r"\bguess(es)?\b": "baseline",
    r"\bhanded over\b": "given",
    r"\b(said|told|tells?|says?)\b": "print, state, show",
    r"(?<!too few to )\bjudged?\b": "score, evaluate",
    r"\b(learnt|learns|learned|learn) from\b": "trained on",
    r"\bmade small\b": "loss",
    r"\b(some|any|no)body\b": "user, person",
    r"\bspeaks? (for|against)\b": "support, oppose",
    r"\brests on\b": "depends on",
}
NOUNS = set(
    """
    address attribute augmentation batch cache class column columns comparison cost
    cross-validation csv data device dropout dry epochs explanation file files finished folder
    foreground format host
    hold-out html image items json l2 labelled language learning loss maximum minutes model network
    no number overlap
    optimizer options origins output overwriting port precision random refit run settings task
    threshold timeout token traceback training unusable 8-bit
    """.split()
)
"""First words of help texts: the field's noun of the setting."""


def complaints(text: str) -> list[str]:
    """What is wrong with a sentence; names in braces do not count."""
    plain = re.sub(r"\{.*?\}", "", text)
    return [fix for pattern, fix in BANNED.items() if re.search(pattern, plain, re.I)]


def helps() -> Iterator[tuple[str, str]]:
    """Every help text of the command line: (verb or task and name, text)."""
    for verb in cli._summaries():
        function = getattr(importlib.import_module(f"tenfold.verbs.{verb}"), verb)
        for name, text in cli.explained(inspect.getdoc(function) or "")[0].items():
            yield f"{verb} {name}", text
    for task in registry.names():
        cls = registry.class_of(task)
        for entry in (*dataclasses.fields(cls), *dataclasses.fields(options_of(cls))):
            yield f"{task} {entry.name}", entry.metadata["help"]
    for name, text in cli._SHARED.items():
        yield name, text


def test_sentences_are_plain():
    wrong = {text: found for text in sentences() if (found := complaints(text))}
    assert wrong == {}


def test_help_texts_are_plain_and_begin_with_a_noun():
    texts = dict(helps())
    assert len(texts) > 100, "the collector has gone blind"
    wrong = {name: found for name, text in texts.items() if (found := complaints(text))}
    firsts = {name: re.match(r"[\w-]*", text)[0].lower() for name, text in texts.items()}
    wrong |= {name: f"begins with {word!r}" for name, word in firsts.items() if word not in NOUNS}
    assert wrong == {}


def test_complaints_are_seen():
    bad = "The file is no picture; mend it, or leave out what was told."
    wanted = {"write 'is not'", "fix", "use a noun", "print, state, show"}
    assert set(complaints(bad)) == wanted
    assert complaints("The run {what is told} is no longer open") == []
