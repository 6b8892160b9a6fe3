"""Running cameras beside synchronous test code, in a thread with an event loop of its own."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_DEADLINE_S = 60.0


class Startable(Protocol):
    """A camera that can be started and stopped."""

    async def start(self) -> str: ...

    async def stop(self) -> None: ...


class LoopThread:
    """A thread that runs an event loop until `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="test-cameras")
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, run on the thread's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_DEADLINE_S)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_DEADLINE_S)
        assert not self._thread.is_alive(), "the cameras' event loop does not end"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()


@contextmanager
def running(camera: Startable) -> Iterator[str]:
    """Run a camera in the background: its URL on entry, stopped and its thread gone on exit."""
    thread = LoopThread()
    try:
        url = thread.call(camera.start())
        try:
            yield url
        finally:
            thread.call(camera.stop())
    finally:
        thread.close()


@contextmanager
def controlled(camera: Startable) -> Iterator[Callable[[Callable[[], Awaitable[T]]], T]]:
    """Like `running`, but yields a function that runs the camera's coroutine functions, e.g.
    `control(camera.go_away)`."""
    thread = LoopThread()

    def control(action: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await action()

        return thread.call(run())

    try:
        thread.call(camera.start())
        try:
            yield control
        finally:
            thread.call(camera.stop())
    finally:
        thread.close()


@contextmanager
def refusing(path: str = "/stream") -> Iterator[str]:
    """The URL of a camera whose port is closed; it is reserved, so that nothing else opens it meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"rtsp://127.0.0.1:{holder.getsockname()[1]}{path}"
