"""Sockets that the extension reads: many in one call, each as long as it is there."""

from __future__ import annotations

import os
import random
import socket

import pytest

from nvr.recorder.lane import lane as lanes
from nvr.recorder.lane.loading import Extension
from tests.recorder.lane.rig import MODULE, WHY_NOT, SocketWay, Stream, Way, framed

pytestmark = pytest.mark.skipif(WHY_NOT != "", reason=WHY_NOT)


def send(way: SocketWay, stream: Stream, count: int, size: int = 200) -> None:
    """Good frames."""
    for _ in range(count):
        payloads = stream.payloads(key=stream.frame % 25 == 0, slices=1, size=size)
        way.wait(40_000)
        way.read(b"".join(map(framed, stream.packets(payloads))))


def entered() -> tuple[SocketWay, Stream]:
    """A way whose lane reads its socket."""
    way, stream = SocketWay("h264", has_lane=True), Stream("h264", random.Random(4))
    for _ in range(200):
        send(way, stream, 1)
        if way.is_read_by_lane and way.lane is not None and way.lane.frames > 20:
            return way, stream
    raise AssertionError("never entered")


def test_python_hears_of_nothing_but_fragments() -> None:
    way, stream = entered()
    before, appended = way.resumptions, way.disk.appended
    send(way, stream, 250)
    # Ten seconds, and keyframes each second.
    assert way.ended is None and 9 <= way.disk.appended - appended <= 25
    assert way.resumptions == before


def test_a_read_that_fills_the_memory_is_gone_on_with() -> None:
    """As much as comes of a large camera between two rounds, and more, is read in one."""
    way = SocketWay("h264", has_lane=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        way.socket = socket.create_connection(listener.getsockname())
        way.camera, _ = listener.accept()
    with way.socket, way.camera:
        way.socket.setblocking(False)
        way.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 << 20)
        stream = Stream("h264", random.Random(4))
        while not (way.is_read_by_lane and way.lane is not None and way.lane.frames > 20):
            send(way, stream, 1)
        received, data = way.pipeline.counted()["received"], b""
        for _ in range(15):
            way.wait(40_000)
            payloads = stream.payloads(key=stream.frame % 25 == 0, slices=1, size=40_000)
            data += b"".join(map(framed, stream.packets(payloads)))
        assert len(data) > 2 << 18
        way.camera.sendall(data)
        while way.pool.read():
            pass
        assert way.ended is None and way.pipeline.counted()["received"] == received + 15


def test_fragments_that_end_in_one_read_are_all_written() -> None:
    """The pool goes on behind each, as the reference does."""
    reference, way = Way("h264", has_lane=False), SocketWay("h264", has_lane=True)
    stream, most = Stream("h264", random.Random(4)), 0
    for number in range(80):
        # A network that holds back for most of a second, once all is usual.
        frames = 1 if number < 60 else 20
        data = b""
        for _ in range(frames):
            payloads = stream.payloads(key=stream.frame % 25 == 0, slices=1, size=2_000)
            data += b"".join(map(framed, stream.packets(payloads)))
        before = way.disk.appended
        for each in (reference, way):
            each.wait(40_000 * frames)
            each.read(data)
        most = max(most, way.disk.appended - before)
    assert way.ended is None and way.is_read_by_lane and most >= 2
    assert way.disk.told == reference.disk.told and way.counted() == reference.counted()


def test_a_camera_that_hangs_up_is_noticed_behind_what_it_sent() -> None:
    way, stream = entered()
    received = way.pipeline.counted()["received"]
    payloads = stream.payloads(key=False, slices=1, size=200)
    way.wait(40_000)
    way.camera.sendall(b"".join(map(framed, stream.packets(payloads))))
    way.camera.close()
    for _ in range(2):
        while way.pool.read():
            pass
    assert isinstance(way.ended, ConnectionError) and not way.is_read_by_lane
    assert way.pipeline.counted()["received"] == received + 1


def test_what_a_lane_leaves_unfinished_is_the_references() -> None:
    way, stream = entered()
    payloads = stream.payloads(key=False, slices=1, size=200)
    data = b"".join(map(framed, stream.packets(payloads)))
    received = way.pipeline.counted()["received"]
    way.wait(40_000)
    way.read(data[:-7])
    assert way.lane is not None
    way.lane.leave()
    assert not way.is_read_by_lane
    way.read(data[-7:])
    assert way.ended is None and way.pipeline.counted()["received"] == received + 1


def test_a_socket_that_was_closed_is_not_anothers() -> None:
    """The number of a descriptor is given to the next one that is opened: what is read must stay this camera's."""
    way, stream = entered()
    other, stream_of_other = entered()
    number = way.socket.fileno()
    way.socket.detach()
    os.dup2(other.socket.fileno(), number)
    try:
        received = [each.pipeline.counted()["received"] for each in (way, other)]
        send(way, stream, 1)
        send(other, stream_of_other, 2)
        assert [each.pipeline.counted()["received"] for each in (way, other)] == [received[0] + 1, received[1] + 2]
    finally:
        os.close(number)


def test_a_fault_in_one_ends_that_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "EXTENSION", Extension())
    way, _ = entered()
    other, stream = entered()
    assert way.lane is not None
    # As the extension tells that it panicked.
    way.lane.came(MODULE.PANIC, 0)
    assert isinstance(way.ended, RuntimeError) and not way.lane.is_in
    send(other, stream, 30)
    assert other.ended is None
