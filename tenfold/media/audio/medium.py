"""Sound as a medium: files that are handed over and served."""

from __future__ import annotations

import io
import wave
from typing import Any, ClassVar

from tenfold.media import request
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["AUDIO", "AudioMedium"]


class AudioMedium(Medium):
    """Sounds, as whole files."""

    name = "audio"
    singular = "sound"
    plural = "sounds"
    schema: ClassVar[dict[str, Any]] = {**request.BASE64, "contentMediaType": "audio/*"}
    files = True
    limit = "stream"

    def sample(self, declared: Input) -> bytes:
        return _silence()


def _silence() -> bytes:
    """A second of silence as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000))
    return file.getvalue()


AUDIO = AudioMedium()
