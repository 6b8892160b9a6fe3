"""A strict reader of media playlists: whatever it does not know is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Item", "Parsed", "Part", "parse"]


@dataclass
class Part:
    duration_us: int
    uri: str
    offset: int
    size: int
    independent: bool


@dataclass
class Item:
    """An entry; its ``duration_us`` is None while it only has parts."""

    init: str
    time_us: int
    discontinuity: bool = False
    gap: bool = False
    duration_us: int | None = None
    uri: str = ""
    offset: int = 0
    size: int = 0
    parts: list[Part] = field(default_factory=list)


@dataclass
class Parsed:
    head: dict[str, str]
    items: list[Item]
    ended: bool


_HEAD = {
    "EXT-X-VERSION",
    "EXT-X-TARGETDURATION",
    "EXT-X-PLAYLIST-TYPE",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-SERVER-CONTROL",
    "EXT-X-PART-INF",
    "EXT-X-INDEPENDENT-SEGMENTS",
}


def _us(text: str) -> int:
    match = re.fullmatch(r"(\d+)\.(\d{6})", text)
    assert match, text
    return int(match[1]) * 1_000_000 + int(match[2])


def _time_us(text: str) -> int:
    assert text.endswith("Z")
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1000


def _bytes(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)@(\d+)", text)
    assert match, text
    assert int(match[1]) > 0
    return int(match[1]), int(match[2])


def parse(text: str) -> Parsed:
    """Reads a playlist; asserts that each line has its place. A preload hint stands in ``head``."""
    assert text.endswith("\n")
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    head: dict[str, str] = {}
    items: list[Item] = []
    init, discontinuity, ended = "", False, False
    item: Item | None = None
    for line in lines[1:]:
        assert not ended
        name, _, value = line.removeprefix("#").partition(":")
        if not line.startswith("#"):
            assert item is not None and item.duration_us is not None and not item.uri
            item.uri = line
            assert item.size
            items.append(item)
            item = None
        elif name in _HEAD:
            assert not items and item is None and name not in head
            head[name] = value
        elif name == "EXT-X-MAP":
            match = re.fullmatch(r'URI="([^"]+)",BYTERANGE="\d+@0"', value)
            assert match and item is None
            init = match[1]
        elif name == "EXT-X-DISCONTINUITY":
            assert not discontinuity and item is None
            discontinuity = True
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            assert item is None and init
            item = Item(init, _time_us(value), discontinuity)
            discontinuity = False
        elif name == "EXT-X-GAP":
            assert item is not None
            item.gap = True
        elif name == "EXTINF":
            assert item is not None and value.endswith(",")
            item.duration_us = _us(value[:-1])
        elif name == "EXT-X-BYTERANGE":
            assert item is not None
            item.size, item.offset = _bytes(value)
        elif name == "EXT-X-PART":
            match = re.fullmatch(r'DURATION=([\d.]+),URI="([^"]+)",BYTERANGE="(\d+@\d+)"(,INDEPENDENT=YES)?', value)
            assert match and item is not None
            size, offset = _bytes(match[3])
            item.parts.append(Part(_us(match[1]), match[2], offset, size, bool(match[4])))
        elif name == "EXT-X-PRELOAD-HINT":
            # At the end, after the last part.
            assert line == lines[-1]
            head[name] = value
        elif name == "EXT-X-ENDLIST":
            ended = True
        else:
            raise AssertionError(f"unknown line {line}")
    if item is not None:
        # Only parts so far.
        assert item.duration_us is None and not ended
        items.append(item)
    target_us = int(head["EXT-X-TARGETDURATION"]) * 1_000_000
    assert all(found.duration_us is None or found.duration_us <= target_us for found in items)
    return Parsed(head, items, ended)
