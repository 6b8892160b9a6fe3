"""``nvr clip``: a range of footage as a file, from the catalogue and the files alone."""

from __future__ import annotations

import glob
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from nvr.cli.catalogue import TIME, open_catalogue, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken
from storage.durable_files import sync

if TYPE_CHECKING:
    from nvr.playback.clip.clip import Clip

__all__ = ["clip"]

_STEP_BYTES = 4 << 20
_SAID_EVERY_S = 0.2
# A fragment, and the moment that it takes to be durable.
_FRAGMENT_US = 2_000_000


@click.command()
@click.option("--camera", required=True, help="The camera's id.")
@click.option("--start", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--end", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to make, or a folder. [default: this folder]")
@click.option(
    "--gaps",
    type=click.Choice(["collapse", "keep"]),
    default="collapse",
    show_default=True,
    help="What was not recorded: left out, or kept as time in which the picture stands still.",
)
@click.option(
    "--so-far",
    is_flag=True,
    help="If not all of the range is known yet, save what there is, under a name that says so.",
)
@click.option("--run", help="One run alone, as the command names those that it does not show.")
@config_option
def clip(
    camera: str, start: int, end: int, out: Path | None, gaps: str, so_far: bool, run: str | None, config: Path
) -> None:
    """Save a range of footage as an MP4, copied as it was recorded.

    Works whether or not the server runs. Never overwrites a file. Where the camera changed its picture format, or the
    server's clock was set back and a time was recorded twice, there are several files, with a number each. What another
    recorder recorded too, and none of them shows, is listed at the end.
    """
    from nvr.playback.clip.clip import not_in, plan_clip, plan_clips
    from nvr.playback.errors import PlaybackError
    from nvr.playback.hls.names import apart, clip_name
    from nvr.playback.index_cache import IndexCache
    from storage.catalogue import cameras
    from storage.coverage.one_camera import coverage
    from storage.coverage.runs import parse_run, run_name

    one = None if run is None else parse_run(camera, run)
    if run is not None and one is None:
        raise click.UsageError("--run must be a run's name, such as 1793437200000000-1-main")
    if end <= start:
        raise click.UsageError("the range is empty: --end must be after --start")
    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        with database.read() as conn:
            if cameras.find(conn, camera) is None:
                raise click.ClickException(f"there is no camera {camera}; nvr cameras lists them")
            found = coverage(conn, camera, start, end, now_us=now_us)
        if found.not_known_us and not so_far:
            known, back = (when(us, loaded.server.zone) for us in (found.as_of_us, max(end, now_us) + _FRAGMENT_US))
            raise click.ClickException(
                f"the range is not over: it is known until {known}. Come back at {back},"
                " or add --so-far for what there is"
            )
        more = [*(["gaps-kept"] if gaps == "keep" and found.gaps else []), *(["so-far"] if found.not_known_us else [])]
        try:
            cache, how = IndexCache(database), cast(Literal["collapse", "keep"], gaps)
            if one is None:
                planned = plan_clips(database, cache, camera, start, found.as_of_us, gaps=how)
            else:
                planned = [plan_clip(database, cache, camera, start, found.as_of_us, gaps=how, only={one})]
                more.insert(0, f"run-{run}")
            try:
                folder = out is None or out.is_dir()
                names = apart(clip_name(camera, each.start_us, each.end_us, *more) for each in planned)
                for number, each in enumerate(planned, 1):
                    if out is None or folder:
                        path = (out or Path()) / names[number - 1]
                    elif len(planned) == 1:
                        path = out
                    else:
                        path = out.with_name(f"{out.stem}-{number}{out.suffix}")
                    _save(each, path)
                for part in [] if one else not_in(database, planned, camera, start, found.as_of_us):
                    a, b = (when(us, loaded.server.zone) for us in (part.start_us, part.end_us))
                    echo(f"not shown: {a} to {b} of another run; add --run {run_name(part.run)} for it")
            finally:
                for each in planned:
                    each.close()
        except PlaybackError as error:
            raise click.ClickException(spoken(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error.filename or out or Path()}: {error.strerror}") from error


def _save(planned: Clip, path: Path) -> None:
    """Writes the clip under another name until it is whole and on the disk; then it gets its own, unless there is such
    a file."""
    if path.exists():
        raise click.ClickException(f"{path} exists and is not overwritten")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _remove_left(path)
    progress = _Progress(planned)
    try:
        # What a court may see is nobody's to read but its maker's.
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb", buffering=0) as file:
            for first in range(0, planned.size, _STEP_BYTES):
                data = memoryview(planned.read(first, min(first + _STEP_BYTES, planned.size) - 1))
                while data:
                    data = data[file.write(data) :]
                progress.say(min(first + _STEP_BYTES, planned.size))
            os.fsync(file.fileno())
        _name(part, path)
    finally:
        progress.end()
        part.unlink(missing_ok=True)
    sync(path.parent)
    shown_s = sum(b - a for a, b in planned.spans) / 1e6
    echo(f"{path}: {planned.size} bytes, {planned.frames} frames, {shown_s:.3f} s of footage")


def _remove_left(path: Path) -> None:
    """Removes what a command left that was killed while it made the same clip."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        pid = left.name.rpartition(".part")[0].rpartition(".")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            left.unlink(missing_ok=True)


def _name(part: Path, path: Path) -> None:
    """Gives the finished file its name. A link, not a renaming, which would overwrite what came to be there
    meanwhile."""
    try:
        os.link(part, path)
        return
    except FileExistsError:
        pass
    except OSError:
        # FAT and its like, as on a stick, know no links.
        if not path.exists():
            part.rename(path)
            return
    raise click.ClickException(f"{path} exists and is not overwritten")


class _Progress:
    """Bytes, speed and the time that is left, on a terminal."""

    def __init__(self, planned: Clip) -> None:
        self._planned = planned
        self._began = time.monotonic()
        self._said = 0.0
        self._wanted = sys.stderr.isatty()

    def say(self, done: int) -> None:
        now = time.monotonic()
        if not self._wanted or (now - self._said < _SAID_EVERY_S and done < self._planned.size):
            return
        self._said = now
        passed_s = max(now - self._began, 0.001)
        left_s = (self._planned.size - done) * passed_s / done
        text = f"{done * 100 // self._planned.size} %, {done / 1e6:.0f} of {self._planned.size / 1e6:.0f} MB"
        text += f", {done / 1e6 / passed_s:.0f} MB/s, {passed_s:.0f} s, {left_s:.0f} s left"
        echo(f"\r{text:<70}", nl=False, err=True, keep="\r")

    def end(self) -> None:
        if self._wanted:
            echo("\r" + " " * 70 + "\r", nl=False, err=True, keep="\r")
