"""Timestamps of a connection's first packets, as FFmpeg gives them (None where it does not know yet)."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from nvr.recorder.clocks.timestamps import Completer
from nvr.recorder.media.packets import Ended

STEP = 3600


def packets(*stamps: tuple[int | None, int | None]) -> list[av.Packet]:  # type: ignore[type-arg]
    made = []
    for pts, dts in stamps:
        packet = av.Packet(b"x")
        packet.time_base, packet.duration = Fraction(1, 90_000), STEP
        if pts is not None:
            packet.pts = pts
        if dts is not None:
            packet.dts = dts
        made.append(packet)
    return made


def complete(*stamps: tuple[int | None, int | None]) -> list[tuple[int | None, int | None]]:
    completer = Completer()
    given = packets(*stamps)
    out = [done for packet in given for done in completer.add(packet)]
    assert out == given[: len(out)]
    return [(packet.pts, packet.dts) for packet in out]


def test_first_packet_without_any() -> None:
    """Checklist 11."""
    assert complete((None, None), (STEP, STEP), (2 * STEP, 2 * STEP)) == [
        (0, 0),
        (STEP, STEP),
        (2 * STEP, 2 * STEP),
    ]


def test_reordered_pictures() -> None:
    """Checklist 13: As observed with two B-frames: decode times begin with the fourth packet."""
    out = complete((None, None), (3 * STEP, None), (STEP, None), (2 * STEP, STEP), (6 * STEP, 2 * STEP))
    assert out == [(0, -2 * STEP), (3 * STEP, -STEP), (STEP, 0), (2 * STEP, STEP), (6 * STEP, 2 * STEP)]
    assert all(pts is not None and dts is not None and dts <= pts for pts, dts in out)


def test_presentation_times_alone() -> None:
    stamps = [(None, None), *((number * STEP, None) for number in range(1, 12))]
    assert complete(*stamps) == [(number * STEP, number * STEP) for number in range(12)]


def test_no_timestamps_at_all() -> None:
    """Checklist 12."""
    with pytest.raises(Ended) as ended:
        complete(*[(None, None)] * 7)
    assert ended.value.cause == "corrupt"
