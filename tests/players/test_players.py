"""Other people's players on the real API: playlists with gaps, ranges that begin in one, and files off the disk. What
is shown is read from the pictures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playback.footage import START_US, Recording, Studio
from tests.playback.frames import HEIGHT, WIDTH, encode
from tests.playback.worlds import decoded
from tests.support.cameras.gst import PYTHON
from tests.support.site import Site, served

HERE = Path(__file__).parent
S = 1_000_000
GAP_S = 6
Seen = list[tuple[float, int]]
"""Where in time (seconds) which frame is shown."""


def ffmpeg(address: str) -> Seen:
    """All frames that the machine's ffmpeg decodes, without a complaint."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("NOT TESTED with ffmpeg: apt-get install ffmpeg")
    command = [
        "ffmpeg",
        "-v",
        "warning",
        "-i",
        address,
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stderr == b"", done.stderr.decode()
    shown, size = [], WIDTH * HEIGHT
    for at in range(0, len(done.stdout), size):
        row = done.stdout[at + HEIGHT // 2 * WIDTH :][:WIDTH]
        shown.append(sum((row[bit * 16 + 8] > 125) << bit for bit in range(16)))
    return [(float("nan"), number) for number in shown]


def ffmpeg_8(address: str) -> Seen:
    """All frames that PyAV's FFmpeg decodes, as Home Assistant would."""
    return [(at, number) for number, at in decoded(Path(address))] if address.startswith("/") else _by_pyav(address)


def _by_pyav(address: str) -> Seen:
    import av

    from tests.playback.frames import number_of

    with av.open(address) as container:
        return [(float(frame.time or 0), number_of(frame)) for frame in container.decode(video=0)]


def _said(command: list[Any], missing: str) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    if done.returncode == 3:
        pytest.skip(missing)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def gstreamer(address: str) -> Seen:
    """All frames that playbin shows, and that it came to the end."""
    if not Path(PYTHON).exists():
        pytest.skip(f"NOT TESTED with GStreamer: there is no {PYTHON}")
    missing = (
        "NOT TESTED with GStreamer: apt-get install python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
        " gstreamer1.0-libav"
    )
    (found,) = _said([PYTHON, HERE / "gst_watch.py", address, "40"], missing)
    assert found["error"] is None and found["ended"], found
    return [(at, number) for at, number in found["shown"]]


def vlc(address: str, seconds: float) -> Seen:
    """The frames that VLC shows within so long, at its own pace: what its clock drops is not among them."""
    missing = "NOT TESTED with VLC: apt-get install vlc-bin vlc-plugin-base"
    found = _said([sys.executable, HERE / "vlc_play.py", address, str(seconds)], missing)
    assert not found[-1]["failed"]
    shown: Seen = []
    for at, number in found[0]["shown"]:
        if not shown or shown[-1][1] != number:
            shown.append((at, number))
    return shown


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, list[Recording]]]:
    """Six seconds, a gap, four seconds of another run and two of one that abuts; in the third minute of the first run's
    time."""
    studio = Studio(tmp_path_factory.mktemp("players"))
    one = studio.record(encode("h264", 60), START_US, segment_s=2.0)
    two = studio.record(
        encode("h264", 40, first=1000), one.end_us + GAP_S * S, epoch=2, first=1000, segment_s=2.0, ppm=300
    )
    three = studio.record(encode("h264", 20, first=2000), two.end_us, epoch=3, first=2000)
    yield studio, [one, two, three]
    studio.database.close()


@pytest.fixture(scope="module")
def site(footage: tuple[Studio, list[Recording]]) -> Iterator[Site]:
    with served(footage[0]) as made:
        yield made


NUMBERS = [*range(60), *range(1000, 1040), *range(2000, 2020)]


def place(number: int) -> float:
    """Where a frame belongs in a playlist that begins with the first, seconds."""
    if number < 1000:
        return number / 10
    return 6 + GAP_S + (number - 1000) / 10 if number < 2000 else 16.0 + (number - 2000) / 10


@pytest.mark.parametrize("player", [ffmpeg, ffmpeg_8, pytest.param(gstreamer, marks=pytest.mark.gstreamer)])
@pytest.mark.parametrize("before_s", [0, 5])
def test_a_playlist_with_a_gap_is_played_to_its_end(site: Site, player: Callable[[str], Seen], before_s: int) -> None:
    """Every frame, each where it belongs; also if nothing was recorded where the range begins."""
    shown = player(site.address(START_US - before_s * S, START_US + 18 * S))
    assert [number for _, number in shown] == NUMBERS
    apart = [at - place(number) for at, number in shown if at == at]
    assert max(map(abs, apart), default=0) < 0.05, shown


@pytest.mark.nightly
@pytest.mark.parametrize("before_s", [0, 5])
def test_vlc_goes_on_behind_a_gap(site: Site, before_s: int) -> None:
    shown = vlc(
        site.address(START_US - before_s * S + 4 * S * (before_s == 0), START_US + 18 * S), 22 if before_s else 17
    )
    numbers = [number for _, number in shown]
    assert numbers[0] < 5 if before_s else 40 <= numbers[0] < 45
    assert any(number < 60 for number in numbers) and any(1005 <= number < 1035 for number in numbers), numbers


def read_files(footage: tuple[Studio, list[Recording]]) -> list[tuple[Path, list[int], float]]:
    """The files of the runs: path, the frames in each and how long they last, seconds."""
    found, numbers = [], iter(NUMBERS)
    for run in footage[1]:
        for part in run.parts:
            count = round((part.media_end - part.media_start) / 9000)
            found.append((part.path, [next(numbers) for _ in range(count)], count / 10))
    return found


def test_a_file_is_as_long_as_it_is_and_seeks_within_itself(footage: tuple[Studio, list[Recording]]) -> None:
    """With FFmpeg (mpv, Kodi, Home Assistant): it begins at 0:00, whatever part of its run it is."""
    if shutil.which("ffprobe") is None:
        pytest.skip("NOT TESTED with ffprobe: apt-get install ffmpeg")
    for path, numbers, seconds in read_files(footage):
        probed = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "format=start_time,duration", "-of", "json", path],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        said = json.loads(probed)["format"]
        assert float(said["start_time"]) == 0 and abs(float(said["duration"]) - seconds) < 0.01
        shown = decoded(path)
        assert [number for number, _ in shown] == numbers


@pytest.mark.nightly
def test_vlc_seeks_in_a_file(footage: tuple[Studio, list[Recording]]) -> None:
    path, numbers, seconds = read_files(footage)[1]
    missing = "NOT TESTED with VLC: apt-get install vlc-bin vlc-plugin-base"
    found = _said([sys.executable, HERE / "vlc_play.py", path.as_uri(), "1", "1"], missing)
    assert found[0]["shown"][0][1] == numbers[0]
    assert abs(found[-1]["length"] - seconds) < 0.1
    after = {number for _, number in found[1]["after"]}
    assert after and after <= set(numbers)
