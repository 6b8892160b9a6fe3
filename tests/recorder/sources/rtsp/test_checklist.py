"""What cameras in the wild do, over sockets; and that every item of the checklist in docs/design/native-source.md is
held by the tests it names."""

from __future__ import annotations

import ast
import asyncio
import itertools
import re
import struct
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nvr
from nvr.demo.rtsp import Auth
from nvr.recorder.media import inits
from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.av import AvSource
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.causes import Cause
from tests.recorder.sources.harness import Sink, camera, record
from tests.recorder.sources.rtp.test_packets import Stream
from tests.recorder.sources.rtsp.test_hostile import against, media, ok, usual
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.frames import prefixed
from tests.support.cameras.running import Startable, controlled, refusing
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.waiting import until_async

Serve = Callable[[Startable], str]
ROOT = Path(__file__).parents[4]

# x264's SPS of an interlaced stream: frame_mbs_only_flag is 0.
INTERLACED_SPS = bytes.fromhex("674d4015f40a19a1000003000100000300321f142aa0")


def record_av(url: str, sink: Sink | None = None, **keys: Any) -> tuple[Ended, Sink]:
    """As ``record``, by FFmpeg."""
    sink = sink or Sink()

    async def run() -> Ended:
        async with asyncio.timeout(60):
            return await AvSource(camera(url, **keys), sink).run()

    return asyncio.run(run()), sink


# Opening -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [record, record_av], ids=["native", "av"])
def test_item_01_a_half_dead_camera_blocks_nobody(serve: Serve, h264_clip: Clip, read: Any) -> None:
    """Checklist 1, 3: mute at the start, and silent in the middle."""
    mute = read(serve(ScriptedCamera(h264_clip, faults=Faults(mute=True))))
    assert mute[0].cause is Cause.UNREACHABLE
    silent = read(serve(ScriptedCamera(h264_clip, speed=8, at_end="stall")))
    assert silent[0].cause is Cause.STALLED and len(silent[1].video) >= 49


class OneSession:
    """Answers for a camera that has room for one session, which only TEARDOWN gives back."""

    def __init__(self, film: Clip) -> None:
        self._film = film
        self.taken = False

    def __call__(self, method: str, url: str, cseq: int) -> bytes:
        if method == "SETUP":
            if self.taken:
                return b"RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: %d\r\n\r\n" % cseq
            self.taken = True
        if method == "TEARDOWN":
            self.taken = False
        return ok(cseq) + media(self._film, 0, 3) if method == "PLAY" else usual(method, url, cseq)


async def test_item_02_a_session_is_given_back_and_a_stale_one_waited_out(h264_clip: Clip) -> None:
    """Checklist 2: after TEARDOWN there is room at once; while the camera still holds a session the attempt is refused,
    and made again with the usual waits."""
    answers = OneSession(h264_clip)
    for _ in range(2):
        sink = Sink()
        ended, _, heard = await against(answers, sink)
        assert ended.cause is Cause.STALLED and len(sink.video) == 3 and heard[-1].startswith("TEARDOWN")
    answers.taken = True
    ended, source, _ = await against(answers, Sink())
    assert ended.cause is Cause.REJECTED and "453" in ended.detail["error"] and source.unsupported is None


@pytest.mark.parametrize("status", [453, 500, 503])
@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
def test_item_02_refusals(serve: Serve, h264_clip: Clip, method: str, status: int) -> None:
    """Checklist 2, 3: a busy camera refuses, which is stated and no reason to ask FFmpeg."""
    ended, sink, source = record(serve(ScriptedCamera(h264_clip, faults=Faults(status={method: status}))))
    assert ended.cause is Cause.REJECTED and str(status) in ended.detail["error"]
    assert not sink.opened and source.unsupported is None


def test_item_03_what_ffmpeg_raises_has_a_cause(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 3: a camera that closes raises nothing at all."""
    assert record_av(serve(ScriptedCamera(h264_clip, speed=8)))[0].cause is Cause.ENDED
    assert record_av(serve(ScriptedCamera(h264_clip, faults=Faults(garbage=b"\0" * 64))))[0].cause in (
        Cause.REJECTED,
        Cause.UNREACHABLE,
    )
    with refusing() as url:
        assert record_av(url)[0].cause is Cause.UNREACHABLE


@pytest.mark.parametrize("read", [record, record_av], ids=["native", "av"])
def test_item_04_errors_hold_no_password(serve: Serve, h264_clip: Clip, read: Any, caplog: Any) -> None:
    """Checklist 4."""
    auth = Auth("admin", "right", "digest")
    url = serve(ScriptedCamera(h264_clip, auth=auth)) + "?user=admin&password=s3cr3t-query"
    keys = {"username": "admin", "password": "s3cr3t/pass"}
    with refusing() as closed:
        ends = [read(url, **keys)[0], read(closed, **keys)[0], read("rtsp://no-such-host.invalid/x", **keys)[0]]
    assert [ended.cause for ended in ends] == [Cause.UNAUTHORIZED, Cause.UNREACHABLE, Cause.UNREACHABLE]
    assert "s3cr3t" not in f"{ends!r} {[str(ended) for ended in ends]} {caplog.text}"


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_item_05_odd_characters_by_ffmpeg(serve: Serve, h264_clip: Clip, scheme: Any) -> None:
    """Checklist 5."""
    # A colon in the name is beyond FFmpeg, which looks for the password behind the first one.
    auth = Auth("us@r/#%", "p@ss:w/rd#1%", scheme)
    ended, sink = record_av(
        serve(ScriptedCamera(h264_clip, auth=auth, speed=8)), username=auth.username, password=auth.password
    )
    assert ended.cause is Cause.ENDED and len(sink.video) >= 49


# RTSP ----------------------------------------------------------------------------------------------------------------


def test_item_06_receiver_reports(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 6: some cameras end sessions without them."""
    served = ScriptedCamera(h264_clip, at_end="repeat")

    async def run(url: str) -> None:
        source = NativeSource(camera(url), Sink())
        task = asyncio.create_task(source.run())
        async with asyncio.timeout(60):
            await until_async(lambda: any(connection.rtcp_received for connection in served.server.connections))
        source.stop()
        await task

    with controlled(served):
        asyncio.run(run(served.url))


async def test_item_07_several_videos_and_metadata(h264_clip: Clip) -> None:
    """Checklist 7: metadata first, two pictures, control only at media level, no parameter sets, line ends of two
    kinds."""
    description = (
        b"v=0\n\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:meta\r\n"
        b"m=video 0 RTP/AVP 96\na=control:first\na=rtpmap:96 H264/90000\n"
        b"m=video 0 RTP/AVP 97\r\na=control:second\r\na=rtpmap:97 H265/90000\r\n"
    )

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "DESCRIBE":
            return ok(cseq, "Content-Type: application/sdp", body=description)
        if method == "PLAY":
            return ok(cseq) + media(h264_clip, 0, 10)
        return usual(method, url, cseq)

    sink = Sink()
    _, _, heard = await against(answer, sink)
    assert sink.hashes == [unit.hash for unit in h264_clip.video.units[:10]]
    assert [line.split()[1].rpartition("/")[2] for line in heard if line.startswith("SETUP")] == ["first"]


# RTP -----------------------------------------------------------------------------------------------------------------


async def test_item_09_another_sender(h264_clip: Clip) -> None:
    """Checklist 9, 12: another SSRC, sequence and timestamps in the middle of a group: time goes on, from the next
    keyframe."""

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method != "PLAY":
            return usual(method, url, cseq)
        first = media(h264_clip, 0, 14)
        second = bytearray(media(h264_clip, 0, 30))
        at = 0
        while at < len(second):
            size = struct.unpack_from("!H", second, at + 2)[0]
            stamp, _ = struct.unpack_from("!II", second, at + 8)
            struct.pack_into("!II", second, at + 8, (stamp + 3_000_000_000) & 0xFFFFFFFF, 78)
            at += 4 + size
        return ok(cseq) + first + bytes(second)

    sink = Sink()
    _, source, _ = await against(answer, sink)
    sent = [unit.hash for unit in h264_clip.video.units]
    assert sink.hashes == sent[:14] + sent[:30]
    assert source.counters["restarts"] == 1
    times = [got.pts for got in sink.video]
    assert all(0 < b - a < 90_000 for a, b in itertools.pairwise(times)), "no jump"


def test_item_09_two_fields_of_one_timestamp_are_one_picture() -> None:
    """Checklist 9: each field has a marker of its own; both belong to the picture. A frame of the same stream has one
    beginning."""
    stream = Stream(H264Depacketiser())
    stream.send(1, INTERLACED_SPS, b"\x68pps", b"\x65\x88top")
    stream.send(1, b"\x41\x9abottom")
    stream.send(2, b"\x41\x9atop")
    stream.send(2, b"\x41\x9abottom")
    stream.send(3, b"\x41\x9aframe")
    stream.send(4, b"\x41\x9atop")
    # The last one, which may have been a frame or half of one, is complete when nothing follows.
    assert stream.times == [1, 2, 3, 4]
    assert stream.pictures[0].data == prefixed(INTERLACED_SPS, b"\x68pps", b"\x65\x88top", b"\x41\x9abottom")
    assert stream.pictures[1].data == prefixed(b"\x41\x9atop", b"\x41\x9abottom")
    assert not any(picture.loss for picture in stream.pictures)
    counts = stream.depacketiser.counts
    assert (counts.damaged, counts.undecodable, counts.unmarked) == (0, 0, 0)
    assert stream.depacketiser.end() == ()
    # Known from the description as well.
    described = Stream(H264Depacketiser([INTERLACED_SPS]))
    described.send(1, b"\x65\x88top")
    described.send(1, b"\x41\x9abottom")
    assert len(described.pictures) == 1


def test_item_10_signed_video_keeps_its_messages_and_order(serve: Serve) -> None:
    """Checklist 10: AUD and SEI come through, byte for byte and in their place."""
    film = clip(ClipSpec())
    aud, sei = b"\x09\x10", b"\x06\x05\x10" + bytes(range(1, 17)) + b"\x80"
    units = tuple(
        type(unit)(unit.pts, unit.due_s, (aud, *unit.payload[:-1], sei, unit.payload[-1]), unit.keyframe, unit.hash)
        for unit in film.video.units
    )
    track = type(film.video)(film.video.codec, 90_000, film.video.parameter_sets, units)
    _, sink, _ = record(serve(ScriptedCamera(Clip((track,), film.duration_s), speed=8)))
    assert [got.data for got in sink.video] == [prefixed(*unit.payload) for unit in units]


# The av source and files ---------------------------------------------------------------------------------------------


def test_item_11_ffmpegs_first_and_last_packets(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 11: those without timestamps are passed on for the pipeline to complete, flushes are recognisable by
    their size."""
    _, sink = record_av(serve(ScriptedCamera(h264_clip, speed=8)))
    assert [got.hash for got in sink.video if got.data] == [unit.hash for unit in h264_clip.video.units]


def test_ffmpeg_tells_the_cameras_clock(serve: Serve, h264_clip: Clip) -> None:
    _, sink = record_av(serve(ScriptedCamera(h264_clip)))
    at_us, camera_us, source = sink.clocks[0]
    assert source == "prft" and abs(camera_us - at_us) < 1_000_000


def test_item_17_no_second_pass_over_files() -> None:
    """Checklist 16, 17: the muxer writes to an object of ours, never to a path, and moves nothing afterwards."""
    assert "faststart" not in inits._MOVFLAGS
    calls = [
        node
        for node in ast.walk(ast.parse((Path(nvr.__file__).parent / "recorder" / "media" / "inits.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    opened = [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "av.open"]
    assert opened and all(name.startswith("io.BytesIO(") or name == "out" for name in opened), opened


def test_item_18_only_the_reader_closes(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 18: asked to stop from another thread in the middle of a read, the reader ends by itself, within its
    timeout."""
    url = serve(ScriptedCamera(h264_clip, faults=Faults(stall_after=20)))
    sink = Sink()
    source = AvSource(camera(url), sink)

    async def run() -> Ended:
        task = asyncio.create_task(source.run())
        async with asyncio.timeout(60):
            await until_async(lambda: bool(sink.video))
            source.stop()
            return await task

    assert asyncio.run(run()).cause in (Cause.SERVER_DOWN, Cause.STALLED)
    for thread in threading.enumerate():
        if thread.name == "av-cam":
            thread.join(60)
            assert not thread.is_alive()


def test_item_19_nothing_forks() -> None:
    """Checklist 19: children are new processes of their own."""
    for path in [*(ROOT / "nvr").rglob("*.py"), *(ROOT / "storage").rglob("*.py")]:
        if "node_modules" not in path.parts:
            assert not re.search(r"\bos\.fork\b|import multiprocessing|ProcessPool", path.read_text()), path


def test_item_20_pyav_is_pinned() -> None:
    """Checklist 20."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = [name for name in project["dependencies"] if re.match(r"av\b", name)]
    assert ">=18.1" in pin and "<19" in pin


# Loss that is ours ---------------------------------------------------------------------------------------------------


def test_a_machine_that_does_not_keep_up_says_so(serve: Serve, h264_clip: Clip) -> None:
    """The event loop stands still until the camera has gone: that is not the camera's fault."""

    class Slow(Sink):
        def packet(self, packet: Any) -> None:
            super().packet(packet)
            if len(self.video) == 5:
                time.sleep(2.5)  # sleep: the event loop stands still

    sink = Slow()
    url = serve(ScriptedCamera(h264_clip, speed=2))

    async def run() -> Ended:
        return await NativeSource(camera(url), sink).run()

    ended = asyncio.run(run())
    assert ended.cause is Cause.OVERLOAD and "behind" in ended.detail["error"]
    assert len(sink.video) == 50, "what was sent is read all the same"


# The table -----------------------------------------------------------------------------------------------------------


def named() -> Iterator[tuple[int, str]]:
    """(item, test) for every test whose docstring names items of the checklist."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found = re.match(r"Checklist ([\d, ]+)", ast.get_docstring(node) or "")
                for number in re.findall(r"\d+", found[1]) if found else ():
                    yield int(number), node.name


def test_every_item_is_held_by_the_tests_that_the_table_names() -> None:
    text = (ROOT / "docs/design/native-source.md").read_text()
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    table = {int(number): set(re.findall(r"`(test_\w+)`", tests)) for number, tests in rows}
    assert sorted(table) == list(range(1, 21))
    held: dict[int, set[str]] = {}
    for number, name in named():
        held.setdefault(number, set()).add(name)
    assert table == held
