"""The virtual cameras of `nvr demo`: `python -m nvr.demo.cameras`.

Prints one line of JSON when all can be reached, `{"cameras": [{"id", "name", "url", "labels"}]}`, and runs until its
standard input closes or a signal ends it. Some go away for a while, so that there are gaps.
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
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from zoneinfo import ZoneInfo

from .encoder import CLOCK_RATE, Encoder
from .osd import Display
from .rtsp import AccessUnit, LiveStream, RtspServer
from .rtsp.nal import parameter_sets
from .scene import HEIGHT_PX, WIDTH_PX, Picture, Scene
from .views import CAMERAS, WHOLE, DemoOutage, FilmedCamera, View

FRAME_RATE = 12
GROUP_S = 2.0
BIT_RATE_BPS = 700_000
ZONE = "Asia/Jakarta"
PATH = "/live"


class VirtualCamera:
    """A camera that takes its view of a scene, encodes it and serves it on a port of its own.

    Taking and encoding happen in the thread of its film, publishing on the event loop that runs it. While an outage
    lasts nothing listens on the port: a client sees a refused connection, as from a camera without power.
    """

    def __init__(
        self,
        place: str,
        name: str,
        *,
        id: str | None = None,
        port: int = 0,
        zone: tzinfo,
        view: View = WHOLE,
        outage: DemoOutage | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.id = place if id is None else id
        self.place = place
        self.name = name
        self.labels = dict(labels or {})
        self.zone = zone
        self.view = view
        self._outage = outage
        self._display = Display(name, zone)
        rate = FRAME_RATE / view.every
        bits = round(BIT_RATE_BPS * view.width * view.height / (WIDTH_PX * HEIGHT_PX) / view.every)
        self._encoder = Encoder(view.width, view.height, round(rate), GROUP_S, bits)
        self.stream = LiveStream("h264", CLOCK_RATE)
        self.server = RtspServer({PATH: [self.stream]}, port=port, name=name)
        self.filming = asyncio.Event()
        self.ready = asyncio.Event()

    @property
    def url(self) -> str:
        return self.server.url(PATH)

    async def run(self) -> None:
        """Film alone until cancelled; `ready` is set when the camera can be reached for the first time."""
        await film([self])

    def take(self, scene: Picture, pts: int, wall_us: int) -> AccessUnit:
        """Encode what it sees of the scene."""
        picture = self.view.of(scene)
        self._display.draw(picture, wall_us)
        nals, keyframe = self._encoder.encode(picture, pts)
        return AccessUnit(pts, tuple(nals), keyframe, wall_us)

    async def be_reachable(self) -> None:
        """Listen, but for the outages."""
        await self.filming.wait()
        await self.server.open()
        self.ready.set()
        if self._outage is None:
            return
        await asyncio.sleep(self._outage.first_s)
        while True:
            await self.server.close()
            await asyncio.sleep(self._outage.length_s)
            await self.server.open()
            await asyncio.sleep(max(self._outage.every_s - self._outage.length_s, 0.1))


async def film(cameras: Sequence[VirtualCamera]) -> None:
    """Films one place for all of its cameras until cancelled: the scene is drawn once for all of them."""
    first = cameras[0]
    scene = Scene(first.place, first.name, first.zone, seed=len(first.place))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_draw(scene, cameras))
            for camera in cameras:
                tasks.create_task(camera.be_reachable())
    finally:
        for camera in cameras:
            await camera.server.release()


async def _draw(scene: Scene, cameras: Sequence[VirtualCamera]) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, cameras[0].place) as studio:
        begin_s = time.monotonic()
        number = 0
        while True:
            due = [camera for camera in cameras if number % camera.view.every == 0]
            for camera, unit in await loop.run_in_executor(studio, _take, scene, due, begin_s):
                if not camera.stream.parameter_sets:
                    camera.stream.parameter_sets = parameter_sets("h264", unit.payload)
                    camera.filming.set()
                camera.stream.publish(unit)
            # A machine too busy for a picture leaves it out: the next one is due at its own time.
            number = max(number + 1, int((time.monotonic() - begin_s) * FRAME_RATE))
            await asyncio.sleep(max(0.0, begin_s + number / FRAME_RATE - time.monotonic()))


def _take(scene: Scene, cameras: Sequence[VirtualCamera], begin_s: float) -> list[tuple[VirtualCamera, AccessUnit]]:
    """Draw what there is to see now, and encode each camera's part of it."""
    # Media time runs on the steady clock, what is burned in on the wall's: a step of the one is visible in the other.
    pts = round((time.monotonic() - begin_s) * CLOCK_RATE)
    wall_us = time.time_ns() // 1000
    picture = scene.picture(wall_us)
    return [(camera, camera.take(picture, pts, wall_us)) for camera in cameras]


@contextlib.asynccontextmanager
async def virtual_cameras(
    *,
    ports: Sequence[int] = (),
    zone: tzinfo | None = None,
    outages: bool = True,
    chosen: Sequence[FilmedCamera] = CAMERAS,
) -> AsyncIterator[list[VirtualCamera]]:
    """The cameras, reachable on entry and gone on exit. Ports that are not given are any that are free; OSError when
    one is taken."""
    cameras: list[VirtualCamera] = []
    wanted = [*ports, *([0] * len(chosen))][: len(chosen)]
    try:
        for port, one in zip(wanted, chosen, strict=True):
            made = VirtualCamera(
                one.place, one.name, id=one.id, port=port, zone=zone or ZoneInfo(ZONE), view=one.view,
                outage=one.outage if outages else None, labels=one.labels,
            )  # fmt: skip
            cameras.append(made)
    except OSError:
        for camera in cameras:
            await camera.server.release()
        raise
    places = {camera.place: [each for each in cameras if each.place == camera.place] for camera in cameras}
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(film(mine), name=place) for place, mine in places.items()]
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
        listed = [
            {"id": camera.id, "name": camera.name, "url": camera.url, "labels": camera.labels} for camera in cameras
        ]
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
    parser.add_argument("--ports", nargs="*", type=int, default=(), metavar="PORT", help="0: any that is free")
    parser.add_argument("--zone", default=ZONE, type=ZoneInfo, help=f"zone of the burned-in clock (default {ZONE})")
    parser.add_argument("--steady", action="store_true", help="no camera ever goes away")
    options = parser.parse_args(arguments)
    failure = ""
    try:
        asyncio.run(_serve(options.ports, options.zone, not options.steady))
    except* OSError as errors:
        # Both a taken port and one that is asked for twice end here, the latter out of a task.
        ports = " and ".join(str(port) for port in options.ports) or "of their own"
        failure = f"the cameras can't have ports {ports}: {_first(errors)}"
    if failure:
        sys.exit(failure)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    main()
