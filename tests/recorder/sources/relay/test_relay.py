"""FFmpeg behind the relay: it records the same, and has neither a camera's password nor its word on where to go."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.demo.rtsp import Auth
from nvr.recorder.media.packets import Ended, Frame
from nvr.recorder.sources.av import AvSource
from nvr.recorder.sources.choose import SourceChoice
from nvr.recorder.sources.relay import Relay, with_controls
from nvr.recorder.sources.rtp.errors import ProtocolError
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.database import Database
from storage.causes import Cause
from tests.recorder.sources.harness import Sink, camera
from tests.recorder.sources.rtsp.test_dial import certificate
from tests.recorder.sources.rtsp.test_hostile import media
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.fixtures import h264_aac_clip, h264_clip, serve
from tests.support.cameras.frames import nals_hash
from tests.support.cameras.odd import HABITS, OddCameras
from tests.support.cameras.odd.camera import Camera as OddCamera
from tests.support.cameras.odd.camera import Shot
from tests.support.cameras.running import Startable, running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.cameras.stub import SDP, Asked, StubCamera
from tests.support.catalogues import new_catalogue
from tests.support.waiting import until_async

__all__ = ["h264_aac_clip", "h264_clip", "serve"]

Serve = Callable[[Startable], str]
LOGIN = {"username": "admin", "password": "s3cret/pass"}


def record(url: str, *, source: str = "av", **keys: Any) -> tuple[Ended, Sink]:
    """Runs the source to its end, within a minute."""
    sink = Sink()

    async def run() -> Ended:
        made = SourceChoice(camera(url, **{**keys, "source": source})).source(sink)
        async with asyncio.timeout(60):
            return await made.run()

    return asyncio.run(run()), sink


def frames(sink: Sink) -> list[str]:
    """Those of the picture; FFmpeg's word that nothing more follows is none."""
    return [found for found in sink.hashes if found]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "catalogue.db")
    LEDGER.open(made)
    yield made
    LEDGER.close()
    made.close()


@pytest.mark.parametrize(
    "auth", [None, Auth("admin", "s3cret/pass", nonce_uses=1), Auth("admin", "s3cret/pass", "basic")]
)
def test_every_frame_passes(serve: Serve, h264_clip: Clip, auth: Auth | None) -> None:
    served = ScriptedCamera(h264_clip, auth=auth, speed=4)
    ended, sink = record(serve(served), **(LOGIN if auth else {}))
    assert ended.cause is Cause.ENDED, ended
    assert frames(sink) == [unit.hash for unit in h264_clip.video.units]


def test_sound_passes(serve: Serve, h264_aac_clip: Clip) -> None:
    ended, sink = record(serve(ScriptedCamera(h264_aac_clip)), audio=True)
    assert ended.cause is Cause.ENDED
    assert frames(sink) == [unit.hash for unit in h264_aac_clip.video.units]
    assert len(sink.sound) > 20


def test_ffmpeg_has_no_login(serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    opened: list[str] = []
    original = av.open

    def noted(url: str, *args: Any, **kwargs: Any) -> Any:
        opened.append(f"{url} {kwargs}")
        return original(url, *args, **kwargs)

    monkeypatch.setattr(av, "open", noted)
    url = serve(ScriptedCamera(h264_clip, auth=Auth("admin", "s3cret/pass"), speed=8))
    assert record(url, **LOGIN)[0].cause is Cause.ENDED
    # The parameter sets are read by FFmpeg too, once for all tests.
    opened = [what for what in opened if "BytesIO" not in what]
    assert len(opened) == 1 and opened[0].startswith("rtsp://127.0.0.1:")
    assert not re.search("s3cret|admin|stream", opened[0])


def test_a_wrong_password_is_sent_twice_a_day(serve: Serve, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now_us = [1_790_000_000_000_000]
    monkeypatch.setattr(LEDGER, "_now_us", lambda: now_us[0])
    served = StubCamera(
        lambda asked: asked.answer("401 No", f'WWW-Authenticate: Digest realm="r", nonce="{asked.cseq}"')
    )
    url = serve(served)
    for source in ("av", "auto", "av", "av"):
        ended, _ = record(url, source=source, **LOGIN)
        assert ended.cause is Cause.UNAUTHORIZED
        now_us[0] += 60_000_000
    assert len(served.logins) == 2


@pytest.mark.parametrize("source", ["av", "auto"])
@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
@pytest.mark.parametrize("first", ["digest", "ntlm"])
def test_no_login_follows_a_redirect(serve: Serve, source: str, method: str, first: str) -> None:
    """However late it comes, and whatever forces FFmpeg to take over."""
    other = StubCamera(Asked.usual, host="127.0.0.2")
    there = serve(other)

    def reply(asked: Asked) -> bytes:
        if asked.method == method and (asked.authorization or first == "ntlm"):
            return asked.answer("302 Found", f"Location: {there.replace('rtsp', 'rtsps')}")
        if not asked.authorization and asked.method != "OPTIONS":
            challenge = 'Digest realm="r", nonce="1"' if first == "digest" else "NTLM"
            return asked.answer("401 No", f"WWW-Authenticate: {challenge}")
        return asked.usual(SDP.replace(b"H264", b"VP8") if source == "auto" else SDP)

    ended, _ = record(serve(StubCamera(reply)), source=source, **LOGIN)
    assert ended.cause in (Cause.REJECTED, Cause.UNAUTHORIZED, Cause.STALLED), ended
    assert not other.connections


def test_a_redirect_in_the_middle_of_media(serve: Serve, h264_clip: Clip) -> None:
    other = StubCamera(Asked.usual, host="127.0.0.2")
    there = serve(other)

    def reply(asked: Asked) -> bytes:
        if asked.method != "PLAY":
            return asked.usual()
        sent_away = f"REDIRECT * RTSP/1.0\r\nCSeq: 9\r\nLocation: {there}\r\n\r\n".encode()
        late = f"RTSP/1.0 302 Found\r\nCSeq: 99\r\nLocation: {there}\r\n\r\n".encode()
        return asked.usual() + media(h264_clip, 0, 40) + late + sent_away

    ended, sink = record(serve(StubCamera(reply)))
    assert ended.cause is Cause.ENDED and len(sink.video) > 30
    assert not other.connections


def test_encrypted(serve: Serve, ledger: Database, tmp_path: Path, h264_clip: Clip) -> None:
    def reply(asked: Asked) -> bytes | None:
        return asked.usual() + (media(h264_clip, 0, 40) if asked.method == "PLAY" else b"")

    for source in ("av", "native"):
        served = StubCamera(reply, tls=certificate(tmp_path, source))
        ended, sink = record(serve(served), source=source, stall_timeout="2s")
        assert ended.cause is Cause.STALLED, ended
        assert frames(sink)[:30] == [unit.hash for unit in h264_clip.video.units[:30]]
    assert record(served.url, source="av", tls="verify")[0].detail["reason"] == "certificate"


def test_a_keep_alive_costs_nothing_here_either(serve: Serve) -> None:
    made = clip(ClipSpec(frames=100))
    faults = Faults(status={"GET_PARAMETER": 454}, unanswered_while_playing=frozenset({"OPTIONS"}))
    served = ScriptedCamera(made, faults=faults, session_timeout_s=1.0)
    ended, sink = record(serve(served))
    assert ended.cause is Cause.ENDED and len(frames(sink)) == 100
    assert served.server.accepted == 1
    methods = [request.method for request in served.requests]
    assert methods.count("GET_PARAMETER") == 1 and methods.count("SET_PARAMETER") >= 2


def test_audio_whose_setup_is_never_answered_costs_no_frame() -> None:
    odd = OddCameras({"deaf": HABITS["sound-setup-unanswered"].camera})
    sink = Sink()

    async def run() -> None:
        source = AvSource(camera(odd.url("deaf"), source="av", stall_timeout="4s", audio=True), sink)
        reading = asyncio.create_task(source.run())
        # It begins in FFmpeg's thread, which does not wake this one's loop.
        await until_async(sink.begun.is_set, "a beginning")
        source.stop()
        await reading

    with running(odd):
        asyncio.run(run())
    assert sink.refused == ["no answer to SETUP of the audio"]


class Told(Sink):
    """A sink that knows when it was told that the camera plays."""

    plays = False

    def connected(self) -> None:
        self.plays = True


def test_a_camera_plays_when_it_says_so_not_when_ffmpeg_has_a_frame() -> None:
    """Its first keyframe comes after six seconds; until then FFmpeg gives nothing, and what came is known
    all the same."""
    odd = OddCameras({"late": HABITS["not-described"].camera})
    sink = Told()

    async def run() -> tuple[bool, int]:
        source = AvSource(camera(odd.url("late"), source="av", stall_timeout="10s"), sink)
        reading = asyncio.create_task(source.run())
        await until_async(lambda: source.counters.get("received", 0) >= 10, "what the camera sends", 5)
        found = sink.plays, len(sink.video)
        source.stop()
        await reading
        return found

    with running(odd):
        assert asyncio.run(run()) == (True, 0)


def test_strangers_are_not_answered(serve: Serve, h264_clip: Clip) -> None:
    served = ScriptedCamera(h264_clip, at_end="repeat")
    relay = Relay(camera(serve(served)))
    address = relay.open()
    host, port = "127.0.0.1", int(address.split(":")[2].partition("/")[0])
    for url in (f"rtsp://{host}:{port}/0", f"rtsp://{host}:{port}/{'x' * 22}/0", "*"):
        with socket.create_connection((host, port), 5) as stranger:
            stranger.sendall(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            assert stranger.recv(100).startswith(b"RTSP/1.0 404")
            assert stranger.recv(100) == b""
    with socket.create_connection((host, port), 5) as known:
        known.sendall(f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert known.recv(100).startswith(b"RTSP/1.0 200")
        with pytest.raises(OSError), socket.create_connection((host, port), 5):
            pass
    relay.close()


@given(st.text(alphabet="ma=control:*/\r\nvideo0x", max_size=200))
def test_controls(text: str) -> None:
    """Whatever a description says, no control is left that is not the relay's own."""
    try:
        made = with_controls(text.encode(), "rtsp://cam/x", lambda url: f"rtsp://relay/{len(url)}").decode()
    except ProtocolError:
        return
    if "\r\nm=" in "\r\n" + made:
        for line in made.split("\r\n"):
            assert not line.lower().startswith("a=control:") or line.startswith("a=control:rtsp://relay/")


def test_stopping_is_quick(serve: Serve, h264_clip: Clip) -> None:
    served = ScriptedCamera(h264_clip, at_end="repeat")

    async def run(url: str) -> Ended:
        sink = Sink()
        source = AvSource(camera(url), sink)
        task = asyncio.create_task(source.run())
        await until_async(lambda: sink.video, "a frame")
        source.stop()
        return await asyncio.wait_for(task, 30)

    assert asyncio.run(run(serve(served))).cause is Cause.SERVER_DOWN


@pytest.mark.parametrize("name", ["numbered-units", "swapped-frames-h265"])
def test_what_ffmpeg_can_not_put_in_order_the_relay_does(name: str) -> None:
    """FFmpeg by itself hands out nothing of it, or what can't be decoded."""
    habit = HABITS[name]
    cameras = OddCameras({"a": habit.camera})
    sink = Sink(stop_after=12, stop_with=Ended(Cause.SERVER_DOWN))
    with running(cameras):
        asyncio.run(AvSource(camera(cameras.url("a"), source="av", stall_timeout="10s"), sink).run())
    sent = [nals_hash(habit.camera.clip_spec.codec, unit.payload) for unit in habit.camera.clip().video.units]
    begin = sent.index(sink.hashes[0])
    assert sink.hashes == sent[begin : begin + 12]


class Slow(OddCamera):
    """A frame every one and a half seconds."""

    @classmethod
    def film(cls) -> Iterator[Shot]:
        for shot in super().film():
            yield Shot(shot.number, 1.5 * shot.number, 1.5 * shot.number, 135_000 * shot.number)


def test_a_slow_camera_s_newest_frame_is_given_out_at_once() -> None:
    """FFmpeg by itself holds it until the next one begins."""
    cameras = OddCameras({"a": Slow})
    came_us: list[int] = []

    class Timed(Sink):
        def packet(self, packet: Frame) -> None:
            came_us.append(time.time_ns() // 1000)
            super().packet(packet)

    sink = Timed(stop_after=5, stop_with=Ended(Cause.SERVER_DOWN))
    with running(cameras):
        asyncio.run(AvSource(camera(cameras.url("a"), source="av", stall_timeout="10s"), sink).run())
    sent_us = [entry.at_us for entry in cameras.journals["a"].sent()]
    late_us = [came - sent for came, sent in zip(came_us, sent_us, strict=False)]
    # The first few wait until it is known that markers tell the truth, as natively.
    assert max(late_us[3:]) < 900_000, late_us
    assert [after.pts - before.pts for before, after in itertools.pairwise(sink.video)] == [135_000] * 4
