"""Other recorders under the same load: how each is set up, begun and ended.

A new one: a class with a ``begin``, and its line in ``PEERS``. Each records all cameras over TCP, copies what they
send, and cuts files every thirty seconds.
"""

from __future__ import annotations

import json
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.measure import family
from tests.support.ports import free_port

__all__ = ["PEERS", "Peer"]

_SEGMENT_S: Final = 30
_STOP_S: Final = 60.0


class Peer(ABC):
    """A recorder. ``binary`` is its program."""

    def __init__(self, binary: str) -> None:
        self.binary = str(Path(binary).resolve()) if "/" in binary else binary
        self._processes: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    def begin(self, folder: Path, urls: Sequence[str]) -> None:
        """Begins to record these into an empty folder."""

    def _start(self, folder: Path, *command: str) -> None:
        with (folder / "log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [self.binary, *command],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    @contextmanager
    def recording(self, folder: Path, urls: Sequence[str]) -> Iterator[Peer]:
        """It records until the end of the block."""
        self.begin(folder, urls)
        try:
            yield self
        finally:
            for process in self._processes:
                process.terminate()
            until = time.monotonic() + _STOP_S
            for process in self._processes:
                try:
                    process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._processes.clear()

    def pids(self) -> list[int]:
        """All of its processes."""
        return [pid for process in self._processes if process.poll() is None for pid in family(process.pid)]


class Ffmpeg(Peer):
    """A process a camera: ``ffmpeg -c copy -f segment``."""

    def begin(self, folder: Path, urls: Sequence[str]) -> None:
        """As in ``Peer``."""
        for number, url in enumerate(urls):
            read = ["-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", url]
            write = ["-c", "copy", "-f", "segment", "-segment_time", str(_SEGMENT_S), "-segment_format", "mp4"]
            self._start(folder, *read, *write, f"{number}-%05d.mp4")


class MediaMtx(Peer):
    """MediaMTX, recording fragmented MP4 as it does by default (a part a second)."""

    def begin(self, folder: Path, urls: Sequence[str]) -> None:
        """As in ``Peer``."""
        off = dict.fromkeys(("rtmp", "hls", "webrtc", "srt", "moq", "api", "metrics", "pprof", "playback"), False)
        settings = {
            **off,
            "logLevel": "warn",
            "rtspTransports": ["tcp"],
            "rtspAddress": f"127.0.0.1:{free_port()}",
            "pathDefaults": {
                "record": True,
                "recordPath": str(folder / "%path/%Y-%m-%d_%H-%M-%S-%f"),
                "recordFormat": "fmp4",
                "recordSegmentDuration": f"{_SEGMENT_S}s",
                "rtspTransport": "tcp",
            },
            "paths": {f"cam-{number}": {"source": url} for number, url in enumerate(urls)},
        }
        # JSON is YAML.
        config = folder / "mediamtx.yml"
        config.write_text(json.dumps(settings))
        self._start(folder, str(config))


PEERS: Final[Mapping[str, type[Peer]]] = {"ffmpeg": Ffmpeg, "mediamtx": MediaMtx}
"""By the names that ``bench-beside --peer`` takes."""
