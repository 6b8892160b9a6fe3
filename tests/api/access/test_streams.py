"""What is being sent ends with the right to it, and nothing else does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import uvicorn

from nvr import accounts
from nvr.access.closures import close_footage
from nvr.access.roles import AccessAction, Role
from nvr.accounts import rows
from nvr.api import ApiSettings, create_app
from nvr.api.http.services import Services
from nvr.api.http.streams import OpenStream
from nvr.api.http.times import format_time
from nvr.api.server import bind
from storage.catalogue.actors import SERVER_ACTOR
from tests.api import catalogue
from tests.api.catalogue import NOW, T0
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.support.grants import bearer, give, revoke
from tests.support.slow_line import slow_clips
from tests.support.waiting import until_async

S = 1_000_000


async def test_a_thousand_streams_and_one_grant(tmp_path: Path) -> None:
    world = catalogue.make(tmp_path)
    services = Services(ApiSettings(catalogue=str(world.db.path), node="n1"), now_us=lambda: NOW)
    grants = [give(world.db, f"user{n}", Role.VIEWER, "district=north", at_us=T0) for n in range(20)]
    tokens = []
    for grant in grants:
        bearer(world.db, grant.holder, Role.VIEWER, at_us=T0)
        tokens.append(f"{grant.holder}-viewer")
    before = services.rights(grants[0].holder, NOW)

    asked: list[int] = []

    def check_of(number: int) -> Callable[[], bool]:
        rights = services.rights(grants[number].holder, NOW)

        def still() -> bool:
            asked.append(number)
            now = services.renewed(None, tokens[number], rights)
            return now is not None and now.on("gate", AccessAction.PLAYBACK).allowed

        return still

    assert before.on("gate", AccessAction.PLAYBACK).allowed
    looking = asyncio.create_task(services.streams.run())
    with ExitStack() as stack:
        opened: list[list[OpenStream]] = [
            [stack.enter_context(services.streams.sending(check_of(number))) for _ in range(50)] for number in range(20)
        ]
        assert len(services.streams) == 1000
        # Looked at once, so that nothing is new.
        await until_async(lambda: len(asked) >= 1000)
        assert not any(stream.ended for streams in opened for stream in streams)
        # No figure is taken here: on a machine that computes it may be more than a second.
        revoke(world.db, grants[7], at_us=NOW)
        await until_async(lambda: all(stream.ended for stream in opened[7]), within_s=30)
        assert not any(stream.ended for number, streams in enumerate(opened) for stream in streams if number != 7)
        accounts.remove_token(world.db, tokens[3])
        accounts.remove_user(world.db, "user5")
        await until_async(lambda: all(stream.ended for stream in (*opened[3], *opened[5])), within_s=30)
        left = {number for number, streams in enumerate(opened) if not any(stream.ended for stream in streams)}
        assert left == set(range(20)) - {3, 5, 7}
    assert len(services.streams) == 0
    looking.cancel()
    await asyncio.wait([looking])
    services.db.close()
    world.db.close()


@pytest.mark.parametrize("how", ["revoked", "logged out", "closed"])
def test_revoking_one_grant_ends_its_streams_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    studio = Studio(tmp_path)
    run = studio.record(encode("h264", 300), START_US, segment_s=4.0)
    now_us = run.end_us + 10 * S
    slow_clips(monkeypatch, piece_bytes=600, pause_s=0.04)
    db = studio.database
    mine = give(db, "sari", Role.INVESTIGATOR, "*", at_us=START_US)
    other = give(db, "tono", Role.INVESTIGATOR, "*", at_us=START_US, sees_closed=True)
    theirs = bearer(db, other.holder, Role.INVESTIGATOR, at_us=START_US)
    with db.read() as conn:
        user = rows.find_user(conn, "sari")
    assert user is not None
    cookie = accounts.create_session(db, user, at_us=now_us)
    app = create_app(ApiSettings(catalogue=str(db.path), node="n1"), now_us=lambda: now_us)
    sockets = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    running = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    running.start()
    base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    url = f"{base}/api/cameras/{CAMERA}/clip.mp4"
    query = {"start": format_time(run.start_us), "end": format_time(run.end_us)}
    whole: list[bytes] = []

    def fetch() -> None:
        with httpx.stream("GET", url, params=query, headers=theirs, timeout=60) as answer:
            whole.append(answer.read())

    reading = threading.Thread(target=fetch, daemon=True)
    try:
        reading.start()
        got, ended_s = 0, 0.0
        with httpx.stream("GET", url, params=query, cookies={"nvr_session": cookie}, timeout=30) as answer:
            size = int(answer.headers["content-length"])
            with pytest.raises(httpx.RemoteProtocolError):
                for number, piece in enumerate(answer.iter_raw(1000)):
                    got += len(piece)
                    if number == 3:
                        ended_s = time.monotonic()
                        if how == "revoked":
                            revoke(db, mine, at_us=now_us)
                        elif how == "logged out":
                            accounts.end_session(db, cookie)
                        else:
                            with db.write() as conn:
                                close_footage(conn, CAMERA, reason="x", by=SERVER_ACTOR, at_us=now_us - 1)
        assert 0 < got < size
        assert time.monotonic() - ended_s < 3, "a second, and what a busy machine adds"
        reading.join(60)
        assert len(whole[0]) == size, "nobody else's is touched"
    finally:
        server.should_exit = True
        running.join(10)
        db.close()
