"""GstCamera: the client's side of `gst_server`, an independent camera in a process of its own."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PYTHON = "/usr/bin/python3"  # the one that Debian's python3-gi belongs to
_ROOT = Path(__file__).parents[3]
_MISSING = 3
_DEADLINE_S = 60


class NotInstalledError(RuntimeError):
    """GStreamer's RTSP server can't run here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A frame that GStreamer sent, when (`at_ns`, of the machine's monotonic clock); `pts_ns` counts from the start of
    its pipeline."""

    index: int
    at_ns: int
    pts_ns: int
    size: int
    keyframe: bool
    hash: str


@dataclass(frozen=True)
class GstCamera:
    """A running server. A media starts with its first client and ends with its last; each start is logged from 0 on."""

    urls: dict[str, str]
    logs: dict[str, Path]

    def sent(self, mount: str) -> list[Logged]:
        """Every frame sent since the media last started. Its source is the same at every start, so that frames of an
        earlier one would be taken for those of this one."""
        log = self.logs[mount]
        lines = log.read_text().splitlines(keepends=True) if log.exists() else []
        # The last line may still be on its way to the file.
        fields = (line.strip().split(",") for line in lines if line.endswith("\n"))
        logged = [Logged(*map(int, (i, at, pts, size)), key == "1", digest) for i, at, pts, size, key, digest in fields]
        return logged[max((at for at, frame in enumerate(logged) if frame.index == 0), default=0) :]


@contextmanager
def gst_camera(
    folder: Path,
    mounts: Sequence[str] = ("h264", "h265", "h264-aac"),
    *,
    size: str = "320x240",
    frame_rate: int = 15,
    group: int = 15,
) -> Iterator[GstCamera]:
    """Run the server, its logs in `folder`. Raises NotInstalledError."""
    if not Path(PYTHON).exists():
        raise NotInstalledError(f"no {PYTHON}: apt-get install python3 python3-gi gir1.2-gst-rtsp-server-1.0")
    command = [PYTHON, "-m", "tests.support.cameras.gst_server", "--logs", str(folder), "--mounts", *mounts]
    command += ["--size", size, "--frame-rate", str(frame_rate), "--group", str(group)]
    errors = folder / "gst-server.err"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                status = process.wait(_DEADLINE_S)
                message = errors.read_text().strip()
                raise NotInstalledError(message) if status == _MISSING else RuntimeError(message)
            ready = json.loads(line)
            yield GstCamera(ready["urls"], {mount: Path(path) for mount, path in ready["logs"].items()})
        finally:
            process.stdin.close()
            try:
                process.wait(_DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
