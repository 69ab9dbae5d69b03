"""Parser of one-line network descriptions: the layer words, their numbers and their options.

Shapes are not checked here; `notation.shapes` computes them. Does not use torch.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tenfold.core.errors import UsageError, nearest
from tenfold.core.message import EMPTY, Message

__all__ = ["ACTIVATIONS", "DEEPEST", "MOST_LAYERS", "WORDS", "Layer", "Word", "parse", "refused"]

MOST_LAYERS = 200
DEEPEST = 8  # maximum nesting depth of brackets
LONGEST = 10_000  # maximum length of a description, in characters

RELATIVES = ("fast", "listing", "residual")  # named networks, suggested for mistyped words
ELSEWHERE = {
    "softmax": Message(
        "Leave it out: the classification layer and the softmax are added automatically."
    ),
    "input": Message("Leave it out: the size of the pictures comes from the data."),
    "output": Message("Leave it out: the classification layer is added automatically."),
}
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky", "tanh", "sigmoid")


class NumberRange(NamedTuple):
    """Allowed range of a number: `low` to `high`.

    Without a `default` the number is required. With `whole` it must be an integer.
    """

    low: float
    high: float
    default: float | None = None
    whole: bool = True


@dataclass(frozen=True)
class Word:
    """A layer word: its other names (`also`), its number, the `unit` of the number, its options.

    An option whose range is None is a flag without a number. With `pair`, the number may be written
    as height x width.
    """

    also: tuple[str, ...] = ()
    number: NumberRange | None = None
    unit: Message = EMPTY
    options: Mapping[str, NumberRange | None] = field(default_factory=dict)
    pair: bool = False


_WIDTH, _SIDE = NumberRange(1, 65_536), NumberRange(1, 1024)
_WINDOW, _STRIDE = NumberRange(1, 99, 2), NumberRange(1, 99, 1)
_POOLING = {"stride": NumberRange(1, 99, 0)}  # 0: same as the window
_SIGNS = str.maketrans("×*、", "xx,")
_SHORT = {"k": "kernel", "s": "stride"}

# docs/networks.md documents each word; a test compares its table with this one.
WORDS: dict[str, Word] = {
    "conv": Word(
        ("convolution", "conv2d"),
        _WIDTH,
        Message("number of maps"),
        {
            "kernel": NumberRange(1, 99, 3),
            "stride": _STRIDE,
            "same": None,
            "valid": None,
            "nobias": None,
        },
    ),
    "maxpool": Word(
        ("pool", "maxpooling", "maxpool2d"),
        _WINDOW,
        Message("side of the window"),
        _POOLING,
        pair=True,
    ),
    "averagepool": Word(
        ("avgpool", "averagepooling", "avgpool2d", "meanpool"),
        _WINDOW,
        Message("side of the window"),
        _POOLING,
        pair=True,
    ),
    "dense": Word(
        ("linear", "fc", "fullyconnected"), _WIDTH, Message("number of values"), {"nobias": None}
    ),
    "batchnorm": Word(("bn", "batchnormalization", "batchnormalisation", "batchnorm2d")),
    "groupnorm": Word(
        ("gn", "groupnormalization", "groupnormalisation"),
        NumberRange(1, 65_536, 0),
        Message("number of groups"),
    ),
    **{name: Word() for name in ACTIVATIONS},
    "dropout": Word(("drop",), NumberRange(0, 0.99, 0.5, False), Message("share")),
    "flatten": Word(("flat",)),
    "globalaverage": Word(("gap", "globalavg", "globalmean", "globalaveragepool", "globalavgpool")),
    "globalmax": Word(("gmp", "globalmaxpool")),
    "view": Word(("middle", "centercrop"), _SIDE, Message("side of the crop"), pair=True),
    "residual": Word(("res",)),
}
_ALSO = {
    **{other: name for name, word in WORDS.items() for other in word.also},
    **{"rectifier": "relu", "swish": "silu", "leakyrelu": "leaky"},
}


@dataclass(frozen=True)
class Layer:
    """A parsed layer: canonical name, its one or two numbers, its options, the layers inside.

    `text` is the word as written, `place` its position in the line. Missing options have their
    default values; flags are 0 or 1.
    """

    text: str
    place: int
    name: str
    sizes: tuple[float, ...] = ()
    options: Mapping[str, int] = field(default_factory=dict)
    body: tuple[Layer, ...] = ()


class _Node(NamedTuple):
    """A word as written; `inside` holds the words in its brackets, None without brackets."""

    text: str
    place: int
    inside: tuple[_Node, ...] | None = None


def parse(line: str) -> tuple[Layer, ...]:
    """Parses a network description into layers, with repetitions expanded; shapes are not checked.

    Case does not matter, full-width characters count as ordinary ones, and hyphens and underscores
    inside words are ignored. Raises UsageError (network-line), for a wrong layer with its number
    and text.
    """
    text = plain(line)
    if not text.strip(" ,;"):
        fix = Message("A small network: conv32 maxpool2 relu conv64 maxpool2 relu globalaverage.")
        raise refused(Message("The network description is empty"), fix=fix)
    if len(text) > LONGEST:
        raise refused(
            Message(
                "The network description has {count} characters; at most {limit} are allowed",
                count=len(text),
                limit=LONGEST,
            )
        )
    return tuple(_Reader(text).layers(_nodes(text)))


def plain(line: str) -> str:
    """The line in lower case, with full-width characters replaced by ordinary ones."""
    text = unicodedata.normalize("NFKC", line).translate(_SIGNS).lower()
    return re.sub(r"(?<!\S)([0-9]+)\s*x\s*\(", r"\1x(", text)


def refused(said: Message, line: str = "", place: int = 0, fix: Message = EMPTY) -> UsageError:
    """The UsageError (network-line) with a message, showing the line around position `place`."""
    start, end = max(0, place - 50), place + 70
    before, after = "..." if start else "", "..." if end < len(line) else ""
    shown = "".join(sign if sign.isprintable() else "?" for sign in line[start:end].strip())
    where = f"{before}{shown}{after}"
    return UsageError(said, code="network-line", where=where, fix=fix)


# --- brackets -------------------------------------------------------------------------------------


def _nodes(text: str) -> tuple[_Node, ...]:
    """Returns the words of a line as a tree: words in brackets are children of the word before.

    Raises UsageError for brackets that do not match or are nested too deep.
    """
    heads: list[_Node] = []
    levels: list[list[_Node]] = [[]]
    for found in re.finditer(r"[()]|[^\s,;()]+", text):
        word, place = found[0], found.start()
        if word == "(":
            heads.append(_head(levels[-1], text, place))
            levels.append([])
            if len(heads) > DEEPEST:
                raise refused(
                    Message("Brackets are nested more than {limit} deep", limit=DEEPEST),
                    text,
                    place,
                )
        elif word == ")":
            if not heads:
                fix = Message("Remove it, or open one before it with residual( or 3x(.")
                raise refused(Message("A closing bracket has no opening one"), text, place, fix)
            levels[-2].append(heads.pop()._replace(inside=tuple(levels.pop())))
        else:
            levels[-1].append(_Node(word, place))
    if heads:
        head = heads[-1]
        raise refused(
            Message("The bracket after {text!r} is not closed", text=head.text), text, head.place
        )
    return tuple(levels[0])


def _head(level: list[_Node], text: str, place: int) -> _Node:
    """Removes and returns the word before an opening bracket; UsageError where there is none."""
    if not level or level[-1].inside is not None:
        fix = Message("Write brackets after residual or after a repetition: 3x(conv64 relu).")
        raise refused(Message("An opening bracket must follow a word"), text, place, fix)
    return level.pop()


# --- words ----------------------------------------------------------------------------------------


class _Reader:
    """Converts the words of one line to layers, counting them for error messages."""

    def __init__(self, line: str) -> None:
        self.line, self.count = line, 0

    def layers(self, nodes: tuple[_Node, ...]) -> Iterator[Layer]:
        for node in nodes:
            if times := re.fullmatch(r"([0-9]+)x", node.text):
                yield from self._repeated(node, times[1])
            elif _ALSO.get(node.text, node.text) == "residual":
                inside = tuple(self.layers(self._inside(node, "residual(conv64 batchnorm relu)")))
                yield Layer(f"{node.text}(...)", node.place, "residual", body=inside)
            else:
                yield self._layer(node)

    def _repeated(self, node: _Node, digits: str) -> Iterator[Layer]:
        inside = self._inside(node, "3x(conv64 relu)")
        times = int(digits) if len(digits) < 7 else 10**6
        if not times:
            said = Message("The repetition {text!r} must be 1x or more", text=node.text)
            raise refused(
                said,
                self.line,
                node.place,
                Message("Write a repetition of 1x or more, or leave it out."),
            )
        for _ in range(times):  # stops at MOST_LAYERS: the brackets hold at least one layer
            yield from self.layers(inside)

    def _inside(self, node: _Node, example: str) -> tuple[_Node, ...]:
        if not node.inside:
            said = Message("{text!r} needs layers in brackets", text=node.text)
            raise refused(
                said,
                self.line,
                node.place,
                Message("Write for example {example}.", example=example),
            )
        return node.inside

    def _layer(self, node: _Node) -> Layer:
        self.count += 1
        if self.count > MOST_LAYERS:
            raise self._wrong(
                node,
                Message("is one layer too many: at most {limit} are allowed", limit=MOST_LAYERS),
            )
        head, *rest = node.text.split(":")
        name, digits = self._named(node, head)
        if node.inside is not None:
            fix = Message(
                "Attach the number to the name: {name}{number}.",
                name=name,
                number="64" if WORDS[name].number else "",
            )
            raise self._wrong(node, Message("takes no brackets"), fix)
        sizes = self._sizes(node, name, digits)
        return Layer(node.text, node.place, name, sizes, self._options(node, name, rest))

    def _named(self, node: _Node, head: str) -> tuple[str, str]:
        """Splits a word such as `conv64` into its layer's canonical name and its number, as text.

        The text is empty without a number. Raises UsageError for an unknown layer.
        """
        found = re.fullmatch(r"([^\W\d][a-z_-]*?(?:2d)?)_?(-?[0-9.][0-9.x]*)?", head)
        letters = re.sub("[_-]", "", found[1]) if found else head
        name = _ALSO.get(letters, letters)
        if found and name in WORDS:
            return name, found[2] or ""
        known = [*WORDS, *_ALSO] + ([] if found and found[2] else list(RELATIVES))
        near = difflib.get_close_matches(letters, known, n=1, cutoff=0.55)
        fix = ELSEWHERE.get(letters) or nearest(letters, near or WORDS)
        raise self._wrong(node, Message("is not a known layer"), fix)

    def _sizes(self, node: _Node, name: str, digits: str) -> tuple[float, ...]:
        word = WORDS[name]
        if word.number is None:
            if digits:
                raise self._wrong(
                    node,
                    Message("takes no number, got {digits}", digits=digits[:20]),
                    Message("Write {name}.", name=name),
                )
            return ()
        if not digits and word.number.default is None:
            raise self._wrong(
                node,
                Message("needs its {unit}", unit=word.unit),
                Message("Write for example {name}64.", name=name),
            )
        if not digits:
            return (word.number.default or 0,)
        parts = digits.split("x") if word.pair else [digits]
        if len(parts) > 2:
            raise self._wrong(
                node,
                Message("has more numbers than height x width"),
                Message("Write for example {name}2x3.", name=name),
            )
        return tuple(self._number(node, part, word.number, word.unit) for part in parts)

    def _number(self, node: _Node, digits: str, allowed: NumberRange, unit: Message) -> float:
        form = r"-?[0-9]+" if allowed.whole else r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
        value = float(digits) if re.fullmatch(form, digits) and len(digits) < 20 else None
        if value is not None and allowed.low <= value <= allowed.high:
            return int(value) if allowed.whole else value
        said = Message("needs its {unit}", unit=unit)
        if digits:
            said = Message("has {digits} as its {unit}", digits=digits[:20], unit=unit)
        limits = {"low": allowed.low, "high": allowed.high}
        if allowed.whole:
            fix = Message("Allowed: a whole number from {low:g} to {high:,}.", **limits)
        else:
            fix = Message("Allowed: a number from {low:g} to {high:,}.", **limits)
        raise self._wrong(node, said, fix)

    def _options(self, node: _Node, name: str, given: list[str]) -> dict[str, int]:
        """All options of the word with their values, given or default."""
        allowed, found = WORDS[name].options, dict[str, int]()
        for text in given:
            matched = re.fullmatch(r"([a-z]+)=?(-?[0-9.]*)", text)
            option = _SHORT.get(matched[1], matched[1]) if matched else text
            if not matched or option not in allowed:
                fix = (
                    nearest(option, allowed)
                    if allowed
                    else Message("Write {name} without an option.", name=name)
                )
                raise self._wrong(node, Message("has no option {text!r}", text=text[:40]), fix)
            if option in found or {option, *found} >= {"same", "valid"}:
                raise self._wrong(
                    node, Message("cannot have the option {text!r} as well", text=text)
                )
            range_ = allowed[option]
            if range_ is None and matched[2]:
                raise self._wrong(
                    node, Message("has the option {option!r}, which takes no number", option=option)
                )
            unit = Message("{option}", option=option)
            found[option] = int(self._number(node, matched[2], range_, unit)) if range_ else 1
        return {name: int(one.default or 0) if one else 0 for name, one in allowed.items()} | found

    def _wrong(self, node: _Node, said: Message, fix: Message = EMPTY) -> UsageError:
        return refused(
            Message(
                "Layer {number} {text!r} {said}", number=self.count, text=node.text[:60], said=said
            ),
            self.line,
            node.place,
            fix,
        )
