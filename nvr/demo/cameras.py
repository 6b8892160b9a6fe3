"""The two virtual cameras of `nvr demo`: `python -m nvr.demo.cameras`.

Prints one line of JSON when both can be reached, `{"cameras": [{"id", "name", "url"}]}`, and runs until its standard
input closes or a signal ends it. The second camera goes away for some seconds now and then, so that there are gaps.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from .encoder import CLOCK_RATE, Encoder
from .rtsp import AccessUnit, LiveStream, RtspServer
from .rtsp.nal import parameter_sets
from .scene import HEIGHT_PX, WIDTH_PX, Scene

FRAME_RATE = 12
GROUP_S = 2.0
BIT_RATE_BPS = 700_000
ZONE = "Asia/Jakarta"
PATH = "/live"


@dataclass(frozen=True, slots=True)
class DemoOutage:
    """When a camera can't be reached: for `length_s`, first after `first_s`, then once in every `every_s`."""

    first_s: float = 15.0
    length_s: float = 8.0
    every_s: float = 40.0


CAMERAS: Sequence[tuple[str, str, DemoOutage | None]] = (
    ("simpang-lima", "Simpang Lima", None),
    ("tugu-muda", "Tugu Muda", DemoOutage()),
)


class VirtualCamera:
    """A camera that draws its scene, encodes it and serves it on a port of its own.

    Drawing and encoding happen in a thread of the camera's, publishing on the event loop that runs `run`. While an
    outage lasts nothing listens on the port: a client sees a refused connection, as from a camera without power.
    """

    def __init__(self, place: str, name: str, *, port: int = 0, zone: tzinfo, outage: DemoOutage | None = None) -> None:
        self.id = place
        self.name = name
        self._outage = outage
        self._scene = Scene(place, name, zone, seed=len(place))
        self._encoder = Encoder(WIDTH_PX, HEIGHT_PX, FRAME_RATE, GROUP_S, BIT_RATE_BPS)
        self._stream = LiveStream("h264", CLOCK_RATE)
        self.server = RtspServer({PATH: [self._stream]}, port=port, name=name)
        self._filming = asyncio.Event()
        self.ready = asyncio.Event()

    @property
    def url(self) -> str:
        return self.server.url(PATH)

    async def run(self) -> None:
        """Film until cancelled; `ready` is set when the camera can be reached for the first time."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._film())
                tasks.create_task(self._be_reachable())
        finally:
            await self.server.release()

    async def _film(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, self.id) as studio:
            begin_s = time.monotonic()
            number = 0
            while True:
                unit = await loop.run_in_executor(studio, self._take, begin_s)
                if not self._stream.parameter_sets:
                    self._stream.parameter_sets = parameter_sets("h264", unit.payload)
                    self._filming.set()
                self._stream.publish(unit)
                # A machine too busy for a picture leaves it out: the next one is due at its own time.
                number = max(number + 1, int((time.monotonic() - begin_s) * FRAME_RATE))
                await asyncio.sleep(max(0.0, begin_s + number / FRAME_RATE - time.monotonic()))

    def _take(self, begin_s: float) -> AccessUnit:
        """Draw and encode what there is to see now."""
        # Media time runs on the steady clock, what is burned in on the wall's: a step of the one is visible in the
        # other.
        pts = round((time.monotonic() - begin_s) * CLOCK_RATE)
        wall_us = time.time_ns() // 1000
        nals, keyframe = self._encoder.encode(self._scene.frame(wall_us), pts)
        return AccessUnit(pts, tuple(nals), keyframe, wall_us)

    async def _be_reachable(self) -> None:
        await self._filming.wait()
        await self.server.open()
        self.ready.set()
        if self._outage is None:
            return
        await asyncio.sleep(self._outage.first_s)
        while True:
            await self.server.close()
            await asyncio.sleep(self._outage.length_s)
            await self.server.open()
            await asyncio.sleep(self._outage.every_s - self._outage.length_s)


@contextlib.asynccontextmanager
async def virtual_cameras(
    *, ports: Sequence[int] = (0, 0), zone: tzinfo | None = None, outages: bool = True
) -> AsyncIterator[list[VirtualCamera]]:
    """The two cameras, reachable on entry and gone on exit. Port 0 takes any that is free; OSError when one is
    taken."""
    cameras: list[VirtualCamera] = []
    try:
        for port, (place, name, outage) in zip(ports, CAMERAS, strict=True):
            chosen = outage if outages else None
            cameras.append(VirtualCamera(place, name, port=port, zone=zone or ZoneInfo(ZONE), outage=chosen))
    except OSError:
        for camera in cameras:
            await camera.server.release()
        raise
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(camera.run(), name=camera.id) for camera in cameras]
        try:
            for camera in cameras:
                await camera.ready.wait()
            yield cameras
        finally:
            for task in running:
                task.cancel()


async def _serve(ports: Sequence[int], zone: tzinfo, outages: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_input, args=(loop, stop), daemon=True).start()
    async with virtual_cameras(ports=ports, zone=zone, outages=outages) as cameras:
        listed = [{"id": camera.id, "name": camera.name, "url": camera.url} for camera in cameras]
        print(json.dumps({"cameras": listed}), flush=True)
        await stop.wait()


def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # A plain read in a thread: it works for pipes, terminals, files and /dev/null alike, which the event loop's don't.
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    # The loop may have ended by itself.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m nvr.demo.cameras", description=__doc__)
    parser.add_argument("--ports", nargs=2, type=int, default=(0, 0), metavar="PORT", help="0: any that is free")
    parser.add_argument("--zone", default=ZONE, type=ZoneInfo, help=f"zone of the burned-in clock (default {ZONE})")
    parser.add_argument("--steady", action="store_true", help="the second camera never goes away")
    options = parser.parse_args(arguments)
    failure = ""
    try:
        asyncio.run(_serve(options.ports, options.zone, not options.steady))
    except* OSError as errors:
        # Both a taken port and one that is asked for twice end here, the latter out of a task.
        failure = f"the cameras can't have ports {options.ports[0]} and {options.ports[1]}: {_first(errors)}"
    if failure:
        sys.exit(failure)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
