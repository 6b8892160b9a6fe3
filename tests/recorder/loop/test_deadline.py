"""Waits for a camera that count only time in which the loop kept up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvloop

from nvr.recorder.loop.deadline import Slices, within
from nvr.recorder.sources.rtp.errors import NoAnswerError
from nvr.recorder.sources.rtsp.connection import connect

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]
ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: PLAY\r\n\r\n"


def slices_until_over(late_s: float, wait_s: float = 10.0) -> int:
    slices = Slices(wait_s)
    return next(count for count in range(1, 100) if slices.is_over(late_s))


def test_a_loop_that_keeps_up_waits_as_long_as_it_was_told_to() -> None:
    assert Slices(10.0).each_s * slices_until_over(0.0) == 10.0
    # A worker's usual half second does not matter.
    assert Slices(10.0).each_s * slices_until_over(0.474) == 10.0


def test_time_that_the_loop_slept_does_not_count_yet_no_wait_is_endless() -> None:
    slices = Slices(10.0)
    assert not any(slices.is_over(late_s) for late_s in (0.0, 30.0, 0.0, 30.0, 0.0))
    assert slices.is_over(0.0)
    assert slices_until_over(60.0) == 16


@contextmanager
def camera(answer: bytes) -> Iterator[tuple[int, threading.Event]]:
    """Answers one request, from a thread of its own; its port, and whether it has."""
    answered = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(answer)
                answered.set()
                client.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], answered
    thread.join(5)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_that_came_while_the_loop_stood_still_has_come(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """With libuv timers that are due go first: each wait would be over before the answers are read."""

    async def ask(port: int, answered: threading.Event) -> None:
        connection = await connect("127.0.0.1", port, 5.0, None)
        try:
            asking = asyncio.create_task(connection.request("OPTIONS", "rtsp://127.0.0.1/", 0.2))
            await asyncio.sleep(0)
            assert answered.wait(5)
            # The loop stands still for longer than it is to wait.
            threading.Event().wait(0.5)
            assert (await asking).status == 200
        finally:
            connection.close()

    with camera(ANSWER) as (port, answered), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask(port, answered))


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_that_does_not_come_ends_the_wait(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def ask(port: int) -> None:
        connection = await connect("127.0.0.1", port, 5.0, None)
        began_s = time.monotonic()
        try:
            with pytest.raises(NoAnswerError, match=r"no answer to OPTIONS in 0\.2 s"):
                await connection.request("OPTIONS", "rtsp://127.0.0.1/", 0.2)
        finally:
            connection.close()
        assert time.monotonic() - began_s >= 0.2

    with camera(b"") as (port, _), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask(port))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_block_ends_in_time_or_is_left_alone(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def wait() -> None:
        async with within(5.0):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with within(0.05):
                await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(wait())
