"""Pictures that are made in a process of their own: the same ones, giving way to all others, and one that ends is begun
again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvr.playback.snapshot import snapshot
from nvr.playback.still_process import StillProcess
from tests.playback.footage import CAMERA, START_US
from tests.playback.worlds import World
from tests.support.waiting import until

S = 1_000_000


@pytest.fixture
def stills() -> Iterator[StillProcess]:
    made = StillProcess()
    yield made
    made.close()


def test_the_same_picture_as_here(world_of: Callable[..., World], stills: StillProcess) -> None:
    studio = world_of("h265").studio
    for second in (1, 4):
        there, here = [
            snapshot(studio.database, studio.cache, CAMERA, START_US + second * S, width=100, keyframe=True, decode=by)
            for by in (stills.decode, None)
        ]
        assert (there.jpeg, there.width, there.height) == (here.jpeg, here.width, here.height)


def test_it_gives_way_to_all_others_and_ends_when_told(world_of: Callable[..., World], stills: StillProcess) -> None:
    studio = world_of("h264").studio
    assert stills.pid is None
    snapshot(studio.database, studio.cache, CAMERA, START_US + S, keyframe=True, decode=stills.decode)
    pid = stills.pid
    assert pid is not None
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    stills.close()
    assert stills.pid is None and not Path(f"/proc/{pid}").exists()


def test_what_is_no_picture_is_said_and_ends_nothing(stills: StillProcess) -> None:
    for data in (b"", b"\0" * 1000):
        with pytest.raises(LookupError):
            stills.decode(data, 0, None, b"")
    assert stills.pid is not None


def test_one_that_ends_is_begun_again(world_of: Callable[..., World], stills: StillProcess) -> None:
    studio = world_of("h264").studio
    snapshot(studio.database, studio.cache, CAMERA, START_US + S, keyframe=True, decode=stills.decode)
    pid = stills.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: stills.pid is None, "its end")
    snapshot(studio.database, studio.cache, CAMERA, START_US + S, keyframe=True, decode=stills.decode)
    assert stills.pid not in (None, pid)
