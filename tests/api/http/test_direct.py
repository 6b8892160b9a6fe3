"""Recorded bytes that go from a file straight to a connection: the same bytes, and nobody is waited for."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from nvr import accounts
from nvr.accounts import rows
from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.api.answers.direct import DirectSender
from nvr.api.connections import Limits
from nvr.api.http.times import format_time
from nvr.api.server import bind, make_server
from nvr.playback.clip.clip import plan_clip
from nvr.playback.index_cache import IndexCache
from storage.catalogue.database import Database
from tests.bench.long_footage import Maker
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode
from tests.support.people import create_token
from tests.support.waiting import until

S = 1_000_000
# Far more than what fits into any socket's buffers.
LONG_S = 300


class Served:
    """The API over a catalogue, and how many bytes went past it."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.token = create_token(database, "test", Role.INVESTIGATOR)
        app = create_app(ApiSettings(catalogue=str(database.path), node="n1"))
        self.services = app.state.services
        self.server = make_server(app, limits)
        # Signals are the main thread's.
        self.server.capture_signals = nullcontext  # type: ignore[method-assign]
        sockets = bind("127.0.0.1", 0)
        self.port = sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": sockets}, daemon=True)
        self.thread.start()
        until(lambda: self.server.started, "the server")

    def ask(self, conn: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str) -> Any:
        conn.request(method, path, headers={"Authorization": f"Bearer {self.token}", **headers})
        return conn.getresponse()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def slow(self, path: str) -> socket.socket:
        """Asks for it, with little room for the answer."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode())
        return made


@contextmanager
def serving(database: Database, limits: Limits | None = None) -> Iterator[Served]:
    made = Served(database, limits or Limits())
    try:
        yield made
    finally:
        made.server.should_exit = True
        made.thread.join(60)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Which bytes of bodies went that way."""
    found: list[tuple[int, int]] = []
    send = DirectSender.send

    async def told(self: DirectSender, some: Any, first: int, end: int, before_each: Callable[[], None]) -> None:
        found.append((first, end))
        await send(self, some, first, end, before_each)

    monkeypatch.setattr(DirectSender, "send", told)
    return found


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def recording(studio: Studio) -> Recording:
    return studio.record(encode("h264", 200), START_US)


@pytest.fixture
def long_clip(tmp_path: Path) -> Iterator[tuple[Database, str]]:
    """150 MB, nearly all of them holes."""
    maker = Maker(tmp_path)
    made = maker.make("long", LONG_S, holes=True)
    yield maker.database, clip_url("long", made.start_us + 1_234_567, made.end_us)
    maker.database.close()


def open_for(path: Path) -> int:
    """How many descriptors there are of connections, and of files below a path."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(entry.readlink())
            found += target.startswith(("socket:", f"{path}/"))
    return found


def clip_url(camera: str, start_us: int, end_us: int) -> str:
    return f"/api/cameras/{camera}/clip.mp4?start={format_time(start_us)}&end={format_time(end_us)}"


def test_any_range_is_the_same_bytes(studio: Studio, recording: Recording, sent: list[tuple[int, int]]) -> None:
    a, b = START_US + 1_230_000, recording.end_us - 500_000
    with plan_clip(studio.database, IndexCache(studio.database), CAMERA, a, b) as clip:
        truth, head = clip.read(0, clip.size - 1), clip.recorded_from
    with serving(studio.database) as served, closing(served.connect()) as conn:
        whole = served.ask(conn, clip_url(CAMERA, a, b))
        assert (whole.status, whole.read()) == (200, truth)
        assert sent == [(head, len(truth))]
        # All by one connection, which counts what went past it.
        for first, last in ((0, head - 1), (0, head), (head - 1, head), (head, head), (head + 777, len(truth) - 2)):
            part = served.ask(conn, clip_url(CAMERA, a, b), Range=f"bytes={first}-{last}")
            assert (part.status, part.read()) == (206, truth[first : last + 1])
        assert sent[1:] == [(head, head + 1), (head, head + 1), (head, head + 1), (head + 777, len(truth) - 1)]
        only_head = served.ask(conn, clip_url(CAMERA, a, b), "HEAD")
        assert (only_head.read(), only_head.headers["content-length"]) == (b"", str(len(truth)))
        sent.clear()
        data = recording.parts[0].path.read_bytes()
        name = f"/api/cameras/{CAMERA}/segments/{recording.parts[0].key.start_us}-1-n1"
        assert served.ask(conn, f"{name}.mp4").read() == data
        # As playlists have it, its times have to be made.
        assert served.ask(conn, f"{name}-0.m4s").read() != data
        assert sent == [(0, len(data))]


def test_a_file_that_is_cut_short_breaks_off_the_answer(studio: Studio, recording: Recording) -> None:
    path = recording.parts[0].path
    with serving(studio.database) as served, closing(served.connect()) as conn:
        url = f"/api/cameras/{CAMERA}/segments/{recording.parts[0].key.start_us}-1-n1.mp4"
        served.ask(conn, url, Range="bytes=0-0").read()
        answer = served.ask(conn, clip_url(CAMERA, START_US, recording.end_us), Range="bytes=0-0")
        answer.read()
        # The index is kept, so that only what is sent tells.
        os.truncate(path, path.stat().st_size // 2)
        cut = served.ask(conn, clip_url(CAMERA, START_US, recording.end_us))
        if cut.status == 200:
            with pytest.raises(http.client.IncompleteRead):
                cut.read()


def test_who_leaves_is_not_sent_for(
    long_clip: tuple[Database, str], sent: list[tuple[int, int]], tmp_path: Path
) -> None:
    database, url = long_clip
    with serving(database) as served:
        before = open_for(tmp_path / "footage")
        leaving = [served.slow(url) for _ in range(4)]
        for one in leaving:
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        until(lambda: len(sent) == 4, "four answers")
        assert served.services.clip_files.taken
        for one in leaving:
            one.close()
        until(lambda: served.services.clip_files.taken == 0, "what they held")
        until(lambda: open_for(tmp_path / "footage") <= before, "their descriptors")
        with closing(served.connect()) as conn:
            assert len(served.ask(conn, url).read()) > 100 << 20


def test_who_takes_nothing_is_ended_and_who_takes_little_is_not(long_clip: tuple[Database, str]) -> None:
    database, url = long_clip
    with serving(database, Limits(stalled_s=2)) as served:
        stuck, slow = served.slow(url), served.slow(url)
        began = time.monotonic()
        until(lambda: bool(slow.recv(20_000)) and served.services.refusals.counts().get("timeout_write"), "its end")
        assert time.monotonic() - began > 2
        assert slow.recv(20_000)
        assert served.services.refusals.counts()["timeout_write"] == 1
        stuck.close()
        slow.close()


def test_a_right_that_ends_breaks_it_off(long_clip: tuple[Database, str]) -> None:
    database, url = long_clip
    with serving(database) as served, closing(served.connect()) as conn:
        conn.connect()
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        answer = served.ask(conn, url)
        assert answer.read(100_000)
        with database.read() as catalogue:
            (token,) = rows.tokens(catalogue)
        accounts.remove_token(database, token.id)
        got = [100_000]

        def is_over() -> bool:
            got.append(len(answer.read(100_000)))
            return got[-1] == 0

        until(is_over, "its end")
        assert sum(got) < int(answer.headers["content-length"])
