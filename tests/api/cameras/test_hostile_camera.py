"""A camera that repeats its password in all that it says: nothing of it is kept, logged or answered; and its words
reach administrators alone."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import uvloop
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import log as logs
from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.recorder.audio.encoding import Encoding
from nvr.recorder.audio.track import AudioRefusals
from nvr.recorder.camera import CameraRecorder
from nvr.recorder.loop.limiter import Outages, Turns
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.rtsp.ledger import LEDGER
from nvr.recorder.worker import audio_track
from storage.catalogue import cameras
from storage.causes import Cause
from storage.writing.catalogue_writer import CatalogueWriter
from tests.api.catalogue import NOW, S, World
from tests.api.http.test_access import declared
from tests.recorder.sources.harness import camera as settings_of
from tests.support.cameras.running import running
from tests.support.cameras.stub import SDP, Asked, StubCamera
from tests.support.waiting import until_async

Client = AsyncTestClient[Litestar]

USER, PASSWORD = "root", "Zq9/v+W%x"
TOKEN = "Kx7qTokenQ"
# What a camera says besides.
WORDS = "Mallory"


def encoded(text: str) -> set[str]:
    raw = text.encode()
    return {text, quote(text, safe=""), quote(text), base64.b64encode(raw).decode(), raw.hex(), json.dumps(text)[1:-1]}


FORMS = encoded(PASSWORD) | encoded(f"{USER}:{PASSWORD}") | encoded(f":{PASSWORD}") | encoded(TOKEN)


def lower(text: str) -> str:
    return re.sub("%..", lambda match: match[0].lower(), quote(text, safe=""))


def echoes(asked: Asked) -> list[str]:
    """Everything that a camera may have learnt."""
    pair = f"{USER}:{PASSWORD}"
    return [
        f"{WORDS} {asked.authorization}",
        f"{WORDS} {asked.authorization.partition(' ')[2]}",
        f"{WORDS} {pair}",
        f"{WORDS} rtsp://{pair}@192.0.2.7/x",
        f"{WORDS} {quote(pair, safe='')} {lower(pair)}",
        f"{WORDS} {base64.b64encode(pair.encode()).decode()}",
        f"{WORDS} {base64.b64encode(PASSWORD.encode()).decode().rstrip('=')}",
        f"{WORDS} {PASSWORD.encode().hex()}",
        f"{WORDS} key {TOKEN}",
    ]


def challenge(asked: Asked, scheme: str) -> bytes:
    offer = 'Digest realm="r", nonce="1"' if scheme == "digest" else 'Basic realm="r"'
    return asked.answer("401 No", f"WWW-Authenticate: {offer}")


def in_reason(scheme: str, method: str, number: int) -> Callable[[Asked], bytes]:
    def reply(asked: Asked) -> bytes:
        if not asked.authorization:
            return challenge(asked, scheme)
        return asked.answer(f"451 {echoes(asked)[number]}") if asked.method == method else asked.usual()

    return reply


def in_description(asked: Asked) -> bytes:
    if not asked.authorization:
        return challenge(asked, "basic")
    word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return asked.usual(f"v=0\r\ns={PASSWORD}\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {WORDS}{word}/90000\r\n".encode())


def in_sound(asked: Asked) -> bytes:
    """The sound is called by the login, and refused with it."""
    if not asked.authorization:
        return challenge(asked, "basic")
    word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    sound = f"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 {WORDS}{word}/8000\r\n"
    return asked.usual(SDP + sound.encode())


def at_sound(asked: Asked) -> bytes:
    if not asked.authorization:
        return challenge(asked, "digest")
    if asked.method == "SETUP" and asked.url.endswith("sound"):
        return asked.answer(f"451 {WORDS} {USER}:{PASSWORD} {' '.join(PASSWORD)} {asked.authorization}")
    return asked.usual(SDP + b"m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:sound\r\n")


def in_session(asked: Asked) -> bytes:
    if not asked.authorization:
        return challenge(asked, "basic")
    if asked.method == "SETUP":
        return asked.answer("200 OK", f"Session: {WORDS} {PASSWORD}\x01", "Transport: RTP/AVP/TCP;interleaved=0-1")
    return asked.usual(SDP)


def without_number(asked: Asked) -> bytes:
    if not asked.authorization:
        return challenge(asked, "digest")
    return f"RTSP/1.0 499 {WORDS} {PASSWORD} {asked.authorization}\r\n\r\n".encode()


def in_redirect(asked: Asked) -> bytes:
    if not asked.authorization:
        return challenge(asked, "digest")
    return asked.answer(f"302 {WORDS}", f"Location: rtsp://{USER}:{quote(PASSWORD)}@{WORDS}.example/{quote(PASSWORD)}")


CAMERAS: dict[str, Callable[[Asked], bytes]] = {
    **{
        f"{scheme}-{method.lower()}-{number}": in_reason(scheme, method, number)
        for number in range(9)
        for scheme, method in [(("basic", "digest")[number % 2], ("DESCRIBE", "SETUP", "PLAY")[number % 3])]
    },
    "description": in_description,
    "session": in_session,
    "sound": in_sound,
    "at-sound": at_sound,
    "number": without_number,
    "redirect": in_redirect,
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What this process logs, as a recorder does that has learnt of the cameras after its start."""
    stream = io.StringIO()
    before = (logging.root.handlers[:], logging.root.level, logs._redactor)
    logs._redactor = logs.Redactor()
    logs.setup("recorder-1", "debug", (), stream)
    yield stream
    logging.root.handlers[:], logging.root.level, logs._redactor = before


def play(world: World, source: str) -> list[dict[str, str]]:
    """Every hostile camera is recorded from for a moment, as a worker does it; the notes on their sound."""
    pipelines: list[Pipeline] = []
    encoding, refusals = Encoding(), AudioRefusals()
    writer = CatalogueWriter(world.db)
    writer.start()

    async def one(name: str, url: str) -> None:
        id_ = f"{name}-{source}"
        keys: dict[str, Any] = {"username": USER, "password": PASSWORD, "source": source, "id": id_, "login": "basic"}
        keys["audio"] = "sound" in name
        made = settings_of(f"{url}?token={TOKEN}", **keys)
        logs.learn_secrets(made.secrets)

        def pipeline(_: object, handles: deque[Any]) -> Pipeline:
            identity = Identity(id_, "n1", 1)
            audio = audio_track(made, encoding, refusals)
            cutter = Cutter(id_, 500_000, 10**9)
            pipelines.append(Pipeline(identity, cutter, Disks([]), writer, audio=audio, handles=handles))
            return pipelines[-1]

        recorder = CameraRecorder(made, pipeline, Turns(), Outages())
        recorder.start()
        await until_async(lambda: recorder.status().cause, "the end of its connection", 30)
        writer.put_status(recorder.status())
        recorder.stop(Ended(Cause.NOT_CONFIGURED, {"reason": "the test is over"}))
        await recorder.stopped()

    async def all_of(urls: dict[str, str]) -> None:
        await asyncio.gather(*(one(name, url) for name, url in urls.items()))

    from contextlib import ExitStack

    with ExitStack() as stack:
        urls = {name: stack.enter_context(running(StubCamera(reply))) for name, reply in CAMERAS.items()}
        with world.db.write() as conn:
            for name, url in urls.items():
                cameras.add(
                    conn, camera=f"{name}-{source}", name=name, source="catalogue", labels={}, node="n1", epoch=1,
                    at_us=NOW - S, settings={"url": f"{url}?token={TOKEN}", "username": USER, "password": PASSWORD},
                )  # fmt: skip
        uvloop.run(all_of(urls))
    encoding.end()
    assert writer.close(10)
    return [dict(pipeline.note) for pipeline in pipelines if pipeline.note]


def leaked(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


@pytest.mark.parametrize("source", ["native", "av"])
async def test_all_routes_and_roles(world: World, log: io.StringIO, source: str) -> None:
    notes = json.dumps(await asyncio.to_thread(play, world, source), ensure_ascii=False)
    LEDGER.close()
    assert not leaked(notes) and " ".join(PASSWORD) not in notes
    assert WORDS in notes or source == "av", "a camera says what it calls its sound"
    assert not leaked(log.getvalue())
    with world.db.read() as conn:
        kept = [
            (table, conn.execute(f"SELECT * FROM {table}").fetchall())
            for table in ("fact", "status", "run", "login", "device")
        ]
    for table, rows in kept:
        assert not leaked(json.dumps([list(row) for row in rows], default=str)), table
    said = [row for _, rows in kept for row in rows if WORDS in json.dumps(list(row), default=str)]
    assert len(said) >= 8, "the test's cameras said nothing"
    answer_digest = re.compile(r'response="?[0-9a-f]{32}')
    assert not answer_digest.search(json.dumps([list(row) for _, rows in kept for row in rows], default=str))
    app = create_app(
        ApiSettings(catalogue=str(world.db.path), node="n1", zone="Asia/Jakarta", web_dist=str(world.folder / "dist")),
        now_us=lambda: world.now_us,
        on_cameras_changed=lambda: None,
    )
    world.now_us = time.time_ns() // 1000
    hosts = re.compile(r"127\.0\.0\.1:\d+|192\.0\.2\.7|" + re.escape(str(world.folder)))
    seen = 0
    async with AsyncTestClient(app, base_url="http://nvr.test") as client:
        for method, path in sorted(declared(app)):
            if method not in ("GET", "POST"):
                continue
            for role in Role:
                for name in ("number", "digest-setup-1", "basic-describe-0") if "{camera}" in path else ("",):
                    asked = path.replace("{camera}", f"{name}-{source}").replace("{", "").replace("}", "")
                    query = {"start": "2026-11-20T00:00:00Z", "end": "2027-06-01T00:00:00Z"} if method == "GET" else {}
                    answer = await client.request(method, asked, params=query, headers=world.bearer(role))
                    text = answer.text
                    assert not leaked(text), (role, asked)
                    if role is Role.ADMIN:
                        seen += WORDS in text
                    elif "/api/me" not in path:
                        assert WORDS not in text, (role, asked, text[:400])
                        if answer.status_code == 200:
                            assert not hosts.search(text), (role, asked, text[:400])
    assert seen >= 2, "administrators are told what a camera says"


def test_a_text_costs_the_same_with_ten_thousand_secrets() -> None:
    from time import perf_counter

    from nvr.config import Redactor

    many = Redactor(f"secret-{number:05}-{number * 7919 % 9973}" for number in range(10_000))
    text = "camera gate-1: not recording: unreachable no route to host 192.0.2.7 " * 3
    began = perf_counter()
    for _ in range(100):
        many(text)
    assert perf_counter() - began < 0.5
    assert many("x secret-00042-" + str(42 * 7919 % 9973)) == "x ***"
