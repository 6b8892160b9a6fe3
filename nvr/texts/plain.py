"""What of the detail of a cause or an alert everybody may read. Pure.

What a camera, FFmpeg, a resolver or the system said is for administrators: it may name hosts, paths and more than its
sender should. The cause itself, its ``reason``, orders, persons and numbers are the product's own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

__all__ = ["OTHERS_WORDS", "PlainDetails", "plain_detail"]

OTHERS_WORDS: Final = frozenset(
    {
        "error",
        "message",
        "text",
        "detail",
        "root",
        "path",
        "file",
        "host",
        "url",
        "address",
        "at_work_for",
        "audio_reason",
    }
)
"""The members that hold such words."""


def plain_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail without others' words."""
    return {
        key: plain_detail(value) if isinstance(value, Mapping) else value
        for key, value in detail.items()
        if key not in OTHERS_WORDS
    }


class PlainDetails(Sequence[bytes]):
    """Details as JSON texts, without others' words; each made when it is asked for, and those that are alike once."""

    def __init__(self, details: Sequence[bytes]) -> None:
        self._details = details
        self._plain: dict[bytes, bytes] = {}

    def __getitem__(self, number: Any) -> Any:
        text = self._details[number]
        plain = self._plain.get(text)
        if plain is None:
            plain = self._plain[text] = msgspec.json.encode(plain_detail(msgspec.json.decode(text)))
        return plain

    def __len__(self) -> int:
        return len(self._details)
