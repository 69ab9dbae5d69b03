"""Films as a medium: files that are handed over and served."""

from __future__ import annotations

from typing import Any, ClassVar

from tenfold.media import request
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["VIDEO", "VideoMedium"]


class VideoMedium(Medium):
    """Films, as whole files."""

    name = "video"
    singular = "film"
    plural = "films"
    schema: ClassVar[dict[str, Any]] = {**request.BASE64, "contentMediaType": "video/*"}
    files = True
    limit = "stream"

    def sample(self, declared: Input) -> bytes:
        return b""


VIDEO = VideoMedium()
