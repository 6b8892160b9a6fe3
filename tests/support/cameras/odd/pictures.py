"""Habits of the coded video itself: slices, references, groups, sizes."""

from __future__ import annotations

import dataclasses
import functools

from tests.support.cameras.clips import Clip, ClipSpec, ClipUnit, clip
from tests.support.cameras.odd.camera import RATE, Camera
from tests.support.cameras.odd.habit import habit

_FRAMES = 900


def spec(**changes: object) -> ClipSpec:
    """A clip as most habits show it, changed."""
    usual = ClipSpec(frames=_FRAMES, frame_rate=RATE, group=20, bit_rate_bps=120_000)
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@habit(
    "slices",
    "four slices a frame",
    seen="hardware encoders; x264 with slices",
)
class Slices(Camera):
    clip_spec = spec(encoder=":slices=4")


@habit(
    "slices-h265",
    "H.265: several slices a frame",
    seen="hardware encoders; x265 with slices",
)
class SlicesH265(Camera):
    clip_spec = spec(codec="h265", encoder=":slices=3:pools=1:wpp=1")


@habit(
    "interlaced",
    "interlaced frames (MBAFF)",
    seen="analogue cameras behind video servers",
)
class Interlaced(Camera):
    clip_spec = spec(encoder=":tff=1")


@habit(
    "reordered-frames",
    "two B-frames between references",
    seen="encoders with profile Main or High",
)
class ReorderedFrames(Camera):
    clip_spec = spec(b_frames=2)


@habit(
    "open-groups",
    "H.265 with open groups: keyframes are CRA, followed by leading frames that refer to the group before",
    seen="the default of x265",
    right="all is recorded; only at the start leading frames can't be decoded",
)
class OpenGroups(Camera):
    clip_spec = spec(codec="h265", b_frames=2, encoder=":open-gop=1")


@habit(
    "recovery-points",
    "keyframes are I slices with a recovery point, the only IDR is the first frame of the film;"
    " the recorder comes later",
    seen="x264 with open-gop",
    right="recording begins at a recovery point",
)
class RecoveryPoints(Camera):
    clip_spec = spec(b_frames=1, encoder=":open-gop=1")
    begins_at_s = 3.0


@habit(
    "gradual-refresh",
    "one IDR at the very start, afterwards gradual refresh with recovery points; the recorder comes later",
    seen="x264 with intra-refresh, low-latency encoders",
    right="recording begins at a recovery point",
)
class GradualRefresh(Camera):
    clip_spec = spec(encoder=":intra-refresh=1")
    begins_at_s = 3.0
    decodes = False


@habit(
    "change-of-size",
    "after 10 s the size of the picture changes, with new parameter sets at a keyframe",
    seen="any camera whose profile is changed while it streams",
    right="a new run at the keyframe, without a gap",
)
class ChangeOfSize(Camera):
    clip_spec = spec(change_to=(480, 288), change_at=100)


@habit(
    "other-set-ids",
    "SPS and PPS have id 3",
    seen="encoders that number the sets of several streams through",
)
class OtherSetIds(Camera):
    clip_spec = spec(encoder=":sps-id=3")


@habit(
    "tiny",
    "64 x 48",
    seen="sub-streams of thermal cameras and doorbells",
)
class Tiny(Camera):
    clip_spec = spec(width=64, height=48, bit_rate_bps=80_000)


@habit(
    "odd-size",
    "322 x 190: cropped to what is no multiple of 16",
    seen="every 1080p camera (1088 coded lines)",
)
class OddSize(Camera):
    clip_spec = spec(width=322, height=190)


@habit(
    "all-intra",
    "every frame is a keyframe",
    seen="a keyframe interval of 1",
)
class AllIntra(Camera):
    clip_spec = spec(group=1, bit_rate_bps=400_000)


@habit(
    "long-group",
    "a keyframe every 10 s",
    seen="smart codecs: H.264+, H.265+, Zipstream",
)
class LongGroup(Camera):
    clip_spec = spec(group=100)


@habit(
    "two-references",
    "frames refer to three frames before, weighted prediction, CABAC, 8x8 transform",
    seen="profile High of any camera",
)
class TwoReferences(Camera):
    clip_spec = spec(encoder=":ref=3:weightp=2:cabac=1:8x8dct=1:b-pyramid=none")


@habit(
    "disposable-frames",
    "every other frame is referred to by none (temporal layers)",
    seen="temporal layers (SVC-T), B-frames",
)
class DisposableFrames(Camera):
    clip_spec = spec(b_frames=1, encoder=":b-adapt=0:b-pyramid=none")


@habit(
    "slices-and-aud-h265",
    "H.265 with delimiters, SEI with a hash of each picture, and headers repeated",
    seen="x265 with aud and hash",
)
class HashesH265(Camera):
    clip_spec = spec(codec="h265", encoder=":aud=1:hash=1:repeat-headers=1")


def with_delimiters(made: Clip) -> Clip:
    """The clip with a delimiter in front of each frame."""

    def unit(old: ClipUnit) -> ClipUnit:
        return dataclasses.replace(old, payload=(b"\x09\xf0", *old.payload))

    video = dataclasses.replace(made.video, units=tuple(map(unit, made.video.units)))
    return dataclasses.replace(made, tracks=(video, *made.tracks[1:]))


@habit(
    "delimiters",
    "a delimiter in front of each frame",
    seen="what came out of a transport stream",
)
class Delimiters(Camera):
    @classmethod
    @functools.cache
    def clip(cls) -> Clip:
        return with_delimiters(clip(cls.clip_spec))
