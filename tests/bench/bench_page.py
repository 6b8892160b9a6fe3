"""How soon can a city's list of cameras be used, how quick is its filter, what does it cost at rest; and a wall?

``python -m tests.bench.bench_page`` (``make bench-page``): the page in Debian's Chromium, over plain http from this
machine (no network in the times). The list: an API over a catalogue of so many cameras whose recorders report as they
do, from the address to rows that can be pressed, a word of the filter to its rows, bytes a minute at rest. The wall: a
whole server that records and is watched by streams of their own: until every tile plays, frames shown and dropped,
processor time of browser and server.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from nvr import accounts
from nvr.accounts.rows import Role
from storage.catalogue import cameras, facts, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from storage.causes import Cause
from tests.bench.machine import describe
from tests.bench.measure import family, usage
from tests.support.api_process import ApiProcess
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import Page, chromium
from tests.support.server import Server

S: Final = 1_000_000
PASSWORD: Final = "gerbang-tua-berlumut"
DISTRICTS: Final = ("Tembalang", "Genuk", "Gajahmungkur", "Tugu", "Mijen", "Banyumanik", "Candisari", "Semarang Tengah")
AWAY_EVERY: Final = 93
# Notes when rows can be seen and pressed first, from the beginning of the navigation.
WATCH: Final = """
const look = () => {
  const rows = document.querySelectorAll('[data-testid="camera-row"]').length;
  const shown = document.querySelector('[data-testid="shown"]');
  if (rows > 0 && shown && Number(shown.dataset.count) === COUNT) window.usableMs = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
FILTER: Final = """
const [word, done] = arguments, field = document.querySelector('[data-testid="search"]');
const shown = () => Number(document.querySelector('[data-testid="shown"]').dataset.count);
const before = shown(), began = performance.now();
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, word);
field.dispatchEvent(new Event('input', {bubbles: true}));
const look = () => shown() !== before ? requestAnimationFrame(() => done([performance.now() - began, shown()]))
  : setTimeout(look, 0);
look();
"""
SENT: Final = "return performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0);"
TILES: Final = """
return [...document.querySelectorAll('[data-testid="tile"] video')].map((video) => {
  const {totalVideoFrames, droppedVideoFrames} = video.getVideoPlaybackQuality();
  const {buffered} = video, end = buffered.length ? buffered.end(buffered.length - 1) : 0;
  return [totalVideoFrames, droppedVideoFrames, video.readyState > 2 ? end - video.currentTime : -1];
});
"""


@contextmanager
def city(folder: Path, count: int) -> Iterator[Database]:
    """A catalogue of so many cameras whose recorders report, every other second some of them, as long as this lasts."""
    database = Database(folder / "catalogue.sqlite")
    database.migrate()
    now_us = time.time_ns() // 1000
    with database.write() as conn:
        conn.execute("INSERT INTO node (id) VALUES ('n1')")
        for n in range(count):
            cameras.add(
                conn, camera=f"cam-{n:05}", name=f"Jl. {DISTRICTS[n % len(DISTRICTS)]} Raya {n}", source="catalogue",
                settings={"url": f"rtsp://10.0.{n >> 8}.{n & 255}/live"},
                labels={"district": DISTRICTS[n % len(DISTRICTS)], "isp": ("Telkom", "Icon Plus")[n % 2]},
                node="n1", epoch=1, at_us=now_us - 3600 * S,
            )  # fmt: skip
            if n % AWAY_EVERY == 0:
                facts.set_cause(conn, f"cam-{n:05}", now_us - 600 * S, Cause.UNREACHABLE, {}, node="n1", epoch=1)
    accounts.create_user(database, "ines", PASSWORD, Role.ADMIN, at_us=0)
    ends = threading.Event()

    def report() -> None:
        while True:
            at_us = time.time_ns() // 1000
            with database.write() as conn:
                status.put(
                    conn,
                    [
                        Status(
                            f"cam-{n:05}", "waiting" if n % AWAY_EVERY == 0 else "recording", at_us - 600 * S,
                            Cause.UNREACHABLE if n % AWAY_EVERY == 0 else None, {}, updated_us=at_us,
                        )
                        for n in range(count)
                    ],
                )  # fmt: skip
            if ends.wait(2):
                return

    thread = threading.Thread(target=report)
    thread.start()
    try:
        yield database
    finally:
        ends.set()
        thread.join()
        database.close()


def log_in(page: Page, port: int) -> None:
    page.driver.get(f"http://127.0.0.1:{port}/")
    page.get("login-user").send_keys("ines")
    page.get("login-password").send_keys(PASSWORD)
    page.click("login-submit")
    page.until(lambda: page.all("nav-cameras"), what="the page")


def measure_list(folder: Path, count: int, rounds: int, rest_s: float) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(city(folder, count))
        api = ApiProcess(database.path, zone="Asia/Jakarta")
        stack.callback(api.stop)
        port = api.hear()["port"]
        page = stack.enter_context(chromium(folder / "chromium", size="1440,900"))
        log_in(page, port)
        page.driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": WATCH.replace("COUNT", str(count))}
        )
        usable = []
        for _ in range(rounds):
            page.driver.get("about:blank")
            page.driver.get(f"http://127.0.0.1:{port}/#/cameras")
            usable.append(page.until(lambda: page.driver.execute_script("return window.usableMs"), what="the list"))
        page.shoot("bench-list")
        said(f"list of {count} cameras, from its address to rows", usable)
        filtered = []
        for _ in range(rounds):
            for word in ("tembalang", "tembalang 44", "genuk", ""):
                milliseconds, found = page.driver.execute_async_script(FILTER, word)
                assert 0 < found <= count
                filtered.append(milliseconds)
        said("a word of the filter to its rows", filtered)
        page.driver.execute_script("performance.setResourceTimingBufferSize(10000)")
        before, cpu_s = page.driver.execute_script(SENT), api.cpu_s
        time.sleep(rest_s)
        sent = (page.driver.execute_script(SENT) - before) * 60 / rest_s
        print(
            f"at rest: {sent / 1000:.1f} kB a minute, API {(api.cpu_s - cpu_s) / rest_s * 100:.1f} % of a core",
            flush=True,
        )


def measure_wall(folder: Path, count: int, seconds: float) -> None:
    """``count`` cameras, recorded, each with a stream for watching, on one wall."""
    main = ScriptedCamera(clip(ClipSpec(frame_rate=15, group=30)), at_end="repeat")
    small = ScriptedCamera(clip(ClipSpec(frame_rate=15, group=30, width=320, height=192)), at_end="repeat")
    with ExitStack() as stack:
        urls = [stack.enter_context(running(one)) for one in (main, small)]
        names = [f"cam-{n:02}" for n in range(count)]
        server = Server(folder, [{"id": name, "url": urls[0], "live_url": urls[1]} for name in names], workers=1)
        server.start()
        stack.callback(server.stop)
        page = stack.enter_context(chromium(folder / "chromium", size="1440,900"))
        server.log_in_at_page(page)
        server.until(lambda: all(server.growing(name) for name in names), what="recording")
        began = time.monotonic()
        page.driver.get(f"http://127.0.0.1:{server.port}/#/wall?n={count}&cameras={','.join(names)}")

        def plays() -> bool:
            found = page.driver.execute_script(TILES)
            return len(found) == count and all(total > 0 for total, _, _ in found)

        page.until(plays, what="every tile")
        first_s = time.monotonic() - began
        browser = page.driver.service.process.pid  # type: ignore[union-attr]
        before, (was_browser, was_server) = page.driver.execute_script(TILES), (tree_cpu_s(browser), cpu_of(server))
        measured = time.monotonic()
        time.sleep(seconds)
        lasted_s = time.monotonic() - measured
        after: list[Any] = page.driver.execute_script(TILES)
        page.shoot(f"bench-wall-{count}")
        shown = [(b[0] - a[0] - (b[1] - a[1])) / lasted_s for a, b in zip(before, after, strict=True)]
        dropped = sum(b[1] - a[1] for a, b in zip(before, after, strict=True))
        print(
            f"wall of {count}: all play after {first_s:.1f} s; {statistics.median(shown):.1f} frames/s a tile (median),"
            f" {min(shown):.1f} at least, of 15; {dropped} dropped in {lasted_s:.0f} s;"
            f" behind the newest {statistics.median(one[2] for one in after):.2f} s;"
            f" browser {(tree_cpu_s(browser) - was_browser) / lasted_s * 100:.0f} %,"
            f" server {(cpu_of(server) - was_server) / lasted_s * 100:.0f} % of a core",
            flush=True,
        )


def cpu_of(server: Server) -> float:
    assert server.process is not None
    return tree_cpu_s(server.process.pid)


def tree_cpu_s(pid: int) -> float:
    """Processor time of a process and of what it began, seconds."""
    return usage(family(pid), memory=False).cpu_s


def said(what: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    print(
        f"{what}: median {statistics.median(ordered):.0f} ms, p95 {ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms,"
        f" most {ordered[-1]:.0f} ms ({len(ordered)} times)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=4470)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rest", type=float, default=60)
    parser.add_argument("--walls", type=int, nargs="*", default=[9, 16])
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    print(describe())
    print(f"run queue {Path('/proc/loadavg').read_text().split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        if args.cameras:
            (Path(name) / "list").mkdir()
            measure_list(Path(name) / "list", args.cameras, args.rounds, args.rest)
        for count in args.walls:
            (Path(name) / f"wall-{count}").mkdir()
            measure_wall(Path(name) / f"wall-{count}", count, args.seconds)
    print(f"run queue {Path('/proc/loadavg').read_text().split()[0]}")


if __name__ == "__main__":
    main()
