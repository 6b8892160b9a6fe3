"""What playback can answer instead of footage. One small tree; ``code`` is the stable word that the API passes on and
the page translates.

Messages name no path and no secret: they may be shown to whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.sentences import Sentence

__all__ = [
    "ArchiveChanged",
    "ClipTooLong",
    "FootageDamaged",
    "FootageGone",
    "FootageUnreadable",
    "GapTooLong",
    "InitPart",
    "LiveTooFarAhead",
    "NoFootage",
    "NotLive",
    "PlaybackError",
    "RangeNotSatisfiable",
    "SeveralInits",
]


class PlaybackError(Exception):
    """Base of the tree. ``fields`` are what a program wants to know of it, as JSON values."""

    code: ClassVar[str] = "playback_error"

    @property
    def fields(self) -> Mapping[str, Any]:
        """The error's particulars; times in microseconds UTC."""
        return {}


class ArchiveChanged(PlaybackError):
    """A member of an archive that is being sent read otherwise the second time: a disk that fails."""

    code = "footage_damaged"

    def __init__(self, name: str) -> None:
        super().__init__(Sentence("{name} could not be read twice alike", name=name))


class NoFootage(PlaybackError):
    """Nothing was recorded there. Why not is the coverage's to say."""

    code = "no_footage"

    def __init__(self, camera: str, start_us: int, end_us: int) -> None:
        super().__init__(Sentence("there is no footage of camera {camera} in this range", camera=camera))
        self.camera, self.start_us, self.end_us = camera, start_us, end_us

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"camera": self.camera, "start_us": self.start_us, "end_us": self.end_us}


class FootageGone(PlaybackError):
    """The catalogue had footage whose file is no longer there: pruned in the meantime, or missing."""

    code = "footage_gone"

    def __init__(self, key: Key) -> None:
        super().__init__(
            Sentence(
                "the footage of camera {camera} that begins at {start_us} is no longer there",
                camera=key.camera,
                start_us=key.start_us,
            )
        )
        self.key = key

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"camera": self.key.camera, "start_us": self.key.start_us}


class FootageDamaged(FootageGone):
    """The file is there, and is not the segment that it should be, or ends before its footage does. ``why``: a sentence
    of ours, or the words of the system."""

    code = "footage_damaged"

    def __init__(self, key: Key, why: Sentence | str) -> None:
        super().__init__(key)
        self.args = (
            Sentence(
                "the footage of camera {camera} that begins at {start_us} is damaged: {why}",
                camera=key.camera,
                start_us=key.start_us,
                why=why,
            ),
        )


class FootageUnreadable(FootageDamaged):
    """The disk does not give the file now. It may be in order: nobody knows before it can be read."""

    def __init__(self, key: Key, why: str) -> None:
        super().__init__(key, why)
        self.args = (
            f"the footage of camera {key.camera} that begins at {key.start_us} can't be read now: {why};"
            " the server's log names the file",
        )


@dataclass(frozen=True, slots=True)
class InitPart:
    """A part of a range that has one init: ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    init: str


class SeveralInits(PlaybackError):
    """The camera's picture or sound changed its parameters within the range: one MP4 can't hold both. Ask for the
    parts."""

    code = "several_inits"

    def __init__(self, parts: Sequence[InitPart]) -> None:
        super().__init__(Sentence("the camera changed its parameters: the range is {count} clips", count=len(parts)))
        self.parts = tuple(parts)

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"parts": [{"start_us": p.start_us, "end_us": p.end_us, "init": p.init} for p in self.parts]}


class ClipTooLong(PlaybackError):
    """The clip's tables would not fit into memory."""

    code = "clip_too_long"

    def __init__(self, samples: int, most: int) -> None:
        super().__init__(
            Sentence(
                "the range holds {samples} samples, more than the {most} of one clip: ask for parts of it",
                samples=samples,
                most=most,
            )
        )
        self.samples, self.most = samples, most

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"samples": self.samples, "most": self.most}


class GapTooLong(PlaybackError):
    """A clip that keeps wall time can't hold so long a gap: the format counts a frame's duration with 32 bits."""

    code = "gap_too_long"

    def __init__(self, gap_s: int, most_s: int) -> None:
        super().__init__(
            Sentence(
                "a gap of {gap_s} s can't be kept in a clip, the most is {most_s} s: collapse gaps, or ask for parts",
                gap_s=gap_s,
                most_s=most_s,
            )
        )
        self.gap_s, self.most_s = gap_s, most_s

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"gap_s": self.gap_s, "most_s": self.most_s}


class NotLive(PlaybackError):
    """The camera is not being recorded now: ``cause`` since ``since_us``; None if no recorder has ever spoken of it."""

    code = "not_live"

    def __init__(self, camera: str, cause: Cause | None, since_us: int | None) -> None:
        super().__init__(
            Sentence("camera {camera} is not being recorded", camera=camera)
            if cause is None
            else Sentence("camera {camera} is not being recorded: {cause}", camera=camera, cause=cause)
        )
        self.camera, self.cause, self.since_us = camera, cause, since_us

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"camera": self.camera, "cause": self.cause, "since_us": self.since_us}


class LiveTooFarAhead(PlaybackError):
    """A live reload asked for a segment that can't come next: the player has another playlist in mind."""

    code = "live_too_far_ahead"

    def __init__(self, msn: int, last: int) -> None:
        super().__init__(Sentence("segment {msn} was asked for while {last} is being recorded", msn=msn, last=last))
        self.msn, self.last = msn, last

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"msn": self.msn, "last": self.last}


class RangeNotSatisfiable(PlaybackError):
    """The bytes asked for lie beyond the end: HTTP 416, ``Content-Range: bytes */{size}``."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(Sentence("the range asked for begins beyond the {size} bytes there are", size=size))
        self.size = size

    @property
    def fields(self) -> Mapping[str, Any]:
        return {"size": self.size}
