"""Videos as a medium: files given for prediction and serving."""

from __future__ import annotations

from typing import Any, ClassVar

from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["VIDEO", "VideoMedium"]


class VideoMedium(Medium):
    """Videos, each a whole file."""

    name = "video"
    singular = Message("film")
    plural = Message("films")
    schema: ClassVar[dict[str, Any]] = {**request.BASE64, "contentMediaType": "video/*"}
    files = True
    unread = frozenset(
        ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp .mts .m2ts .ogv".split()
    )
    limit = "stream"

    def sample(self, declared: Input) -> bytes:
        return b""


VIDEO = VideoMedium()
