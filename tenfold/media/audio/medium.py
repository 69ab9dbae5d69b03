"""Audio as a medium: files given for prediction and serving."""

from __future__ import annotations

import io
import wave
from typing import Any, ClassVar

from tenfold.core.message import Message
from tenfold.media import request
from tenfold.media.input import Input
from tenfold.media.medium import Medium

__all__ = ["AUDIO", "AudioMedium"]


class AudioMedium(Medium):
    """Audio recordings, each a whole file."""

    name = "audio"
    singular = Message("sound")
    plural = Message("sounds")
    schema: ClassVar[dict[str, Any]] = {**request.BASE64, "contentMediaType": "audio/*"}
    files = True
    unread = frozenset(
        ".wav .mp3 .flac .ogg .oga .opus .m4a .aac .aif .aiff .au .amr .wma .caf".split()
    )
    limit = "stream"

    def sample(self, declared: Input) -> bytes:
        return _silence()


def _silence() -> bytes:
    """Returns one second of silence as a WAV file (16 kHz, 16 bits, mono)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000))
    return file.getvalue()


AUDIO = AudioMedium()
