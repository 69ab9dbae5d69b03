"""Decides whether each file of a folder is a picture or a mask, and by which name they are paired.

A folder such as `masks`, `labels`, `SegmentationClass` or `trainannot` holds masks, so does a name
such as `leaf_1_mask.png` beside `leaf_1.jpg`. The other pictures are those to learn from.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from tenfold.media.files.listing import Entry
from tenfold.media.files.parts import part_of_folder
from tenfold.media.files.references import Unreadable
from tenfold.media.image.masks.values.decoded import decoded
from tenfold.media.image.medium import IMAGE

__all__ = [
    "MaskFile",
    "masks_and_pictures",
    "stem",
    "without_first_word",
    "without_number",
    "without_picture_suffix",
    "without_suffix",
]

_MASKS = frozenset(
    "mask masks label labels annotation annotations annot annots gt gts groundtruth truth seg segs "
    "segmentation segmentations target targets labelids 标注 掩码 掩膜 标签 分割".split()
)
_PICTURES = frozenset(
    "image images img imgs picture pictures photo photos jpegimages jpeg jpg input inputs rgb 图片 "
    "图像".split()
)
_FILLERS = frozenset(
    "png bmp tif tiff class fine left bit semantic ground raw original data set".split()
)
_JOINED = re.compile(
    r"(train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)"
    r"(annot|annotations?|masks?|labels?|gt|segs?|images?|imgs?)",
    re.I,
)
_SUFFIX = re.compile(
    r"(?P<name>.+?)(?:[_\-. ](?:L|(?i:masks?|segs?|segmentations?|labels?|gt|annotations?|annot"
    r"|ground_?truths?|label_?ids|gtfine_label_?ids|gtcoarse_label_?ids)))+"
)
_NUMBERED = re.compile(r"(.+?)[_-](?:masks?|segs?|labels?|gt|object|instance)[_-]?\d+", re.I)
_FIRST = re.compile(r"(?:masks?|labels?|segs?|gt|images?|imgs?|pictures?|photos?)[_-]", re.I)
_PICTURE_SUFFIX = re.compile(
    r"(?P<name>.+)[_\-](?:image|img|sat|rgb|leftimg8bit|im|photo|input)", re.I
)
ALIKE = 0.8
"""Least share of names that two groups of files share, to be pictures and masks."""
SEEN, FEW = 5, 64
_OUTER = frozenset([".ome", ".nii", ".gz", ".labels"])


@dataclass(frozen=True)
class MaskFile:
    """A file with the folders that distinguish it from others (`context`), its part and its name.

    `mask` is True for masks; `folder` is the name of the folder of masks, "" where the file's own
    name says that it is one.
    """

    entry: Entry
    context: tuple[str, ...]
    part: str
    name: str
    mask: bool = False
    folder: str = ""


def stem(name: str) -> str:
    """Returns the name of a file without folders and suffixes of pictures, `.ome.tif` too."""
    last = unicodedata.normalize("NFC", name.rsplit("/", 1)[-1])
    while True:
        head, dot, tail = last.rpartition(".")
        suffix = f".{tail.lower()}"
        if not dot or not head or suffix not in IMAGE.suffixes | IMAGE.unread | _OUTER:
            return last
        last = head


def without_suffix(name: str) -> str:
    """Returns the name of a mask without `_mask`, `_seg`, `_labels`, `_L`, `_gt`."""
    match = _SUFFIX.fullmatch(name)
    return match["name"] if match else name


def without_first_word(name: str) -> str:
    """Returns a name without `mask_`, `image_` or the like before it, in lower case."""
    return _FIRST.sub("", name).casefold()


def without_number(name: str) -> str:
    """Returns the name of one of several masks without `_mask_1` or the like; "" for others."""
    match = _NUMBERED.fullmatch(name)
    return match[1] if match else ""


def without_picture_suffix(name: str) -> str:
    """Returns the name of a picture without `_image`, `_sat`, `_rgb` or the like."""
    match = _PICTURE_SUFFIX.fullmatch(name)
    return match["name"] if match else name


def _words(folder: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", folder)
    plain = _JOINED.sub(r"\1 \2", plain)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).lower()
    return [word for word in re.split(r"[\W_\d]+", plain) if word]


def _folder_role(folder: str) -> str:
    words = set(_words(folder))
    return "mask" if words & _MASKS else "picture" if words & _PICTURES else ""


def _context(folders: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Returns the folders without words that only mean pictures or masks, and their part."""
    kept, part = list[str](), ""
    for folder in folders:
        words = _words(folder)
        rest = [word for word in words if word not in _MASKS | _PICTURES]
        if found := part_of_folder(" ".join(rest)) or part_of_folder(folder):
            part = found
            kept.append(found)
        elif len(rest) == len(words):
            kept.append(folder)
        elif rest := [word for word in rest if word not in _FILLERS]:
            kept.append(" ".join(rest))
    return tuple(kept), part


def masks_and_pictures(entries: list[Entry]) -> tuple[list[MaskFile], list[MaskFile]]:
    """Returns the pictures and the masks among the files of pictures."""
    names = {entry.name.rpartition("/")[0] + "/" + stem(entry.name) for entry in entries}
    pictures, masks = list[MaskFile](), list[MaskFile]()
    for entry in entries:
        folders = entry.parts
        role, at = "", ""
        for folder in reversed(folders):
            if role := _folder_role(folder):
                at = folder
                break
        context, part = _context(folders)
        own = stem(entry.name)
        bare = without_suffix(own)
        folder = entry.name.rpartition("/")[0]
        beside = f"{folder}/{bare}" in names
        if (first := without_number(own)) and f"{folder}/{first}" in names:
            bare, beside = first, True
        if bare != own and (role == "" or (role == "picture" and beside)):
            role, at = "mask", ""
        file = MaskFile(entry, context, part, own, role == "mask", at if role == "mask" else "")
        (masks if file.mask else pictures).append(file)
    return (pictures, masks) if masks else _by_content(pictures)


def _by_content(files: list[MaskFile]) -> tuple[list[MaskFile], list[MaskFile]]:
    """Returns pictures and masks that neither folders nor names distinguish.

    There must be two groups of files with the same names, divided by folder or by suffix. The masks
    are the group whose first files have few distinct values each.
    """
    groups = dict[tuple[str, str], list[MaskFile]]()
    for one in files:
        folder = one.context[-1] if one.context else ""
        groups.setdefault((folder, one.entry.suffix), []).append(one)
    if len(groups) != 2:
        return files, []
    first, second = groups.values()
    shared = {one.name for one in first} & {one.name for one in second}
    if len(shared) < ALIKE * max(len(first), len(second)):
        return files, []
    few = [_few_values(group) for group in (first, second)]
    if few[0] == few[1]:
        return files, []
    pictures, masks = (second, first) if few[0] else (first, second)
    if pictures[0].context != masks[0].context:
        pictures = [replace(one, context=one.context[:-1]) for one in pictures]
        masks = [replace(one, context=one.context[:-1]) for one in masks]
    return pictures, [replace(one, mask=True) for one in masks]


def _few_values(files: list[MaskFile]) -> bool:
    """Returns True where each of the first files has few distinct values."""
    try:
        held = [decoded(one.entry.cell) for one in files[:SEEN]]
    except Unreadable:
        return False
    return all(len(one.values) <= FEW and not one.lossy for one in held)
