"""The real server, started as its user would, for tests: a configuration, a process, and questions to its catalogue."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import av
import pytest
import sqlite_utils

from storage.catalogue import cameras, segments
from storage.catalogue.database import Database
from storage.catalogue.migrations import migrations
from storage.catalogue.segments import Segment
from storage.coverage.one_camera import Coverage, coverage
from storage.format.segment_file import SegmentFile
from tests.support.cameras.frames import frame_hash
from tests.support.ports import free_port
from tests.support.segments import read

if TYPE_CHECKING:
    from tests.support.chrome import Page

T = TypeVar("T")

# How long a test waits for what the product promises no time for: longer than any busy machine takes.
PATIENCE_S = 120.0

NVR = Path(sys.executable).with_name("nvr")


def now_us() -> int:
    return time.time_ns() // 1000


@dataclass
class Server:
    """A server in a folder of its own. ``cameras`` are tables of its configuration."""

    folder: Path
    cameras: list[Mapping[str, Any]]
    segment_duration: str = "2s"
    workers: int = 2
    extra: str = ""
    of_server: str = ""
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)
    started: ClassVar[list[Server]] = []
    """All that this process started, in order."""

    def __post_init__(self) -> None:
        self.log = self.folder / "server.log"
        self.port = self.port or free_port()
        self.write_config()

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def catalogue(self) -> Path:
        return self.folder / "data" / "catalogue.sqlite"

    @property
    def first_password(self) -> Path:
        return self.catalogue.with_name("first-password")

    def log_in_at_page(self, page: Page, own: str = "gerbang-tua-berlumut") -> None:
        """The first login of a new server at its page: with the password of the file, which has to be changed."""
        first = str(
            self.until(
                lambda: self.first_password.exists() and self.first_password.read_text().strip(), what="a password"
            )
        )
        self.until(lambda: "page at" in self.log.read_text(), what="the page")
        assert first not in self.log.read_text()
        page.driver.get(f"http://127.0.0.1:{self.port}/")
        for name, text in (("login-user", "admin"), ("login-password", first)):
            page.get(name).send_keys(text)
        page.click("login-submit")
        page.get("first-password")
        assert not page.all("nav-cameras")
        for name, text in (("password-current", first), ("password-new", own), ("password-again", own)):
            page.get(name).send_keys(text)
        page.click("password-save")
        page.get("nav-cameras")
        assert not self.first_password.exists()

    def write_config(self) -> None:
        lines = [
            f"[server]\nport = {self.port}\nworkers = {self.workers}\n{self.of_server}",
            f'[storage]\nsegment_duration = "{self.segment_duration}"\nfree_space_floor = "100MB"',
            self.extra,
        ]
        for camera in self.cameras:
            values = [f"{key} = {_toml(value)}" for key, value in camera.items()]
            lines.append("\n".join(["[[camera]]", *values]))
        self.config.write_text("\n\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Starts it, with these variables besides."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [NVR, "serve", "--config", self.config],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        Server.started.append(self)

    def stop(self, timeout_s: float = 60.0) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """Ends the supervisor alone, as the kernel would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def kill_all(self) -> None:
        """Ends all processes at once, as a power cut does."""
        assert self.process is not None
        # Stopped first: it would start new ones in place of those that are killed, and they would hold the lock.
        os.kill(self.process.pid, signal.SIGSTOP)
        for module in ("nvr.recorder", "nvr.housekeeping", "nvr.api", "nvr.evidence"):
            for pid in self.children(module):
                os.kill(pid, signal.SIGKILL)
        self.kill()

    def children(self, module: str) -> list[int]:
        """Process ids of this server's children that run ``python -m module``."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.process.pid and module.encode() in command:
                found.append(int(entry.name))
        return found

    def until(self, question: Callable[[], T], *, timeout_s: float = PATIENCE_S, what: str = "") -> T:
        """The first true answer to the question, which is asked again and again."""
        deadline = time.monotonic() + timeout_s
        while True:
            answer = question()
            if answer:
                return answer
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() >= deadline:
                raise AssertionError(f"not within {timeout_s} s: {what or question}\n{self.tail()}")
            time.sleep(0.05)  # sleep: between two questions

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def prepared(self) -> bool:
        """Whether the catalogue is there, with the whole of its schema: each step of it is a transaction of its own."""
        if not self.catalogue.exists():
            return False
        with closing(sqlite3.connect(self.catalogue)) as conn:
            return not migrations.pending(sqlite_utils.Database(conn))

    def closed(self, camera: str) -> list[Segment]:
        """Closed segments of a camera, by start."""
        if not self.prepared():
            return []
        with self._database() as database, database.read() as conn:
            if cameras.find(conn, camera) is None:
                return []
            return [s for s in segments.between(conn, camera, 0, now_us() + 10**12) if not s.growing]

    def growing(self, camera: str) -> list[Segment]:
        if not self.prepared():
            return []
        with self._database() as database, database.read() as conn:
            return [s for s in segments.growing(conn, camera) if s.end_us > s.key.start_us]

    def coverage(self, camera: str, start_us: int, end_us: int | None = None) -> Coverage:
        with self._database() as database, database.read() as conn:
            return coverage(conn, camera, start_us, end_us or now_us(), now_us=now_us())

    def stalled(self, camera: str, start_us: int) -> bool:
        """Whether a camera fell silent after it was recorded: before its first frame a camera that plays is ``stalled``
        too."""
        if not self.prepared():
            return False
        try:
            found = self.coverage(camera, start_us)
        except KeyError:
            return False
        return any(
            gap.cause.value == "stalled" and gap.start_us > found.spans[0].start_us for gap in found.gaps if found.spans
        )

    def causes(self, camera: str, start_us: int) -> list[str]:
        """Causes of the gaps since then, in order."""
        if not self.prepared():
            return []
        try:
            return [gap.cause.value for gap in self.coverage(camera, start_us).gaps]
        except KeyError:
            return []

    @contextmanager
    def _database(self) -> Iterator[Database]:
        database = Database(self.catalogue)
        try:
            yield database
        finally:
            database.close()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"'


@pytest.fixture(autouse=True)
def no_server_stays() -> Iterator[None]:
    """What a test that failed leaves running would be in the way of those that follow. For a ``conftest``."""
    before = len(Server.started)
    yield
    for server in Server.started[before:]:
        if server.process is not None and server.process.poll() is None:
            server.kill_all()


@contextmanager
def serving(folder: Path, *cameras: Mapping[str, Any], **options: Any) -> Iterator[Server]:
    """A running server, ended in order at the end of the block."""
    server = Server(folder, list(cameras), **options)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


def frames(paths: list[Path], codec: str, kind: str = "video") -> list[str]:
    """Hashes of the frames of several segments, read as any player would: from the file alone."""
    hashes: list[str] = []
    for path in paths:
        with av.open(str(path)) as container:
            streams = container.streams.video if kind == "video" else container.streams.audio
            hashes.extend(
                frame_hash(codec, bytes(packet), length_prefixed=kind == "video")
                for packet in container.demux(streams[0])
                if packet.size
            )
    return hashes


def whole(path: Path) -> SegmentFile:
    """The file's own word, which must be that it was closed."""
    found = read(path)
    assert found.tail is not None, path
    return found
