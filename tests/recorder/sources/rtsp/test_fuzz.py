"""Sessions of a good camera, bent: the whole client on a real socket, in front of a real pipeline, disk and catalogue.
Whatever comes, the attempt ends in a stated cause that is no fault of ours, in bounded time and memory."""

from __future__ import annotations

import asyncio
import base64
import itertools
import struct
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.demo.rtsp.rtp import Packetiser, interleaved
from nvr.demo.rtsp.stream import AccessUnit
from nvr.recorder.audio.track import AudioRefusals, AudioTrack
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.causes import Cause
from storage.writing.open_segment import SegmentHandle
from tests.recorder.run.test_pipeline import Rig
from tests.recorder.sources.harness import camera
from tests.recorder.sources.rtsp.test_hostile import ok, usual
from tests.support.cameras.clips import Clip, ClipSpec, clip

_MOST_BYTES: Final = 64 << 20
_EPOCHS: Final = itertools.count(1)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.done()
    made.database.close()


def described(film: Clip) -> bytes:
    """A description as a camera of this clip would send it."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "t=0 0", "a=control:*"]
    for number, track in enumerate(film.tracks):
        kind = 96 + number
        sets = ",".join(base64.b64encode(unit).decode() for unit in track.parameter_sets)
        encoding, parameters = {
            "h264": ("H264/90000", f"packetization-mode=1;sprop-parameter-sets={sets}"),
            "h265": ("H265/90000", ""),
            "pcmu": ("PCMU/8000/1", ""),
            "aac": (
                f"mpeg4-generic/{track.clock_rate}/1",
                (
                    "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;"
                    f"config={track.parameter_sets[0].hex() if track.codec == 'aac' else ''}"
                ),
            ),
        }[track.codec]
        lines += [f"m={'video' if number == 0 else 'audio'} 0 RTP/AVP {kind}", f"a=rtpmap:{kind} {encoding}"]
        lines += [f"a=fmtp:{kind} {parameters}"] if parameters else []
        lines += [f"a=control:t{number}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def played(film: Clip) -> bytes:
    """What such a camera sends after PLAY: every frame, a report before each tenth."""
    out: list[tuple[float, bytes]] = []
    for number, track in enumerate(film.tracks):
        sender = Packetiser(
            track.codec, 96 + number, track.clock_rate, ssrc=7 + number, sequence=65_500, timestamp_base=2**32 - 9000
        )
        for at, unit in enumerate(track.units):
            sent = AccessUnit(unit.pts, unit.payload, unit.keyframe, 1_800_000_000_000_000)
            data = b"".join(interleaved(2 * number, packet) for packet in sender.packets(sent))
            if at % 10 == 0:
                data = interleaved(2 * number + 1, sender.sender_report(sent, 1_800_000_000_000_000)) + data
            out.append((unit.due_s, data))
    return b"".join(data for _, data in sorted(out, key=lambda pair: pair[0]))


FILMS: Final[dict[str, Callable[[], Clip]]] = {
    "h264": lambda: clip(ClipSpec(frames=30)),
    "h265": lambda: clip(ClipSpec(codec="h265", frames=30)),
    "aac": lambda: clip(ClipSpec(frames=30, audio="aac")),
    "pcmu": lambda: clip(ClipSpec(frames=30, audio="pcmu")),
}

Change = tuple[str, float, int, bytes]
changes = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "again", "end"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 3000),
        st.binary(min_size=1, max_size=30),
    ),
    max_size=12,
)


def bent(data: bytes, how: Sequence[Change]) -> bytes:
    """The bytes after these changes."""
    for what, where, size, given_ in how:
        at = int(where * len(data))
        if what == "flip":
            data = data[:at] + given_ + data[at + len(given_) :]
        elif what == "cut":
            data = data[:at] + data[at + size :]
        elif what == "insert":
            data = data[:at] + given_ + data[at:]
        elif what == "again":
            data = data[:at] + data[at : at + size] + data[at:]
        elif size < 300:
            data = data[:at]
    return data


async def attempt(rig: Rig, answers: dict[str, Callable[[int], bytes]], audio: bool) -> tuple[Ended, int]:
    """One attempt to record a server of these answers, which closes after PLAY; and how many pictures were written."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                method, url = head.lstrip("\0").split()[:2]
                cseq = int(head.partition("CSeq:")[2].split()[0])
                writer.write(answers[method](cseq) if method in answers else usual(method, url, cseq))
                await writer.drain()
                if method in ("PLAY", "TEARDOWN"):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
            # A bent answer makes the client say things that this server need not understand.
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    pipeline = Pipeline(
        # Attempts follow each other faster than a camera is ever asked: files of one millisecond would have one name.
        Identity("a", rig.node, next(_EPOCHS)),
        Cutter("a", 2_000_000, 10**9),
        Disks([rig.disk]),
        rig.catalogue,
        audio=AudioTrack("a", rig.encoding, AudioRefusals()) if audio else None,
        handles=deque[SegmentHandle](),
    )
    async with asyncio.timeout(120):
        ended = await NativeSource(
            camera(f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", audio=audio), pipeline
        ).run()
    pipeline.end(ended)
    server.close()
    assert pipeline.ended is not None
    return pipeline.ended, pipeline.counting.own["frames"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FILMS)), changes, changes, st.booleans())
def test_bent_sessions(rig: Rig, name: str, text: list[Change], stream: list[Change], bend_text: bool) -> None:
    film = FILMS[name]()
    description = described(film)
    answers: dict[str, Callable[[int], bytes]] = {
        "DESCRIBE": lambda n: ok(n, "Content-Base: rtsp://c/x/", body=bent(description, text if bend_text else [])),
        "SETUP": lambda n: bent(
            ok(n, "Session: 12;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            if n < 4
            else ok(n, "Session: 12;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"),
            text if not bend_text and len(text) > 9 else [],
        ),
        "PLAY": lambda n: ok(n) + bent(played(film), stream),
    }
    tracemalloc.start()
    ended, _ = asyncio.run(attempt(rig, answers, audio=len(film.tracks) > 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ended.cause not in (Cause.RECORDER_CRASHED, Cause.UNKNOWN), ended
    assert ended.detail.get("error"), ended
    assert peak < _MOST_BYTES
    if not stream and not bend_text and len(text) <= 9:
        assert ended.cause is Cause.ENDED


packets = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 255),
        st.integers(0, 65_535),
        st.integers(0, 2**32 - 1),
        st.integers(1, 2),
        st.binary(max_size=60),
    ),
    max_size=40,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(packets, st.booleans())
def test_random_packets_after_a_good_keyframe(rig: Rig, sent: Any, late: bool) -> None:
    film = FILMS["aac"]()
    good = played(film)
    noise = b"".join(
        interleaved(channel, struct.pack("!BBHII", 0x80, kind, sequence, stamp, ssrc) + payload)
        for channel, kind, sequence, stamp, ssrc, payload in sent
    )
    half = len(good) // 2 if late else 0
    answers: dict[str, Callable[[int], bytes]] = {
        "DESCRIBE": lambda n: ok(n, body=described(film)),
        "SETUP": lambda n: ok(
            n, "Session: 12", f"Transport: RTP/AVP/TCP;interleaved={'0-1' if n < 4 else '2-3'}"
        ),
        "PLAY": lambda n: ok(n) + good[:half] + noise + good[half:],
    }  # fmt: skip
    ended, _ = asyncio.run(attempt(rig, answers, audio=True))
    assert ended.cause not in (Cause.RECORDER_CRASHED, Cause.UNKNOWN), ended


def test_the_good_sessions_are_good(rig: Rig) -> None:
    """What is bent above is recorded whole when it is not."""
    for name, made in FILMS.items():
        film = made()
        answers: dict[str, Callable[[int], bytes]] = {
            "DESCRIBE": lambda n, film=film: ok(n, body=described(film)),  # type: ignore[misc]
            "SETUP": lambda n: ok(n, "Session: 1", f"Transport: RTP/AVP/TCP;interleaved={'0-1' if n < 4 else '2-3'}"),
            "PLAY": lambda n, film=film: ok(n) + played(film),  # type: ignore[misc]
        }
        ended, frames = asyncio.run(attempt(rig, answers, audio=len(film.tracks) > 1))
        assert frames == 30, name
        assert ended.cause is Cause.ENDED and "lost_packets" not in ended.detail, (name, ended)
