"""Frames that a camera leaves out before it counts its packets: no number is missing, and what follows refers to what
never came. What frames say of their order tells, where a hole in time is to be seen too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.sources.rtp.bits import Bits
from nvr.recorder.sources.rtp.continuity import Continuity, Mark
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtp.marking import PictureSet
from nvr.recorder.sources.rtp.reference_sets import ReferenceSets
from nvr.recorder.sources.rtp.sps import OrderCount
from tests.recorder.sources.rtp.test_continuity import decoded
from tests.support.cameras.clips import Clip, ClipSpec, ClipUnit, clip

FILMS = {
    "h264": ClipSpec(frames=60),
    "h264-long": ClipSpec(frames=60, group=60),
    "h264-b-frames": ClipSpec(frames=60, b_frames=1),
    "h264-slices": ClipSpec(frames=60, encoder=":slices=3"),
    "h265": ClipSpec(codec="h265", frames=60),
    "h265-long": ClipSpec(codec="h265", frames=60, group=60),
}
STEP = 3600
# Where pictures are reordered a hole in time is not always to be seen.
IN_ORDER = sorted(name for name in FILMS if "b-frames" not in name)
# What is left out of the first ones is not noticed: nothing is known of the camera.
KNOWN = 12


def received(film: Clip, units: Sequence[tuple[ClipUnit, int]]) -> list[CodedFrame]:
    """What comes out of these frames, each with its time stamp."""
    sets = film.video.parameter_sets
    made = H264Depacketiser(sets) if film.video.codec == "h264" else H265Depacketiser(sets)
    found: list[CodedFrame] = []
    for unit, time in units:
        for at, payload in enumerate(unit.payload, 1):
            found += made.feed(memoryview(payload), time, at == len(unit.payload), 0)
    return [*found, *made.end()]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(IN_ORDER), st.sets(st.integers(KNOWN, 58), max_size=8))
def test_what_comes_out_decodes_to_what_was_filmed(name: str, left_out: set[int]) -> None:
    film = clip(FILMS[name])
    units = film.video.units
    found = received(film, [(unit, unit.pts) for number, unit in enumerate(units) if number not in left_out])
    whole = dict(
        zip(
            sorted(unit.pts for unit in units),
            decoded(film.video.codec, [picture.data for picture in received(film, [(u, u.pts) for u in units])]),
            strict=True,
        )
    )
    pictures = decoded(film.video.codec, [picture.data for picture in found])
    assert pictures == [whole[time] for time in sorted(picture.timestamp for picture in found)]
    assert {picture.loss for picture in found} <= {"", "camera"}
    # Nothing is lost that can be decoded: all before the first one that was left out, and each group without any.
    there = {picture.timestamp for picture in found}
    group = FILMS[name].group
    for first in range(0, 60, group):
        clean = itertools.takewhile(lambda number: number not in left_out, range(first, first + group))
        assert there >= {units[number].pts for number in clean}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(FILMS)), st.dictionaries(st.integers(1, 59), st.integers(1, 90), max_size=20))
def test_a_camera_that_sends_less_often_lost_nothing(name: str, pauses: dict[int, int]) -> None:
    """Dynamic frame rates: time goes on, and numbers do as if it had not."""
    film = clip(FILMS[name])
    late = 0
    units: list[tuple[ClipUnit, int]] = []
    for number, unit in enumerate(film.video.units):
        late += STEP * pauses.get(number, 0)
        units.append((unit, unit.pts + late))
    found = received(film, units)
    assert len(found) == 60
    assert not any(picture.loss for picture in found)


def test_frames_that_nothing_refers_to_are_not_missed() -> None:
    film = clip(FILMS["h264-b-frames"])
    units = film.video.units

    def is_disposable(unit: ClipUnit) -> bool:
        return not unit.keyframe and all(not nal[0] & 0x60 for nal in unit.payload if nal[0] & 0x1F == 1)

    kept = [(unit, unit.pts) for number, unit in enumerate(units) if number < KNOWN or not is_disposable(unit)]
    assert KNOWN < len(kept) < 50
    found = received(film, kept)
    assert [picture.timestamp for picture in found] == [time for _, time in kept]
    assert not any(picture.loss for picture in found)


def renumbered(unit: ClipUnit, number: int) -> ClipUnit:
    """The same H.264 frame with another ``frame_num``, of four bits."""
    payload: list[bytes] = []
    for nal in unit.payload:
        if nal[0] & 0x1F == 1:
            bits, left = Bits(nal[1:9]), 64
            for _ in range(3):
                left -= 2 * (bits.ue() + 1).bit_length() - 1
            value = int.from_bytes(nal[1:9], "big") & ~(15 << left - 4) | (number & 15) << left - 4
            nal = nal[:1] + value.to_bytes(8, "big") + nal[9:]
        payload.append(nal)
    return ClipUnit(unit.pts, unit.due_s, tuple(payload), unit.keyframe, unit.hash)


@pytest.mark.parametrize("lie", [lambda number: 3 * number, lambda number: 5, lambda number: 0])
def test_who_numbers_frames_as_they_like_is_not_believed(lie: object) -> None:
    assert callable(lie)
    film = clip(FILMS["h264-long"])
    units = [
        (renumbered(unit, lie(number)), unit.pts + STEP * (number // 10))
        for number, unit in enumerate(film.video.units)
    ]
    found = received(film, units)
    assert len(found) == 60 and not any(picture.loss for picture in found)


def bits_of(*fields: int | tuple[int, int]) -> bytes:
    """Fields as they are written: (value, bits), or a number as Exp-Golomb; then the stop bit."""
    text = ""
    for field in fields:
        if isinstance(field, tuple):
            text += f"{field[0]:0{field[1]}b}" if field[1] else ""
        else:
            text += "0" * ((field + 1).bit_length() - 1) + f"{field + 1:b}"
    text += "1"
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


ORDER = OrderCount(0, 6, False, True, True)


@pytest.mark.parametrize(
    ("operations", "anew"),
    [
        (((0, 1),), False),
        (((1, 1), 0), False),
        (((1, 1), 1, 3, 5, 0), True),
        (((1, 1), 3, 0, 2, 4, 1, 0), False),
        (((1, 1), 2, 1, 6, 0, 5, 0), True),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_memory_management_that_counts_anew(
    operations: tuple[int | tuple[int, int], ...], anew: bool, weighted: bool
) -> None:
    picture_set = PictureSet(
        b"\x68" + bits_of(2, 0, (1, 1), (0, 1), 0, 1, 0, (weighted, 1), (0, 2), 0, 0, 0, (0, 1), (0, 1), (0, 1))
    )
    assert picture_set.number == 2
    # Of a slice behind frame_num: order count, two references, one moved to the front, and their weights.
    weights = (5, 5, (1, 1), 3, 4, (0, 1), (0, 1), (1, 1), 1, 2, 3, 4) if weighted else ()
    slice_ = bits_of((9, 6), (0, 1), (1, 1), 0, 1, 3, *weights, *operations)
    assert picture_set.counts_anew(Bits(slice_), 5, ORDER) is anew


def test_a_count_that_begins_anew_is_no_loss() -> None:
    """The picture before says that it does; of the same number behind another picture frames are missing."""
    sps = b"\x67" + bits_of((77, 8), (0, 16), 0, 0, 0, 2, 1, (0, 1), 9, 9, (1, 1))
    pps = b"\x68" + bits_of(0, 0, (1, 1), (0, 1), 0, 0, 0, (0, 1), (0, 2), 0, 0, 0, (0, 1), (0, 1), (0, 1))
    order = Continuity("h264", (sps, pps))
    assert order.tells_skips

    def slice_(number: int, *marking: int | tuple[int, int]) -> Mark:
        return Mark(b"\x41" + bits_of(0, 5, 0, (number, 4), (7, 6), (0, 1), (0, 1), *marking), 0, True)

    plain, anew = slice_(9, (0, 1)), slice_(9, (1, 1), 5, 0)
    assert order.skips(plain, slice_(1, (0, 1)), 2) and not order.skips(anew, slice_(1, (0, 1)), 2)
    assert not order.skips(plain, slice_(10, (0, 1)), 2) and order.skips(plain, slice_(11, (0, 1)), 2)
    # More than time has room for is another numbering.
    assert not order.skips(plain, slice_(15, (0, 1)), 3)


def test_sets_of_references_that_are_made_of_others() -> None:
    """Three in an SPS: of the first one a picture refers to the fourth before it; the second is that one moved back by
    a picture, the third the second one moved on by one, of which the first is kept and the others are not."""
    sps = b"\x42\x01" + bits_of(
        (0, 4), (0, 3), (1, 1), (0, 88), (0, 8), 0, 1, 320, 192, (0, 1), 0, 0, 4, (1, 1), 4, 0, 0, 0, 3, 0, 3, 2, 2,
        (0, 1), (1, 1), (1, 1), (0, 1),
        3,
        2, 0, 0, (0, 1), 2, (1, 1),
        (1, 1), (1, 1), 0, (0, 1), (1, 1), (1, 1), (0, 1), (0, 1),
        (1, 1), (0, 1), 0, (1, 1), (0, 1), (0, 1), (0, 1), (0, 1),
    )  # fmt: skip
    sets = ReferenceSets(sps)
    assert sets.reorders == 0
    assert [sets.nearest(Bits(bits_of((1, 1), (number, 2)))) for number in range(3)] == [4, 5, 1]
    # One that the slice has itself: four pictures back, then two further.
    assert sets.nearest(Bits(bits_of((0, 1), (0, 1), 2, 0, 3, (0, 1), 1, (1, 1)))) == 6
    with pytest.raises(ValueError, match="no such set"):
        sets.nearest(Bits(bits_of((1, 1), (3, 2))))
