"""What the keyframes of a stream say of it: what a track is made from, and how far frames are reordered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import av

from nvr.recorder.media.inits import Template
from nvr.recorder.media.nal import annex_b
from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.sps import reorder_depth
from nvr.recorder.sources.rtp.templates import video_template
from nvr.recorder.sources.rtp.timing import DecodingTimes
from nvr.recorder.sources.rtp.units import kind_of
from storage.causes import Cause

__all__ = ["TrackOpening"]

# Keyframes without parameter sets, neither with them nor before, after which a camera is given up.
_BARE_KEYFRAMES: Final = 3


class TrackOpening:
    """Of one connection. ``described``: the parameter sets of its description."""

    def __init__(self, codec: str, described: Iterable[bytes], clock_rate: int) -> None:
        self._codec = codec
        self._described = tuple(described)
        self._rate = clock_rate
        self._sets: tuple[bytes, ...] = ()
        self._bare_keyframes = 0
        self.times: DecodingTimes | None = None
        """Once a keyframe came with which decoding can begin."""

    def at_keyframe(self, sets: tuple[bytes, ...], earlier: Iterable[bytes], data: bytes) -> Template | None:
        """A keyframe came, with these parameter sets, and ``earlier`` ones before it. Returns what the track is made
        from, at the first that can be decoded.

        Raises:
            Ended: ``rejected``, no parameter sets come at all; ``corrupt``, these can't be read.
        """
        codec = self._codec
        if self.times is not None:
            if sets and sets != self._sets:
                self._sets = sets
                self.times.deepen(reorder_depth(codec, sets))
            return None
        # The keyframe's own sets win, then the last that came before it; the description's fill in the kinds that are
        # not there.
        all_sets = sets
        for others in (earlier, self._described):
            kinds = {kind_of(codec, unit) for unit in all_sets}
            all_sets = (*(unit for unit in others if kind_of(codec, unit) not in kinds), *all_sets)
        if len({kind_of(codec, unit) for unit in all_sets}) < CODECS[codec].least_sets:
            self._bare_keyframes += 1
            if self._bare_keyframes >= _BARE_KEYFRAMES:
                raise Ended(Cause.REJECTED, {"error": "the camera sends no parameter sets"})
            return None
        try:
            template = video_template(codec, all_sets, annex_b(data))
        except (av.FFmpegError, LookupError, ValueError):
            raise Ended(Cause.CORRUPT, {"error": "the camera's parameters can't be read"}) from None
        self.times = DecodingTimes(self._rate, reorder_depth(codec, all_sets))
        self._sets = sets
        return template
