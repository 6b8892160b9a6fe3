"""Reads the messages in which several cameras' footage comes, apart from what writes them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Message", "messages", "playable"]

KINDS = ("init", "fragment", "keyframe", "gap", "lost", "end")


@dataclass(frozen=True)
class Message:
    tile: int
    kind: str
    start_us: int = 0
    end_us: int = 0
    data: bytes = b""
    init: dict[str, Any] | None = None


def messages(data: bytes) -> Iterator[Message]:
    """All of an answer; it must end with a whole one."""
    at = 0
    while at < len(data):
        tile, kind, zero, length = struct.unpack_from(">BBHI", data, at)
        body = data[at + 8 : at + 8 + length]
        assert len(body) == length and zero == 0
        at += 8 + length
        name = KINDS[kind]
        if name == "init":
            text, _, init = body.partition(b"\0")
            yield Message(tile, name, data=init, init=json.loads(text))
        elif name == "end":
            yield Message(tile, name)
        else:
            start_us, end_us = struct.unpack_from(">QQ", body)
            yield Message(tile, name, start_us, end_us, body[16:])


def playable(found: list[Message], tile: int) -> bytes:
    """A file of what came of one camera."""
    return b"".join(one.data for one in found if one.tile == tile and one.kind in ("init", "fragment"))
