"""What a lane does when something else goes on: others end the run, the extension fails, it comes later, it is off."""

from __future__ import annotations

import random
import threading
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from nvr import extension
from nvr.recorder.lane import lane as lanes
from nvr.recorder.lane.lane import give_lane, take_lane
from nvr.recorder.lane.loading import Extension
from nvr.recorder.media.packets import Ended
from storage.causes import Cause
from tests.recorder.lane.rig import MODULE, WHY_NOT, Stream, Way, framed

pytestmark = pytest.mark.skipif(WHY_NOT != "", reason=WHY_NOT)


def send(way: Way, stream: Stream, count: int) -> None:
    """Good frames."""
    for _ in range(count):
        payloads = stream.payloads(key=stream.frame % 25 == 0, slices=1, size=200)
        way.wait(40_000)
        way.read(b"".join(map(framed, stream.packets(payloads))))


def entered() -> tuple[Way, Stream]:
    """A way whose lane has the state."""
    way, stream = Way("h264", has_lane=True), Stream("h264", random.Random(4))
    for _ in range(200):
        send(way, stream, 1)
        assert way.lane is not None
        if way.lane.frames > 20 and way.lane.is_in:
            return way, stream
    raise AssertionError("never entered")


def test_a_run_that_another_thread_ends_has_all_that_was_read() -> None:
    way, stream = entered()
    counted = way.pipeline.counted()["received"]
    thread = threading.Thread(target=way.pipeline.end, args=(Ended(Cause.SERVER_DOWN),))
    thread.start()
    thread.join()
    assert way.lane is not None and not way.lane.is_in
    kind, how = way.disk.told[-1]
    assert kind == "close" and how["frames"] == counted
    send(way, stream, 1)
    assert isinstance(way.ended, Ended) and way.ended.cause is Cause.SERVER_DOWN


def test_a_fault_in_the_extension_costs_the_connection_and_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

    class Panics:
        """A lane that has a fault."""

        frames = came = 0

        def __init__(self, *_: Any) -> None:
            pass

        def take(self, *_: Any) -> int:
            raise panic("index out of bounds")

    monkeypatch.setattr(lanes, "EXTENSION", Extension())
    monkeypatch.setattr(extension, "load", lambda: SimpleNamespace(Lane=Panics))
    way, stream = Way("h264", has_lane=True), Stream("h264", random.Random(4))
    send(way, stream, 100)
    assert isinstance(way.ended, RuntimeError) and str(way.ended) == "the extension failed"
    assert way.lane is not None and not way.lane.is_in and lanes.EXTENSION.look(1 << 60) is None
    # Others go on by the reference.
    other, stream = Way("h264", has_lane=True), Stream("h264", random.Random(4))
    send(other, stream, 100)
    assert other.ended is None and other.lane is not None and other.lane.frames == 0
    assert other.pipeline.counted()["received"] == 100


def test_one_that_is_built_later_is_used_by_connections_that_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "EXTENSION", Extension())
    found: list[Any] = [None]
    monkeypatch.setattr(extension, "load", lambda: found[0])
    way, stream = Way("h264", has_lane=True), Stream("h264", random.Random(4))
    send(way, stream, 100)
    assert way.lane is not None and way.lane.frames == 0
    found[0] = MODULE
    way.wait(40_000_000 - 4_000_000)
    send(way, stream, 200)
    assert way.lane.frames > 50 and way.ended is None


def test_switched_off_there_is_no_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way("h264", has_lane=False)
    for word, is_given in (("off", False), ("0", False), ("", True)):
        monkeypatch.setenv("NVR_EXTENSION", word)
        give_lane(way.source, way.pipeline)
        assert (way.source.lane is not None) == (way.pipeline.lane is not None) == is_given
        assert (extension.load() is not None) == is_given
    take_lane(way.source, way.pipeline)
    assert way.source.lane is None and way.pipeline.lane is None


def test_a_connection_that_is_over_leaves_no_lane() -> None:
    way, _ = entered()
    way.end()
    take_lane(way.source, way.pipeline)
    way.framing.let_go()
    assert way.lane is not None
    lane, way.lane = weakref.ref(way.lane), None
    assert lane() is None
