"""What RFC 8216 (and its second edition, for parts) demands of a media playlist, checked as Apple's validator would: of
one by itself, and of two reloads of a live one.

Belongs here: rules of the standard, each with its section. What this server promises beyond them is in
``tests/playback/playlists.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

__all__ = ["Listed", "check", "check_reload"]

_TAG = re.compile(r"#(EXT[A-Z0-9-]*)(?::(.*))?")
_ATTRIBUTES = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')
_ONCE = {"EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE",
         "EXT-X-PLAYLIST-TYPE", "EXT-X-INDEPENDENT-SEGMENTS",
         "EXT-X-ENDLIST", "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF"}  # fmt: skip


@dataclass(frozen=True)
class _Segment:
    uri: str
    duration: Fraction
    range: tuple[int, int] | None
    date: datetime | None
    discontinuity: bool
    gap: bool
    init: str | None


@dataclass
class Listed:
    """A playlist as a client understands it."""

    target: int = 0
    sequence: int = 0
    discontinuities: int = 0
    ended: bool = False
    segments: list[_Segment] = field(default_factory=list)


def attributes(text: str) -> dict[str, str]:
    """An attribute list (4.2), each name once."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTES.match(text, at)
        assert match is not None, f"not an attribute list: {text}"
        assert match[1] not in found, f"{match[1]} twice: {text}"
        found[match[1]] = match[2].strip('"')
        at = match.end()
    return found


def check(text: str) -> Listed:
    """Asserts that the playlist keeps the rules."""
    assert not text.startswith("\ufeff"), "4.1: no byte order mark"
    lines = text.split("\n")
    assert lines[0] == "#EXTM3U" and lines[-1] == "", "4.3.1.1: the first line; lines end"
    made = Listed()
    seen: dict[str, str] = {}
    version, kind = 1, ""
    duration: Fraction | None = None
    range_: tuple[int, int] | None = None
    date: datetime | None = None
    init: str | None = None
    discontinuity = gap = False
    part_target = Fraction(0)
    parts: list[Fraction] = []
    needed = {1}
    for line in lines[1:-1]:
        assert line and line == line.strip(), f"4.1: {line!r}"
        if not line.startswith("#"):
            assert duration is not None, "4.3.2.1: each segment has EXTINF"
            assert round(duration) <= made.target, "4.3.3.1: no segment, rounded, is longer than the target"
            assert init is not None, "4.3.2.5: fragments need a map before them"
            made.segments.append(_Segment(line, duration, range_, date, discontinuity, gap, init))
            duration, range_, date, discontinuity, gap, parts = None, None, None, False, False, []
            continue
        match = _TAG.fullmatch(line)
        assert match is not None, f"4.1: {line}"
        name, value = match[1], match[2] or ""
        if name in _ONCE:
            assert name not in seen, f"{name} twice"
            seen[name] = value
        if name == "EXT-X-VERSION":
            version = int(value)
        elif name == "EXT-X-TARGETDURATION":
            made.target = int(value)
            assert not made.segments and made.target > 0
        elif name == "EXT-X-MEDIA-SEQUENCE":
            assert not made.segments and duration is None, "4.3.3.2: before the first segment"
            made.sequence = int(value)
            assert 0 <= made.sequence < 1 << 64
        elif name == "EXT-X-DISCONTINUITY-SEQUENCE":
            assert not made.segments and not discontinuity, "4.3.3.3: before the first segment and any discontinuity"
            made.discontinuities = int(value)
        elif name == "EXT-X-PLAYLIST-TYPE":
            kind = value
            assert kind in ("VOD", "EVENT")
        elif name == "EXT-X-ENDLIST":
            made.ended = True
        elif name == "EXTINF":
            assert re.fullmatch(r"\d+(\.\d+)?,.*", value), value
            duration = Fraction(value.partition(",")[0])
            needed.add(3 if "." in value else 1)
        elif name == "EXT-X-BYTERANGE":
            size, _, offset = value.partition("@")
            assert offset or (made.segments and made.segments[-1].range is not None), (
                "4.3.2.2: an offset, or a range before"
            )
            range_ = (int(size), int(offset))
            needed.add(4)
        elif name == "EXT-X-DISCONTINUITY":
            assert not discontinuity
            discontinuity = True
        elif name == "EXT-X-MAP":
            new = attributes(value)["URI"] + attributes(value).get("BYTERANGE", "")
            assert init is None or new == init or discontinuity, "4.3.2.3: other parameters are a discontinuity"
            init = new
            needed.add(6)
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            date = datetime.fromisoformat(value)
            assert date.tzinfo is not None, "4.3.2.6: with a zone"
        elif name == "EXT-X-GAP":
            gap = True
            needed.add(8)
        elif name == "EXT-X-PART-INF":
            part_target = Fraction(attributes(value)["PART-TARGET"])
        elif name == "EXT-X-SERVER-CONTROL":
            control = attributes(value)
        elif name == "EXT-X-PART":
            said = attributes(value)
            parts.append(Fraction(said["DURATION"]))
            assert parts[-1] <= part_target, "bis 4.4.4.9: no part is longer than the target of parts"
            assert init is not None and re.fullmatch(r"\d+@\d+", said["BYTERANGE"])
        elif name == "EXT-X-PRELOAD-HINT":
            assert attributes(value)["TYPE"] in ("PART", "MAP")
        else:
            assert name == "EXT-X-INDEPENDENT-SEGMENTS", f"an unknown tag: {line}"
    assert duration is None and range_ is None, "what is said of a segment is followed by it"
    assert "EXT-X-TARGETDURATION" in seen, "4.3.3.1"
    assert version >= max(needed), f"7: a playlist with these tags has version {max(needed)}, not {version}"
    assert kind != "VOD" or made.ended, "4.3.3.5: VOD has all of it"
    if part_target:
        hold = Fraction(control["PART-HOLD-BACK"])
        assert hold >= 2 * part_target, "bis 4.4.3.8: at least twice the target of parts"
    for before, after in zip(made.segments, made.segments[1:], strict=False):
        if before.date is not None and after.date is not None:
            passed = Fraction((after.date - before.date).total_seconds())
            # The server's clock may have been set back: another run, then.
            assert passed > 0 or after.discontinuity, "4.3.2.6: dates go on"
            # A clock that is settled when its file closes may move by milliseconds.
            assert after.discontinuity or abs(passed - before.duration) < Fraction(1, 10), (
                "4.3.2.6: dates and durations agree"
            )
    return made


def check_reload(before: Listed, after: Listed) -> None:
    """Asserts what 6.2.1 and 6.2.2 demand of a live playlist that was ``before`` a moment ago."""
    gone = after.sequence - before.sequence
    assert gone >= 0, "6.2.2: numbers only rise"
    kept = before.segments[gone:]
    assert [(s.uri, s.range, s.duration, s.date) for s in after.segments[: len(kept)]] == [
        (s.uri, s.range, s.duration, s.date) for s in kept
    ], "6.2.1: a number, once given, names the same"
    if gone <= len(before.segments):
        removed = before.segments[:gone]
        # The tag of a segment goes with it, or when it becomes the first.
        tags = sum(s.discontinuity for s in before.segments) - sum(s.discontinuity for s in after.segments[: len(kept)])
        assert after.discontinuities - before.discontinuities == tags, "6.2.2: counted when the tag is removed"
        if removed:
            assert (
                sum(s.duration for s in after.segments) >= 3 * min(before.target, after.target) - 2 * after.target
                or len(after.segments) >= 3
            ), "6.2.2: three target durations stay"
