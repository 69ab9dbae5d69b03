"""The words of a network in one line: what each means, its number, its options; a line as layers.

Nothing here knows shapes: see `notation`, which fits the layers to a picture. No torch.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tenfold.core.errors import UsageError, nearest

__all__ = ["ACTIVATIONS", "DEEPEST", "MOST_LAYERS", "WORDS", "Layer", "Word", "parse", "refused"]

MOST_LAYERS = 200
DEEPEST = 8  # brackets inside brackets
LONGEST = 10_000  # characters

RELATIVES = ("fast", "listing", "residual")  # networks that have a name, for mistyped ones
ELSEWHERE = {
    "softmax": "Leave it out: the layer to the classes and what follows it are added.",
    "input": "Leave it out: the size of the pictures is known from the data.",
    "output": "Leave it out: the layer to the classes is added.",
}
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky", "tanh", "sigmoid")


class NumberRange(NamedTuple):
    """What a number may be; `default` None = it must be given. `whole` = no fraction."""

    low: float
    high: float
    default: float | None = None
    whole: bool = True


@dataclass(frozen=True)
class Word:
    """A kind of layer: other names for it, its number, what the number is, its options.

    An option without a Range is there or not. `pair` = the number may be height x width.
    """

    also: tuple[str, ...] = ()
    number: NumberRange | None = None
    unit: str = ""
    options: Mapping[str, NumberRange | None] = field(default_factory=dict)
    pair: bool = False


_WIDTH, _SIDE = NumberRange(1, 65_536), NumberRange(1, 1024)
_WINDOW, _STRIDE = NumberRange(1, 99, 2), NumberRange(1, 99, 1)
_POOLING = {"stride": NumberRange(1, 99, 0)}  # 0: as wide as the window
_SIGNS = str.maketrans("×*、", "xx,")
_SHORT = {"k": "kernel", "s": "stride"}

# What each word does is told in docs/networks.md; a test holds that table to this one.
WORDS: dict[str, Word] = {
    "conv": Word(
        ("convolution", "conv2d"),
        _WIDTH,
        "number of maps",
        {
            "kernel": NumberRange(1, 99, 3),
            "stride": _STRIDE,
            "same": None,
            "valid": None,
            "nobias": None,
        },
    ),
    "maxpool": Word(
        ("pool", "maxpooling", "maxpool2d"), _WINDOW, "side of the window", _POOLING, pair=True
    ),
    "averagepool": Word(
        ("avgpool", "averagepooling", "avgpool2d", "meanpool"),
        _WINDOW,
        "side of the window",
        _POOLING,
        pair=True,
    ),
    "dense": Word(("linear", "fc", "fullyconnected"), _WIDTH, "number of values", {"nobias": None}),
    "batchnorm": Word(("bn", "batchnormalization", "batchnormalisation", "batchnorm2d")),
    "groupnorm": Word(
        ("gn", "groupnormalization", "groupnormalisation"),
        NumberRange(1, 65_536, 0),
        "number of groups",
    ),
    **{name: Word() for name in ACTIVATIONS},
    "dropout": Word(("drop",), NumberRange(0, 0.99, 0.5, False), "share"),
    "flatten": Word(("flat",)),
    "globalaverage": Word(("gap", "globalavg", "globalmean", "globalaveragepool", "globalavgpool")),
    "globalmax": Word(("gmp", "globalmaxpool")),
    "view": Word(("middle", "centercrop"), _SIDE, "side", pair=True),
    "residual": Word(("res",)),
}
_ALSO = {
    **{other: name for name, word in WORDS.items() for other in word.also},
    **{"rectifier": "relu", "swish": "silu", "leakyrelu": "leaky"},
}


@dataclass(frozen=True)
class Layer:
    """A word of the line, understood: canonical name, its one or two numbers, options, inside.

    `text` is as written, `place` where it stands in the line. Options that were not given hold
    their defaults, flags 0 or 1.
    """

    text: str
    place: int
    name: str
    sizes: tuple[float, ...] = ()
    options: Mapping[str, int] = field(default_factory=dict)
    body: tuple[Layer, ...] = ()


class _Node(NamedTuple):
    """A word as written, with what its brackets hold."""

    text: str
    place: int
    inside: tuple[_Node, ...] | None = None


def parse(line: str) -> tuple[Layer, ...]:
    """The layers of a line, repetitions unrolled; shapes are not looked at.

    Raises UsageError (network-line) naming the layer's number and text. Capitals, full-width
    letters and brackets, hyphens and underscores inside words make no difference.
    """
    text = plain(line)
    if not text.strip(" ,;"):
        fix = "A small one: conv32 maxpool2 relu conv64 maxpool2 relu globalaverage."
        raise refused("The network's line is empty", fix=fix)
    if len(text) > LONGEST:
        raise refused(f"The network's line has {len(text)} characters; at most {LONGEST} are read")
    return tuple(_Reader(text).layers(_nodes(text)))


def plain(line: str) -> str:
    """The line in lower case and ordinary letters, digits, brackets and commas."""
    text = unicodedata.normalize("NFKC", line).translate(_SIGNS).lower()
    return re.sub(r"(?<!\S)([0-9]+)\s*x\s*\(", r"\1x(", text)


def refused(said: str, line: str = "", place: int = 0, fix: str = "") -> UsageError:
    """The error; it shows the line around the place."""
    start, end = max(0, place - 50), place + 70
    before, after = "..." if start else "", "..." if end < len(line) else ""
    shown = "".join(sign if sign.isprintable() else "?" for sign in line[start:end].strip())
    where = f"{before}{shown}{after}"
    return UsageError(said, code="network-line", where=where, fix=fix)


# --- brackets -------------------------------------------------------------------------------------


def _nodes(text: str) -> tuple[_Node, ...]:
    """Words with what stands in their brackets."""
    heads: list[_Node] = []
    levels: list[list[_Node]] = [[]]
    for found in re.finditer(r"[()]|[^\s,;()]+", text):
        word, place = found[0], found.start()
        if word == "(":
            heads.append(_head(levels[-1], text, place))
            levels.append([])
            if len(heads) > DEEPEST:
                raise refused(f"Brackets stand more than {DEEPEST} deep", text, place)
        elif word == ")":
            if not heads:
                fix = "Leave it out, or open one with residual( or 3x( before."
                raise refused("A bracket closes that was never opened", text, place, fix)
            levels[-2].append(heads.pop()._replace(inside=tuple(levels.pop())))
        else:
            levels[-1].append(_Node(word, place))
    if heads:
        head = heads[-1]
        raise refused(f"The bracket after {head.text!r} is never closed", text, head.place)
    return tuple(levels[0])


def _head(level: list[_Node], text: str, place: int) -> _Node:
    """The word before an opening bracket."""
    if not level or level[-1].inside is not None:
        fix = "Brackets follow residual, or how often: 3x(conv64 relu)."
        raise refused("A bracket opens after no word", text, place, fix)
    return level.pop()


# --- words ----------------------------------------------------------------------------------------


class _Reader:
    """Words of one line to layers; counts them, so that complaints can say which it is."""

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
            said = f"The repetition {node.text!r} repeats nothing"
            raise refused(said, self.line, node.place, "Give 1 or more, or leave it out.")
        for _ in range(times):  # ends at MOST_LAYERS: what is inside has at least one layer
            yield from self.layers(inside)

    def _inside(self, node: _Node, example: str) -> tuple[_Node, ...]:
        if not node.inside:
            said = f"After {node.text!r} layers are needed in brackets"
            raise refused(said, self.line, node.place, f"As in {example}.")
        return node.inside

    def _layer(self, node: _Node) -> Layer:
        self.count += 1
        if self.count > MOST_LAYERS:
            raise self._wrong(node, f"is one too many: at most {MOST_LAYERS} are built")
        head, *rest = node.text.split(":")
        name, digits = self._named(node, head)
        if node.inside is not None:
            fix = f"Its number is attached: {name}{'64' if WORDS[name].number else ''}."
            raise self._wrong(node, "takes no brackets", fix)
        sizes = self._sizes(node, name, digits)
        return Layer(node.text, node.place, name, sizes, self._options(node, name, rest))

    def _named(self, node: _Node, head: str) -> tuple[str, str]:
        """Canonical name and what is attached to it."""
        found = re.fullmatch(r"([^\W\d][a-z_-]*?(?:2d)?)_?(-?[0-9.][0-9.x]*)?", head)
        letters = re.sub("[_-]", "", found[1]) if found else head
        name = _ALSO.get(letters, letters)
        if found and name in WORDS:
            return name, found[2] or ""
        known = [*WORDS, *_ALSO] + ([] if found and found[2] else list(RELATIVES))
        near = difflib.get_close_matches(letters, known, n=1, cutoff=0.55)
        fix = ELSEWHERE.get(letters) or nearest(letters, near or WORDS)
        raise self._wrong(node, "is not known", fix)

    def _sizes(self, node: _Node, name: str, digits: str) -> tuple[float, ...]:
        word = WORDS[name]
        if word.number is None:
            if digits:
                raise self._wrong(node, f"takes no number, got {digits[:20]}", f"Write {name}.")
            return ()
        if not digits and word.number.default is None:
            raise self._wrong(node, f"needs its {word.unit}", f"As in {name}64.")
        if not digits:
            return (word.number.default or 0,)
        parts = digits.split("x") if word.pair else [digits]
        if len(parts) > 2:
            raise self._wrong(node, "has more than height x width", f"As in {name}2x3.")
        return tuple(self._number(node, part, word.number, word.unit) for part in parts)

    def _number(self, node: _Node, digits: str, allowed: NumberRange, unit: str) -> float:
        form = r"-?[0-9]+" if allowed.whole else r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
        value = float(digits) if re.fullmatch(form, digits) and len(digits) < 20 else None
        if value is not None and allowed.low <= value <= allowed.high:
            return int(value) if allowed.whole else value
        among = "a whole number " if allowed.whole else ""
        said = f"has {digits[:20] or 'nothing'} as its {unit}"
        fix = f"It may be {among}from {allowed.low:g} to {allowed.high:,}."
        raise self._wrong(node, said, fix)

    def _options(self, node: _Node, name: str, given: list[str]) -> dict[str, int]:
        """Every option of the word with its value."""
        allowed, found = WORDS[name].options, dict[str, int]()
        for text in given:
            matched = re.fullmatch(r"([a-z]+)=?(-?[0-9.]*)", text)
            option = _SHORT.get(matched[1], matched[1]) if matched else text
            if not matched or option not in allowed:
                fix = nearest(option, allowed) if allowed else f"Write {name} without an option."
                raise self._wrong(node, f"has no option {text[:40]!r}", fix)
            if option in found or {option, *found} >= {"same", "valid"}:
                raise self._wrong(node, f"cannot have the option {text!r} as well")
            range_ = allowed[option]
            if range_ is None and matched[2]:
                raise self._wrong(node, f"has the option {option!r}, which takes no number")
            found[option] = int(self._number(node, matched[2], range_, option)) if range_ else 1
        return {name: int(one.default or 0) if one else 0 for name, one in allowed.items()} | found

    def _wrong(self, node: _Node, said: str, fix: str = "") -> UsageError:
        return refused(f"Layer {self.count} {node.text[:60]!r} {said}", self.line, node.place, fix)
