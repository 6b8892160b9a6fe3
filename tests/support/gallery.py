"""Cameras whose pictures carry their numbers, with footage of a minute, and the page over it: only the API runs, so
that what a browser shows can be compared with what was recorded, picture by picture."""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nvr import accounts
from nvr.accounts.rows import Role
from storage.catalogue import facts
from storage.causes import Cause
from tests.playback.footage import CAMERA, Frame, Recording, Studio
from tests.playback.frames import Encoded, encode
from tests.support.api_process import ApiProcess
from tests.support.chrome import Page

__all__ = ["LOOK", "PASSWORD", "Gallery", "fix_numbers", "gallery", "serving"]

S = 1_000_000
USER, PASSWORD = "ines", "gerbang-tua-berlumut"
# Reads the number of each tile's picture from its blocks, and what the clock shows at that moment.
LOOK = """
const clock = () => {
  const [at, since, speed, runs] = document.querySelector('[data-testid="stage"]').dataset.clock.split(' ').map(Number);
  return runs ? at + (performance.now() - since) * speed : at;
};
const look = () => [...document.querySelectorAll('[data-testid="tile"]')].map((tile) => {
  const video = tile.querySelector('video'), cover = tile.querySelector('canvas');
  const source = cover.hidden ? video : cover;
  const [width, height] = cover.hidden ? [video.videoWidth, video.videoHeight] : [cover.width, cover.height];
  if (!width || (cover.hidden && video.readyState < 2)) return [clock(), -1, tile.dataset.shows];
  const canvas = document.createElement('canvas');
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(source, 0, 0);
  const block = width / 16, row = Math.min(Math.floor(height / 2), Math.floor(BAND / 2));
  const {data} = context.getImageData(0, row, width, 1);
  let number = 0;
  for (let bit = 0; bit < 16; bit++) if (data[4 * Math.floor((bit + .5) * block)] > 125) number |= 1 << bit;
  return [clock(), number, tile.dataset.shows];
});
"""


@dataclass
class Gallery:
    """``frames`` of each camera, in order of time. ``band``: how high the blocks of the numbers are, in pixels."""

    studio: Studio
    start_us: int
    band: int = 64
    runs: dict[str, list[Recording]] = field(default_factory=dict)
    port: int = 0
    api: ApiProcess | None = None

    @property
    def cameras(self) -> list[str]:
        return list(self.runs)

    def frames(self, camera: str) -> list[Frame]:
        return [frame for run in self.runs[camera] for frame in run.frames]

    def add(
        self, camera: str, videos: Sequence[tuple[float, Encoded]], *, name: str = "", segment_s: float = 20.0
    ) -> None:
        """A camera with footage from each of these seconds on; between, nobody could reach it."""
        if camera != CAMERA:
            self.studio.add_camera(camera, name or camera)
        self.runs[camera] = []
        with self.studio.database.write() as conn:
            facts.set_cause(conn, camera, 0, Cause.NOT_CONFIGURED, {}, node="n1", epoch=1)
        first = 0
        for at_s, video in videos:
            run = self.studio.record(
                video, self.start_us + round(at_s * S), first=first, camera=camera, segment_s=segment_s
            )
            self.runs[camera].append(run)
            with self.studio.database.write() as conn:
                facts.resume(conn, camera, run.start_us)
                facts.set_cause(
                    conn, camera, run.end_us, Cause.UNREACHABLE, {"error": "no route to host"}, node="n1", epoch=1
                )

    def shown_at(self, camera: str, at_us: float) -> Frame | None:
        """The frame of that moment; None: there is no footage."""
        for run in self.runs[camera]:
            if run.start_us <= at_us < run.end_us:
                times = [frame.wall_us for frame in run.frames]
                return run.frames[max(bisect.bisect_right(times, at_us) - 1, 0)]
        return None

    def log_in(self, page: Page) -> None:
        page.driver.get(f"http://127.0.0.1:{self.port}/")
        page.get("login-user").send_keys(USER)
        page.get("login-password").send_keys(PASSWORD)
        page.click("login-submit")
        page.until(lambda: page.all("nav-playback"), what="the page")

    def open(self, page: Page, cameras: Sequence[str], at_us: int) -> None:
        """The playback of these cameras at a moment."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_us // S)) + f".{at_us % S:06d}Z"
        page.driver.get("about:blank")
        page.driver.get(f"http://127.0.0.1:{self.port}/#/playback?cameras={','.join(cameras)}&at={at}")
        page.get("stage")

    def look(self, page: Page) -> list[tuple[float, int, str]]:
        """Of each tile: what the clock shows (µs), the number in its picture (-1: none), and what it says it shows."""
        found = page.driver.execute_script(LOOK.replace("BAND", str(self.band)) + "return look();")
        return [(at * 1000, number, shows) for at, number, shows in found]

    def watch(self, page: Page, seconds: float, *, every_ms: int = 100) -> list[list[tuple[float, int, str]]]:
        """As ``look``, again and again."""
        page.driver.set_script_timeout(seconds + 60)
        script = LOOK.replace("BAND", str(self.band)) + (
            "const [ms, every, done] = arguments, all = [], until = performance.now() + ms;"
            "const next = () => { all.push(look()); performance.now() < until ? setTimeout(next, every) : done(all); };"
            "next();"
        )
        found: Any = page.driver.execute_async_script(script, seconds * 1000, every_ms)
        return [[(at * 1000, number, shows) for at, number, shows in tiles] for tiles in found]

    def is_right(self, camera: str, seen: tuple[float, int, str]) -> bool:
        """Whether that picture is the one of the clock's moment."""
        frame = self.shown_at(camera, seen[0] + 1)
        return seen[2] in ("gap", "lost") if frame is None else frame.number == seen[1]

    def distance_us(self, camera: str, seen: tuple[float, int, str]) -> float:
        """How far the clock is from the time for which that picture is shown: 0 if it is the right one."""
        frames = self.frames(camera)
        number = next((i for i, frame in enumerate(frames) if frame.number == seen[1]), None)
        if number is None:
            return float("inf")
        start_us = frames[number].wall_us
        end_us = frames[number + 1].wall_us if number + 1 < len(frames) else start_us + S
        return max(start_us - seen[0], seen[0] - end_us, 0)


@contextmanager
def gallery(folder: Path, *, cameras: int = 9, seconds: int = 60, fps: int = 15, gop: int = 30) -> Iterator[Gallery]:
    """So many cameras of a steady rate; the first one's frames come 33 to 167 ms apart, and of the second ten seconds
    are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Gallery(Studio(folder), (int(time.time()) // 3600 - 3) * 3600 * S)
    uneven = encode("h264", seconds * 10, fps=10, gop=20, jitter=3000)
    even = encode("h264", seconds * fps, fps=fps, gop=gop)
    begin = encode("h264", 20 * fps, fps=fps, gop=gop)
    rest = encode("h264", (seconds - 30) * fps, fps=fps, gop=gop, first=20 * fps)
    for number in range(cameras):
        camera = CAMERA if number == 0 else f"gate-{number + 1}"
        # Never at one moment: a frame of one camera is not that of another.
        shift_s = number * 0.007
        if number == 0:
            videos = [(0.0, uneven)]
        elif number == 1:
            videos = [(shift_s, begin), (shift_s + 30, rest)]
        else:
            videos = [(shift_s, even)]
        made.add(camera, videos, name=f"Jl. Pandanaran {number + 1:02d}")
    fix_numbers(made)
    with serving(made, folder):
        yield made


def fix_numbers(made: Gallery) -> None:
    """The studio numbers the frames of a run from where it is told; those of a second run go on."""
    for runs in made.runs.values():
        first = 0
        for i, run in enumerate(runs):
            frames = tuple(Frame(frame.wall_us, first + n, frame.epoch) for n, frame in enumerate(run.frames))
            runs[i] = Recording(run.parts, frames)
            first += len(frames)


@contextmanager
def serving(made: Gallery, folder: Path) -> Iterator[None]:
    """Runs the API over it, with a user who may play and ask."""
    accounts.create_user(made.studio.database, USER, PASSWORD, Role.INVESTIGATOR, at_us=0)
    with (folder / "api.log").open("wb") as log:
        made.api = ApiProcess(made.studio.database.path, stderr=log.fileno(), zone="Asia/Jakarta")
        try:
            made.port = made.api.hear()["port"]
            yield
        finally:
            made.api.stop()
            made.studio.database.close()
