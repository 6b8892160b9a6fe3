"""What other people's players make of what comes out of this server: how long they say it is, which frame they show
first, and where a seek to the middle lands.

``python -m tests.bench.bench_players`` (``make bench-players``) writes ``docs/reference/players.md``. Every frame of
the footage carries its number in its picture, and what is shown is read from decoded pixels. A player that is not
installed is left out, and named.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from PIL import Image

from nvr.evidence.seal.signing import make_signer
from nvr.playback.clip.clip import Gaps, plan_clip
from tests.bench.machine import describe
from tests.evidence.made import make
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import HEIGHT, WIDTH, encode, number_of
from tests.playback.worlds import World
from tests.players.test_hls_browser import HLS, SEE
from tests.support.cameras.gst import PYTHON
from tests.support.chrome import Page, chromium
from tests.support.site import Site, served

S: Final = 1_000_000
FPS: Final = 10
GAP_S: Final = 6
FIRST: Final = 200
"""The number of the first frame: black is number 0, and nothing that is to be shown."""
DAMAGED: Final = 10_000
"""No frame has such a number: what is shown is no whole picture."""
PLAYERS_DIR: Final = Path(__file__).parents[1] / "players"
PAGE: Final = Path(__file__).parents[2] / "docs/reference/players.md"


HEAD: Final = """# Players

What other people's players make of what comes out of this server, made by `make bench-players` (MACHINE). \
Every frame of the footage carries its number, and what is shown is read from decoded
pixels: H.264, 10 frames a second, two runs of 16 and 12 s with a gap of 6 s between them; \
the segment is a file from the middle of a run.

A cell says how long the player takes it to be; `first`: the first frame shown is the first there is; `middle`: a seek \
to near the middle shows the frame that belongs there, or the one beside it (+1, -1). **Bold** is what is not so.

"""

TAIL: Final = """
- **A clip that begins between keyframes** has an edit list ([design](../design/playback.md#clips)): \
mpv and VLC show the frames before it too, up to a keyframe; FFmpeg, GStreamer and Chromium begin where it begins. \
Where the very first frame matters, read it with those.
- **FFmpeg 5.1 (so mpv of Debian 12) can't seek in a playlist of fragments**: it reads what follows at wrong places. \
FFmpeg 8 can. A clip seeks in both.
- **GStreamer says as length of a segment what it has read of it**, since fragmented files do not say it in front; \
it plays and seeks in all of it.
- **VLC**: the first frame that is new within two seconds of the seek; it may still be one of before, \
or one that lacks its keyframe. It plays playlists over gaps, and nothing after a change of parameters.
- **VLC and live view**: it goes on after a break of the camera that comes back as it was \
(`tests/system/test_players.py`); it gets no `DISCONTINUITY` there. Where the camera's parameters change (resolution, \
codec, sound that begins), it stops, and has to be opened anew: that is VLC's, and no playlist can spare it.
- **Live** (`live.m3u8`): FFmpeg 5.1 goes on reading it over files (`tests/system/test_players.py`); \
Chromium through hls.js ([web](../design/web.md)).
- **Not tried**: QuickTime, Safari and everything else of Apple's (no such machine), Windows' own players, \
televisions. Kodi and Home Assistant play with FFmpeg; their programs were not tried either.
"""

TOOLS: Final = """
## Programs that read without playing

How long they say that a file is, and when it was recorded (UTC), as a forensic examiner would ask. \
**Bold** is what is not so: `exiftool` reads of a fragmented file the header alone, which was written before anybody
knew how long the segment would be, and changing it afterwards would change what was hashed while it was recorded.

"""


@dataclass(frozen=True)
class Thing:
    """Something to play: a file or an address; how long it is (s), the number of its first frame, and what is shown at
    a moment of its timeline."""

    name: str
    address: str
    length_s: float
    at: Callable[[float], int]
    live: bool = False
    begins_us: int = START_US

    @property
    def middle_s(self) -> float:
        """Near the middle, in the middle of a frame; there is no gap there."""
        return int(self.length_s / 2.5 * FPS) / FPS + 0.05


@dataclass
class Seen:
    """What a player made of it. Times in seconds, frames by number; ``note`` says what else there is."""

    length_s: float | None = None
    first: int | None = None
    middle: int | None = None
    note: str = ""


def number_in(luma: Any) -> int:
    """The number that a gray picture carries."""
    row = luma[luma.shape[0] // 2]
    block = luma.shape[1] / 16
    return sum((int(row[int((bit + 0.5) * block)]) > 125) << bit for bit in range(16))


def _run(command: list[Any], timeout_s: float = 60) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=False, timeout=timeout_s)


def ffmpeg(thing: Thing) -> Seen:
    said = json.loads(
        _run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", thing.address]).stdout
    )
    length = said.get("format", {}).get("duration")

    def first(*options: str) -> int | None:
        command = [
            "ffmpeg",
            "-v",
            "error",
            *options,
            "-i",
            thing.address,
            "-frames:v",
            "1",
            "-pix_fmt",
            "gray",
            "-f",
            "rawvideo",
            "-",
        ]
        data = _run(command).stdout
        return number_in(np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH)) if len(data) == WIDTH * HEIGHT else None

    return Seen(
        None if length is None else float(length),
        first(),
        None if thing.live else first("-ss", f"{thing.middle_s:.3f}"),
    )


def ffmpeg_8(thing: Thing) -> Seen:
    with av.open(thing.address) as container:
        begins = (container.start_time or 0) / 1e6
        length = None if container.duration is None else container.duration / 1e6
        first = number_of(next(container.decode(video=0)))
        if thing.live:
            return Seen(None, first)
        container.seek(round((begins + thing.middle_s) * 1e6))
        shown = None
        for frame in container.decode(video=0):
            if float(frame.time or 0) > begins + thing.middle_s:
                break
            shown = number_of(frame)
    return Seen(length, first, shown)


def mpv(thing: Thing) -> Seen:
    def first(*options: str) -> tuple[int | None, float | None]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["mpv", "--no-config", "--ao=null", "--no-audio", "--vo=image", "--vo-image-format=png",
                       f"--vo-image-outdir={folder}",
                       "--frames=1", "--term-playing-msg=LENGTH=${=duration}", *options, thing.address]  # fmt: skip
            said = _run(command).stdout.decode(errors="replace")
            pictures = sorted(Path(folder).glob("*.png"))
            length = re.search(r"LENGTH=([\d.]+)", said)
            number = number_in(np.asarray(Image.open(pictures[0]).convert("L"))) if pictures else None
            return number, None if length is None else float(length[1])

    number, length = first()
    return Seen(length, number, None if thing.live else first("--hr-seek=yes", f"--start={thing.middle_s:.3f}")[0])


def _url(address: str) -> str:
    return address if address.startswith("http") else Path(address).as_uri()


def vlc(thing: Thing) -> Seen:
    done = _run([sys.executable, PLAYERS_DIR / "vlc_play.py", _url(thing.address), "2", f"{thing.middle_s:.3f}"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    shown, after = lines[0]["shown"], [number for at, number in lines[1]["after"] if at >= thing.middle_s - 1]
    later = next((number for number in after if number != (shown[-1][1] if shown else None)), None)
    return Seen(lines[-1]["length"], shown[0][1] if shown else None, None if thing.live else later)


def gstreamer(thing: Thing) -> Seen:
    seek = [] if thing.live else [f"{thing.middle_s:.3f}"]
    said = json.loads(_run([PYTHON, PLAYERS_DIR / "gst_watch.py", _url(thing.address), "6", *seek]).stdout)
    number = said["after"][0][1] if said["after"] else None
    return Seen(
        said["length"],
        said["shown"][0][1] if said["shown"] else None,
        number,
        "stops with an error" if said["error"] else "",
    )


class Chromium:
    """The browser, on a page of the site."""

    def __init__(self, page: Page, site: Site, files: dict[str, tuple[bytes, str]]) -> None:
        self.page, self.site, self.files = page, site, files

    def __call__(self, thing: Thing) -> Seen:
        driver = self.page.driver
        driver.get(f"{self.site.base}/see")
        if thing.address.startswith("http"):
            driver.execute_script("open(arguments[0], -1)" if thing.live else "open(arguments[0], 0)", thing.address)
        else:
            name = f"/file/{Path(thing.address).name}"
            self.files[name] = (Path(thing.address).read_bytes(), "video/mp4")
            driver.execute_script("video.src = arguments[0]", name)

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = driver.execute_script("return look()")
            # Before anything is painted all is dark, which is number 0.
            return found if found["number"] else None

        try:
            first = self.page.until(look, timeout_s=10)
        except AssertionError:
            return Seen(note="shows nothing")
        if thing.live:
            return Seen(None, first["number"])
        driver.execute_script("video.currentTime = arguments[0]", thing.middle_s)
        time.sleep(1.5)
        after = look()
        return Seen(first["duration"], first["number"], None if after is None else after["number"])


def tools(file: str) -> dict[str, str]:
    """What programs that read a file without playing it say: how long it is, and when it was recorded."""
    found = {}
    if shutil.which("ffprobe"):
        said = json.loads(
            _run(["ffprobe", "-v", "error", "-show_entries", "format=duration:format_tags", "-of", "json", file]).stdout
        )
        found["ffprobe"] = _told(said["format"]["duration"], said["format"]["tags"]["creation_time"])
    if shutil.which("mediainfo"):
        (general, *_) = json.loads(_run(["mediainfo", "--Output=JSON", file]).stdout)["media"]["track"]
        found["mediainfo"] = _told(general["Duration"], general["Encoded_Date"])
    if shutil.which("exiftool"):
        (said,) = json.loads(_run(["exiftool", "-j", "-n", "-Duration", "-CreateDate", file]).stdout)
        found["exiftool"] = _told(said["Duration"], said["CreateDate"])
    return found


def _told(length: Any, at: str) -> str:
    """Each writes times in a way of its own."""
    day, clock = re.findall(r"(\d+[-:]\d+[-:]\d+)[ T](\d+:\d+:\d+)", at)[0]
    return f"{float(length):.1f} s, {day.replace(':', '-')} {clock}"


def versions() -> dict[str, str]:
    """The players that are here, with their versions."""
    found = {}

    def said(name: str, command: list[str], pattern: str) -> None:
        if shutil.which(command[0]) is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                done = _run(list(command))
                match = re.search(pattern, (done.stdout + done.stderr).decode(errors="replace"))
                found[name] = match[1] if match else "?"

    said("FFmpeg (Debian)", ["ffmpeg", "-version"], r"version (\S+)")
    found["FFmpeg (PyAV)"] = av.ffmpeg_version_info
    said("mpv", ["mpv", "--version"], r"mpv (\S+)")
    # VLC's own program refuses to run as root.
    said("VLC", ["dpkg-query", "--show", "--showformat=${Version}", "libvlc5"], r"(\d[\d.]+)")
    said("GStreamer", ["gst-launch-1.0", "--version"], r"version (\S+)")
    if "GStreamer" not in found and Path(PYTHON).exists():
        said(
            "GStreamer",
            [
                PYTHON,
                "-c",
                (
                    "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst;"
                    " print(Gst.version_string())"
                ),
            ],
            r"GStreamer (\S+)",
        )
    if HLS.exists() and shutil.which("chromedriver") is not None:
        said("Chromium", ["chromium", "--version"], r"Chromium (\S+)")
    return found


def clip_file(studio: Studio, folder: Path, name: str, start_us: int, end_us: int, gaps: Gaps) -> str:
    with plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us, gaps=gaps) as clip:
        path = folder / name
        path.write_bytes(clip.read(0, clip.size - 1))
    return str(path)


def things(studio: Studio, runs: list[Recording], folder: Path, site: Site) -> list[Thing]:
    """Everything that is played. Of the first run the third segment is taken: a file from the middle of a run."""
    one, two = runs
    third = one.parts[2]
    before = [0]
    for part in one.parts:
        before.append(before[-1] + round((part.media_end - part.media_start) * FPS / 90_000))
    frames = before[3] - before[2]
    start_us, end_us = START_US, two.end_us
    long_s = (end_us - start_us) / S
    first_s = (one.end_us - start_us) / S

    def whole(at: float) -> int:
        if at < first_s:
            return FIRST + int(at * FPS)
        # In a gap the last frame is shown on.
        return FIRST + len(one.frames) - 1 if at < first_s + GAP_S else 1000 + int((at - first_s - GAP_S) * FPS)

    def joined(at: float) -> int:
        return FIRST + int(at * FPS) if at < first_s else 1000 + int((at - first_s) * FPS)

    world = World(studio, list(runs))
    signer = make_signer("Players", now_us=two.end_us, bits=2048)
    made = make(world, signer, folder / "package", start_us, one.end_us)
    middle_us = start_us + 2_350_000
    return [
        Thing(
            "segment",
            str(third.path),
            frames / FPS,
            lambda at: FIRST + before[2] + int(at * FPS),
            begins_us=third.key.start_us,
        ),
        Thing(
            "clip",
            clip_file(studio, folder, "clip.mp4", middle_us, one.end_us, "collapse"),
            first_s - 2.4,
            lambda at: FIRST + 24 + int(at * FPS),
            begins_us=middle_us + 50_000,
        ),
        Thing("clip with gap", clip_file(studio, folder, "gap.mp4", start_us, end_us, "keep"), long_s, whole),
        Thing(
            "clip, gap left out",
            clip_file(studio, folder, "joined.mp4", start_us, end_us, "collapse"),
            long_s - GAP_S,
            joined,
        ),
        Thing("sealed export", str(made.movies[0]), first_s, lambda at: FIRST + int(at * FPS)),
        Thing("playlist", site.address(start_us, one.end_us), first_s, lambda at: FIRST + int(at * FPS)),
        Thing("playlist with gap", site.address(start_us, end_us), long_s, whole),
        Thing("playlist, begins in a gap", site.address(start_us - 5 * S, end_us), long_s, whole),
    ]


def cell(thing: Thing, seen: Seen | str) -> str:
    """What a player made of it, in words; what is wrong is in bold."""
    if isinstance(seen, str):
        return f"**{seen}**"
    words = []
    right = seen.length_s is not None and abs(seen.length_s - thing.length_s) < 0.15
    length = "no length" if seen.length_s is None else f"{seen.length_s:.1f} s"
    words.append(length if right else f"**{length}**")
    for name, number, wanted in (("first", seen.first, thing.at(0)), ("middle", seen.middle, thing.at(thing.middle_s))):
        if number is None:
            words.append(f"**{name}: nothing**")
        elif number >= DAMAGED:
            words.append(f"**{name}: a damaged picture**")
        elif abs(number - wanted) <= 1:
            # A player may round to the frame before or after.
            words.append(name if number == wanted else f"{name} {number - wanted:+d}")
        else:
            words.append(f"**{name}: frame {number} instead of {wanted}**")
    if seen.note:
        words.append(f"**{seen.note}**")
    return ", ".join(words)


def _judged(told: str, length: str, at: str) -> str:
    words = zip(told.split(", "), (length, at), strict=True)
    return ", ".join(word if word == wanted else f"**{word}**" for word, wanted in words)


def main() -> None:
    """Writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE, help=f"where it is written [{PAGE.name}]")
    parser.add_argument("--only", default="", help="a player: part of its name")
    given = parser.parse_args()
    here = versions()
    print(describe())
    print(here)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        studio = Studio(folder)
        one = studio.record(encode("h264", 160, first=FIRST), START_US, first=FIRST)
        two = studio.record(encode("h264", 120, first=1000), one.end_us + GAP_S * S, epoch=2, first=1000)
        files: dict[str, tuple[bytes, str]] = {"/see": (SEE, "text/html")}
        if HLS.exists():
            files["/hls.js"] = (HLS.read_bytes(), "text/javascript")
        site = stack.enter_context(served(studio, files))
        players: dict[str, Callable[[Thing], Seen]] = {
            "FFmpeg (Debian)": ffmpeg, "FFmpeg (PyAV)": ffmpeg_8, "mpv": mpv, "VLC": vlc, "GStreamer": gstreamer
        }  # fmt: skip
        if "Chromium" in here:
            page = stack.enter_context(chromium(folder / "chromium"))
            players["Chromium"] = Chromium(page, site, files)
        players = {player: play for player, play in players.items() if player in here and given.only in player}
        rows, read, named = [], [], ""
        for thing in things(studio, [one, two], folder, site):
            cells = []
            for player, play in players.items():
                try:
                    seen: Seen | str = play(thing)
                except (OSError, ValueError, IndexError, KeyError, StopIteration, subprocess.TimeoutExpired) as error:
                    seen = f"fails ({type(error).__name__})"
                cells.append(cell(thing, seen))
                print(thing.name, player, cells[-1], flush=True)
            rows.append(f"| {thing.name}, {thing.length_s:.1f} s | {' | '.join(cells)} |")
            if not thing.address.startswith("http"):
                told = tools(thing.address)
                wanted = _told(thing.length_s, datetime.fromtimestamp(thing.begins_us / 1e6, UTC).isoformat())
                length_s, at = wanted.split(", ")
                named = ", ".join(told)
                read.append(
                    f"| {thing.name}: {wanted} | "
                    + " | ".join(_judged(one, length_s, at) for one in told.values())
                    + " |"
                )
        studio.database.close()
    heads = " | ".join(f"{player} {here[player]}" for player in players)
    table = [f"| | {heads} |", "| --- |" + " --- |" * len(players), *rows, ""]
    columns = named.split(", ")
    said = [f"| | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns), *read, ""]
    text = HEAD + "\n".join(table) + TAIL + TOOLS + "\n".join(said)
    text = text.replace("MACHINE", f"{describe()}; {datetime.now(UTC):%Y-%m-%d}")
    given.page.write_text(text)
    print(given.page)


if __name__ == "__main__":
    main()
