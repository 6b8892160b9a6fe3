"""Recording odd cameras, many at once: with the real server for the judge, and with the ffmpeg program beside it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.support.cameras.judge import Verdict, judge, judge_file
from tests.support.cameras.odd import Camera, Habit, OddCameras
from tests.support.cameras.running import running
from tests.support.server import now_us, serving

__all__ = ["FFMPEG", "MARGIN_US", "record"]

#: The source that stands for the ffmpeg program.
FFMPEG = "ffmpeg"
#: How long before the recorder is told to end frames must be recorded for sure.
MARGIN_US = 2_500_000
_END_S = 15.0


def record(folder: Path, habits: Mapping[str, tuple[str, Habit]], seconds: float, *, workers: int = 1) -> list[Verdict]:
    """Records habits, each with its source by the id of its camera, for so long, and judges."""
    classes: dict[str, type[Camera]] = {id_: habit.camera for id_, (_, habit) in habits.items()}
    for camera in set(classes.values()):
        camera.clip()
    cameras = OddCameras(classes)
    ours = {id_: (source, habit) for id_, (source, habit) in habits.items() if source != FFMPEG}
    files = {id_: folder / f"{id_}.mp4" for id_, (source, _) in habits.items() if source == FFMPEG}
    with running(cameras):
        tables = [
            {"id": id_, "url": cameras.url(id_), "source": source, **habit.camera.settings}
            for id_, (source, habit) in ours.items()
        ]
        with serving(folder, *tables, workers=workers, segment_duration="10s") as server, ExitStack() as programs:
            for id_, file in files.items():
                programs.enter_context(program(cameras.url(id_), classes[id_], file))
            server.until(
                lambda: all(cameras.journals[id_].requests for id_ in ours),
                what="requests to all cameras",
            )
            time.sleep(seconds)  # sleep: recording for this long is what is judged
            end_us = now_us() - MARGIN_US
            programs.close()
            assert server.stop(60) == 0
    verdicts = []
    for id_, (source, habit) in habits.items():
        journal = cameras.journals[id_]
        if source == FFMPEG:
            verdicts.append(judge_file(habit, files[id_], journal, end_us))
        else:
            verdicts.append(judge(server, habit, source, id_, journal, end_us))
    return verdicts


@contextmanager
def program(url: str, camera: type[Camera], file: Path) -> Iterator[None]:
    """The ffmpeg program recording an address, told to end at the end of the block."""
    if "username" in camera.settings:
        user, password = (quote(str(camera.settings[key]), safe="") for key in ("username", "password"))
        url = url.replace("rtsp://", f"rtsp://{user}:{password}@")
    transport = [] if camera.sources == ("auto",) else ["-rtsp_transport", "tcp"]
    command = ["ffmpeg", "-nostdin", "-v", "error", *transport, "-timeout", "20000000", "-i", url]
    command += ["-map", "0:v:0", "-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
