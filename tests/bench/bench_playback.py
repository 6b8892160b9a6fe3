"""How near do several cameras keep to one clock in a browser, and how fast do they show another moment?

``python -m tests.bench.bench_playback`` (``make bench-playback``): cameras of 640x360, 15 frames/s, whose pictures
carry their numbers, in Debian's Chromium over plain http from this machine (no network in the times). Figures: distance
from the clock (0 while the right picture is shown) at 1x and at a fast speed, seeks of all tiles to the right pictures,
previews of a moment cold and warm, steps of a variable rate. ``--no-webcodecs`` is what a browser has on plain http
that is not this machine.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from selenium.webdriver import ActionChains

from tests.bench.machine import describe
from tests.playback.footage import CAMERA, Studio
from tests.playback.frames import TICKS, Encoded, encoded
from tests.support.chrome import Page, chromium
from tests.support.gallery import LOOK, Gallery, fix_numbers, serving

S = 1_000_000
WIDTH, HEIGHT, BAND = 640, 360, 32


def scene(seconds: int, fps: int, gop: int, *, jitter: int = 0) -> Encoded:
    """Pictures with a number on top and something that moves below, at about 500 kbit/s."""
    rng = np.random.default_rng(5)
    ground = (rng.random((HEIGHT // 8, WIDTH // 8)) * 120 + 60).astype(np.uint8).repeat(8, 0).repeat(8, 1)

    def add(container: Any) -> Any:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast", "tune": "zerolatency",
                                      "bf": "0", "sc_threshold": "0", "crf": "28"})  # fmt: skip
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        stream.codec_context.gop_size = gop
        return stream

    def pictures() -> Any:
        for number in range(seconds * fps):
            luma = ground.copy()
            for car in range(6):
                x, y = (number * (3 + car) + car * 97) % WIDTH, 80 + car * 42
                luma[y : y + 24, x : x + 48] = 20 + car * 35
            for bit in range(16):
                width = WIDTH // 16
                luma[:BAND, bit * width : (bit + 1) * width] = 235 if number >> bit & 1 else 16
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for plane, values in zip(frame.planes, (luma, None, None), strict=True):
                rows = np.full((plane.height, plane.line_size), 128, np.uint8)
                if values is not None:
                    rows[:, :WIDTH] = values
                plane.update(rows.tobytes())
            frame.pts = number * TICKS // fps + int(rng.integers(0, 2 * jitter + 1))
            frame.time_base = Fraction(1, TICKS)
            yield frame

    return encoded(pictures(), add, None)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


def said(what: str, values_ms: list[float], unit: str = "ms") -> None:
    print(
        f"{what:<44} n={len(values_ms):<5} p50 {percentile(values_ms, 0.5):7.1f}"
        f"  p95 {percentile(values_ms, 0.95):7.1f}  max {max(values_ms, default=float('nan')):7.1f} {unit}",
        flush=True,
    )


def load() -> str:
    return Path("/proc/loadavg").read_text().split()[3]


def wait_right(page: Page, place: Gallery, cameras: list[str], timeout_s: float = 30) -> float | None:
    """Seconds until all are right; None: not in time."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        seen = place.look(page)
        if len(seen) == len(cameras) and all(place.is_right(c, one) for c, one in zip(cameras, seen, strict=True)):
            return time.monotonic() - began
    return None


# Seeks by a press on the ruler, timed in the page: from the press until every tile shows another, right picture.
_SEEK = """
const [x, numbers, done] = arguments;
const box = document.querySelector('[data-testid="tracks-box"]'), r = box.getBoundingClientRect();
const at = {bubbles: true, button: 0, pointerId: 1, clientX: r.left + x, clientY: r.top + 5};
const fire = (name) => box.dispatchEvent(new PointerEvent(name, at));
const began = performance.now();
fire('pointerdown'); fire('pointerup');
const until = began + 8000;
const next = () => {
  const seen = look();
  const right = seen.every(([, number, shows], i) => shows === 'gap' || (numbers[i] ?? []).includes(number));
  if (right || performance.now() > until)
    done([performance.now() - began, seen]);
  else setTimeout(next, 5);
};
next();
"""


def measure(page: Page, place: Gallery, cameras: list[str], args: argparse.Namespace) -> None:
    count = len(cameras)
    place.open(page, cameras, place.start_us + 3 * S)
    opened = wait_right(page, place, cameras)
    words = "not in time" if opened is None else f"{opened:.2f} s"
    print(f"\n{count} cameras; run queue {load()}; open until all are right: {words}")

    page.click("zoom-m10")
    time.sleep(1.5)  # sleep: the timeline and the covers settle
    begin, length, width = page.driver.execute_script(
        "const b = document.querySelector('[data-testid=\"tracks-box\"]');"
        "const [s, e] = b.dataset.view.split(' ').map(Number); return [s, e - s, b.clientWidth];"
    )
    chance = random.Random(count)
    seeks = []
    for _ in range(args.seeks):
        at_us = place.start_us + round(chance.uniform(3, args.seconds - 3) * S)
        x = (at_us / 1000 - begin) / length * width
        exact_us = (begin + x / width * length) * 1000
        near = []
        for camera in cameras:
            # A press lands on a pixel: the frames within one of it are right.
            frames = {frame.number for d in (-0.03, 0, 0.03) if (frame := place.shown_at(camera, exact_us + d * S))}
            near.append(sorted(frames))
        page.driver.set_script_timeout(30)
        took, _ = page.driver.execute_async_script(LOOK.replace("BAND", str(place.band)) + _SEEK, x, near)
        seeks.append(took)
        time.sleep(0.3)  # sleep: what is loaded ahead does not belong to the next seek
    said(f"seek of {count} to all right", seeks)

    for speed in args.speeds:
        page.driver.execute_script(
            "const s = document.querySelector('select[data-testid=\"speed\"]'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change', {bubbles: true}));",
            f"{speed:g}",
        )
        start_s = 4 if speed > 0 else args.seconds - 6
        place_seek(page, place, place.start_us + start_s * S, begin, length, width)
        wait_right(page, place, cameras)
        cpu = place.api.cpu_s if place.api else 0
        ActionChains(page.driver).send_keys(" ").perform()
        lasting = min(args.watch, (args.seconds - 8) / abs(speed))
        seen = place.watch(page, lasting, every_ms=70)
        ActionChains(page.driver).send_keys(" ").perform()
        after = [tiles for tiles in seen if tiles[0][0] != seen[0][0][0]][10:]
        late = [
            place.distance_us(camera, one) / 1000
            for tiles in after
            for camera, one in zip(cameras, tiles, strict=True)
            if one[2] == "picture" and place.shown_at(camera, one[0]) is not None
        ]
        way = page.get("stage").get_attribute("data-way")
        used = ((place.api.cpu_s if place.api else 0) - cpu) / lasting
        moved = (after[-1][0][0] - after[0][0][0]) / S / speed if len(after) > 1 else float("nan")
        said(f"distance from the clock, {count} at {speed}x", late)
        print(
            f"    run queue {load()}; API {used * 100:.1f} % of a core; clock ran {moved:.1f} of {lasting:.1f} s; {way}"
        )
    page.driver.execute_script(
        "const s = document.querySelector('select[data-testid=\"speed\"]'); s.value = '1';"
        "s.dispatchEvent(new Event('change', {bubbles: true}));"
    )


def place_seek(page: Page, place: Gallery, at_us: int, begin: float, length: float, width: float) -> None:
    x = (at_us / 1000 - begin) / length * width
    page.driver.execute_script(
        "const b = document.querySelector('[data-testid=\"tracks-box\"]'), r = b.getBoundingClientRect();"
        "for (const n of ['pointerdown', 'pointerup']) b.dispatchEvent(new PointerEvent(n, {bubbles: true, button: 0,"
        " pointerId: 1, clientX: r.left + arguments[0], clientY: r.top + 5}));",
        x,
    )
    time.sleep(0.2)  # sleep: the seek begins


_SCRUB = """
const [x1, x2, n, done] = arguments;
const box = document.querySelector('[data-testid="tracks-box"]'), r = box.getBoundingClientRect();
const fire = (name, x) => box.dispatchEvent(new PointerEvent(name,
  {bubbles: true, button: 0, pointerId: 1, clientX: r.left + x, clientY: r.top + 5}));
const tiles = [...document.querySelectorAll('[data-testid="tile"]')];
const painted = () => tiles.map((tile) => Number(tile.querySelector('canvas').dataset.painted ?? 0));
(async () => {
  const took = [];
  fire('pointerdown', x1);
  for (let i = 0; i < n; i++) {
    const before = painted();
    const began = performance.now();
    fire('pointermove', x1 + 6 + (x2 - x1 - 6) * ((i * 7919) % n) / n);
    while (painted().some((p, k) => p <= before[k]) && performance.now() < began + 3000)
      await new Promise((ok) => setTimeout(ok, 2));
    took.push(performance.now() - began);
    await new Promise((ok) => setTimeout(ok, 60));
  }
  fire('pointerup', x1 + 6);
  done(took);
})();
"""


def scrub(page: Page, place: Gallery, cameras: list[str], args: argparse.Namespace) -> None:
    """A hand on the ruler: from each move until every tile has its keyframe; the second time they are in memory."""
    place.open(page, cameras, place.start_us + 3 * S)
    wait_right(page, place, cameras)
    page.click("zoom-m10")
    time.sleep(1.5)  # sleep: the timeline settles
    begin, length, width = page.driver.execute_script(
        "const b = document.querySelector('[data-testid=\"tracks-box\"]');"
        "const [s, e] = b.dataset.view.split(' ').map(Number); return [s, e - s, b.clientWidth];"
    )
    x1, x2 = ((place.start_us / 1000 + s * 1000 - begin) / length * width for s in (3, args.seconds - 3))
    page.driver.set_script_timeout(180)
    count = min(args.seeks, args.seconds // 2 - 4)
    for name in ("cold", "warm"):
        took = page.driver.execute_async_script(_SCRUB, x1, x2, count)
        said(f"scrub of {len(cameras)}, {name}", took)


def steps(page: Page, place: Gallery, args: argparse.Namespace) -> None:
    camera = CAMERA
    frames = place.frames(camera)
    place.open(page, [camera], frames[50].wall_us + 1000)
    wait_right(page, place, [camera])
    right, took = 0, []
    for number in range(args.steps):
        by = 1 if number < args.steps * 0.6 else -1
        before = place.look(page)[0][1]
        began = time.monotonic()
        ActionChains(page.driver).send_keys("." if by > 0 else ",").perform()
        while (shown := place.look(page)[0][1]) == before and time.monotonic() - began < 5:
            pass
        took.append((time.monotonic() - began) * 1000)
        right += shown == before + by
    print(f"\nframe steps over a variable rate (33 to 167 ms): {right} of {args.steps} right", flush=True)
    said("a step, the driver's own time in it", took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 9, 16])
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--seeks", type=int, default=20)
    parser.add_argument("--watch", type=float, default=12)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--speeds", type=float, nargs="+", default=[1, 4, 16])
    parser.add_argument("--no-webcodecs", action="store_true")
    args = parser.parse_args()
    print(describe())
    most = max(args.cameras)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Gallery(Studio(folder), (int(time.time()) // 3600 - 3) * 3600 * S, band=BAND)
        even, uneven = scene(args.seconds, 15, 30), scene(args.seconds, 10, 20, jitter=3000)
        print(f"{statistics.mean(len(p[0]) for p in even.packets) * 15 * 8 / 1000:.0f} kbit/s a camera")
        for number in range(most):
            camera = CAMERA if number == 0 else f"gate-{number + 1}"
            made.add(camera, [(number * 0.007, uneven if number == 0 else even)], name=f"Gate {number + 1}")
        fix_numbers(made)
        off = ["--disable-blink-features=WebCodecs"] if args.no_webcodecs else []
        with serving(made, folder), chromium(folder / "chromium", size="1440,900", more=off) as page:
            made.log_in(page)
            has = page.driver.execute_script("return typeof VideoDecoder !== 'undefined'")
            print(f"WebCodecs: {'yes' if has else 'no'}")
            for count in args.cameras:
                measure(page, made, made.cameras[:count], args)
                scrub(page, made, made.cameras[:count], args)
            steps(page, made, args)


if __name__ == "__main__":
    main()
