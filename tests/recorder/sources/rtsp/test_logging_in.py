"""Passwords against real sockets: how often, to whom, and in what form they go out."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from nvr.demo.rtsp import Auth
from nvr.recorder.camera import CameraRecorder
from nvr.recorder.loop.limiter import Outages, Turns
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue import cameras, logins, node
from storage.catalogue.database import Database
from storage.catalogue.logins import DAY_US, PAUSE_US, device_of
from storage.causes import Cause
from storage.writing.catalogue_writer import CatalogueWriter
from tests.recorder.sources.harness import camera, record
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.cameras.stub import Asked, StubCamera
from tests.support.waiting import until_async

Serve = Callable[[Startable], str]
NONCES = itertools.count(1)
LOGIN = {"username": "admin", "password": "wrong#secret"}


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now_us = 1_790_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "catalogue.db")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def clock(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The process's ledger in a catalogue, by this clock."""
    made = Clock()
    monkeypatch.setattr(LEDGER, "_now_us", made)
    LEDGER.open(database)
    yield made
    LEDGER.close()


def refusing(extra: str = "", status: str = "401 Unauthorized", body: bytes = b"") -> StubCamera:
    """Refuses every login with a new challenge."""

    def reply(asked: Asked) -> bytes:
        if status.startswith("403") and asked.authorization:
            return asked.answer(status, body=body)
        challenge = f'WWW-Authenticate: Digest realm="IP Camera(12345)", nonce="{next(NONCES):016x}"{extra}'
        return asked.answer(status if not status.startswith("403") else "401 No", challenge, body=body)

    return StubCamera(reply)


@pytest.mark.parametrize("extra", ["", ', stale="FALSE"', ', stale="TRUE"', ", stale=true"])
def test_a_refused_password_is_sent_once_a_connection(serve: Serve, extra: str) -> None:
    """Whatever the camera says of its nonces."""
    served = refusing(extra)
    ended, _, _ = record(serve(served), **LOGIN)
    assert ended.cause is Cause.UNAUTHORIZED
    assert len(served.logins) == 1


def test_two_a_day_over_restarts(serve: Serve, clock: Clock, database: Database) -> None:
    served = refusing()
    url = serve(served)
    began_us = clock.now_us
    for _ in range(40):
        ended, _, _ = record(url, **LOGIN)
        assert ended.cause is Cause.UNAUTHORIZED
        clock.now_us += DAY_US // 41
        # As another process would see it, or this one after a restart.
        LEDGER.close()
        LEDGER.open(database)
    assert len(served.logins) == 2
    assert "until_us" in ended.detail and "2026-" in ended.detail["error"]
    # Nor was the camera connected to, but for those and one attempt each to find out.
    assert served.connections == 2
    clock.now_us = began_us + DAY_US + PAUSE_US + DAY_US // 41
    record(url, **LOGIN)
    assert len(served.logins) == 3


def test_other_settings_are_tried_at_once(serve: Serve, clock: Clock) -> None:
    served = refusing()
    url = serve(served)
    record(url, **LOGIN)
    record(url, **LOGIN)
    record(url, username="admin", password="another")
    record(url, username="root", password="wrong#secret")
    assert len(served.logins) == 3


def test_try_now(serve: Serve, clock: Clock, database: Database) -> None:
    served = refusing()
    url = serve(served)
    for _ in range(3):
        record(url, **LOGIN)
        clock.now_us += PAUSE_US
    assert len(served.logins) == 2
    with database.write() as conn:
        logins.retry(conn, device_of(url), "admin")
    for _ in range(3):
        record(url, **LOGIN)
        LEDGER.close()
        LEDGER.open(database)
    assert len(served.logins) == 3


@pytest.mark.parametrize(
    "served",
    [refusing(body=b"Invalid password. You still have 2 attempt(s)"), refusing(status="401 2 more tries")],
    ids=["body", "reason"],
)
def test_the_last_attempts_are_left_to_people(serve: Serve, clock: Clock, served: StubCamera) -> None:
    url = serve(served)
    record(url, **LOGIN)
    clock.now_us += 10 * PAUSE_US
    record(url, **LOGIN)
    assert len(served.logins) == 1


def test_forbidden_after_a_login_is_refused_too(serve: Serve, clock: Clock) -> None:
    served = refusing(status="403 Forbidden")
    url = serve(served)
    for _ in range(4):
        assert record(url, **LOGIN)[0].cause is Cause.UNAUTHORIZED
        clock.now_us += PAUSE_US
    assert len(served.logins) == 2


def test_sixteen_channels_of_a_recorder(serve: Serve, clock: Clock) -> None:
    """They begin at one moment, and share what their recorder refuses. The right password keeps none of them waiting
    for long."""
    from nvr.recorder.sources.rtsp.source import NativeSource
    from tests.recorder.sources.harness import Sink

    served = refusing()
    serve(served)

    async def all_of(url: str, password: str) -> list[Ended]:
        keys = {"username": "admin", "password": password, "stall_timeout": "8s"}
        sources = [NativeSource(camera(f"{url}/{n}", id=f"c{n}", **keys), Sink()) for n in range(16)]
        return await asyncio.gather(*(source.run() for source in sources))

    for _ in range(2):
        ends = uvloop.run(all_of(served.url, "wrong"))
        assert {ended.cause for ended in ends} == {Cause.UNAUTHORIZED}
        clock.now_us += 10 * PAUSE_US
    assert len(served.logins) == 2


def test_the_right_password_leaves_nothing(serve: Serve, clock: Clock, database: Database, h264_clip: Clip) -> None:
    auth = Auth("admin", "right", nonce_uses=1)
    for _ in range(3):
        ended, sink, _ = record(
            serve(ScriptedCamera(h264_clip, auth=auth, speed=8)), username="admin", password="right"
        )
        assert ended.cause is Cause.ENDED and len(sink.video) == 50
    LEDGER.close()
    with database.read() as conn:
        assert not conn.execute("SELECT count(*) FROM login").fetchone()[0]


def test_a_new_nonce_for_each_request_without_a_word(serve: Serve, h264_clip: Clip) -> None:
    """A nonce that has served is answered anew, although the camera does not call it stale."""
    auth = Auth("admin", "right", nonce_uses=1)
    auth.challenges = lambda *, stale=False: Auth.challenges(auth)  # type: ignore[method-assign]
    ended, sink, _ = record(serve(ScriptedCamera(h264_clip, auth=auth, speed=8)), username="admin", password="right")
    assert ended.cause is Cause.ENDED and len(sink.video) == 50


def test_an_attempt_without_an_outcome_does_not_count(serve: Serve, clock: Clock) -> None:
    def reply(asked: Asked) -> bytes | None:
        if asked.authorization:
            return None
        return asked.answer("401 No", 'WWW-Authenticate: Digest realm="r", nonce="1"')

    served = StubCamera(reply)
    url = serve(served)
    for _ in range(5):
        assert record(url, **LOGIN)[0].cause is Cause.REJECTED
    assert len(served.logins) == 5


# Plain text
# ------------------------------------------------------------------------------------------------------------------


def basic_then_digest(scheme: str) -> Callable[[Asked], bytes]:
    def reply(asked: Asked) -> bytes:
        if not asked.authorization and asked.method != "OPTIONS":
            challenge = 'Basic realm="r"' if scheme == "basic" else 'Digest realm="r", nonce="1"'
            return asked.answer("401 No", f"WWW-Authenticate: {challenge}")
        return asked.usual()

    return reply


def test_no_downgrade_to_plain_text(serve: Serve, clock: Clock) -> None:
    served = StubCamera(basic_then_digest("digest"))
    url = serve(served)
    assert record(url, **LOGIN)[0].cause is Cause.STALLED
    served.reply = basic_then_digest("basic")
    ended, _, _ = record(url, **LOGIN)
    assert ended.cause is Cause.UNAUTHORIZED and "plain text" in ended.detail["error"]
    assert all(sent.startswith("Digest ") for sent in served.logins)
    assert record(url, login="basic", **LOGIN)[0].cause is Cause.STALLED
    assert served.logins[-1].startswith("Basic ")


def test_plain_text_as_the_first_login_or_the_setting_says(serve: Serve, clock: Clock) -> None:
    served = StubCamera(basic_then_digest("basic"))
    url = serve(served)
    assert record(url, login="digest", **LOGIN)[0].cause is Cause.UNAUTHORIZED
    assert not served.logins
    for _ in range(2):
        assert record(url, **LOGIN)[0].cause is Cause.STALLED


# A camera's recorder
# -----------------------------------------------------------------------------------------------------------


def test_a_recorder_waits_without_connecting(serve: Serve, clock: Clock, database: Database) -> None:
    served = refusing()
    url = serve(served)
    with database.write() as conn:
        here = node.this_node(conn, "n1")
        cameras.add(conn, camera="cam", name="A", source="file", settings={}, labels={}, node=here, epoch=1, at_us=1)
    catalogue = CatalogueWriter(database)
    catalogue.start()

    def pipeline(settings: object, handles: deque[object]) -> Pipeline:
        return Pipeline(
            Identity("cam", here, 1),
            Cutter("cam", 500_000, 10**9),
            Disks([]),
            catalogue,
            audio=None,
            handles=handles,  # type: ignore[arg-type]
        )

    async def run() -> None:
        recorder = CameraRecorder(camera(url, **LOGIN), pipeline, Turns(), Outages())  # type: ignore[arg-type]
        recorder.start()
        for wanted in (1, 2):
            await until_async(lambda wanted=wanted: len(served.logins) >= wanted, "a login", 10)  # type: ignore[misc]
            for _ in range(15):
                recorder.wake()
                await asyncio.sleep(0.1)  # sleep: time enough to log in wrongly
            assert (served.connections, len(served.logins)) == (wanted, wanted)
            status = recorder.status()
            assert status.cause is Cause.UNAUTHORIZED and status.detail["reason"] == "login"
            clock.now_us += 2 * PAUSE_US
        recorder.stop(Ended(Cause.NOT_CONFIGURED))
        await recorder.stopped()

    uvloop.run(run())
    assert catalogue.close(10)
