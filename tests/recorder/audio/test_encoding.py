"""G.711 through the process that encodes it: the same sound at the same times; and whatever becomes of the process,
nobody waits for it."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest

from nvr.recorder.audio.encoder import G711Encoder
from nvr.recorder.audio.encoding import Encoding
from nvr.recorder.media.audio_config import lc_config
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.waiting import until

RATE = 8000


def heard(frames: list[bytes]) -> Any:
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = lc_config(RATE, 1)
    return np.concatenate([f.to_ndarray()[0] for frame in frames for f in decoder.decode(av.Packet(frame))])


def is_the_tone(frames: list[bytes]) -> bool:
    tone = heard(frames)[4096:12288]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    return bool(abs(np.argmax(spectrum) * RATE / len(tone) - 440) < 2 and 0.3 < np.abs(tone).max() < 0.5)


@pytest.mark.parametrize(("audio", "codec"), [("pcma", "pcm_alaw"), ("pcmu", "pcm_mulaw")])
def test_g711_becomes_aac(audio: Any, codec: str) -> None:
    film = clip(ClipSpec(audio=audio))
    encoder = G711Encoder(codec, RATE, 1)
    units = film.tracks[1].units
    found = [made for unit in units for made in encoder.encode(5000 + unit.pts, unit.payload[0])]
    assert len(found) == int(film.duration_s * RATE) // 1024 - 1
    # The encoder's own delay comes before the first sample; then a frame every 1024 samples.
    assert [at for at, _ in found] == [5000 - 1024 + 1024 * number for number in range(len(found))]
    assert is_the_tone([frame for _, frame in found])


def test_missing_samples_shift_nothing() -> None:
    units = clip(ClipSpec(audio="pcma")).tracks[1].units
    encoder = G711Encoder("pcm_alaw", RATE, 1)
    sent = [*units[:30], *units[40:80]]
    times = [at for unit in sent for at, _ in encoder.encode(unit.pts, unit.payload[0])]
    assert all(b - a >= 1024 for a, b in itertools.pairwise(times))
    # After the hole frames count from the first sample that came.
    assert (times[-1] - 40 * 160) % 1024 == 0


@pytest.fixture
def encoding() -> Iterator[Encoding]:
    made = Encoding(gather_s=0.0)
    yield made
    made.end()


def test_through_the_process(encoding: Encoding) -> None:
    units = clip(ClipSpec(audio="pcmu")).tracks[1].units
    streams = [encoding.open("pcm_mulaw", RATE, 1) for _ in range(3)]
    for unit in units:
        for number, stream in enumerate(streams):
            assert stream.put(unit.pts + 1_000_000 * number, unit.payload[0])
    count = len(units) * 160 // 1024 - 1
    found: list[list[tuple[int, bytes]]] = [[], [], []]

    def all_came() -> bool:
        for got, stream in zip(found, streams, strict=True):
            got += stream.take()
        return all(len(got) >= count for got in found)

    until(all_came)
    for number, got in enumerate(found):
        assert [at for at, _ in got] == [1_000_000 * number - 1024 + 1024 * k for k in range(count)]
        assert is_the_tone([frame for _, frame in got])
    assert encoding.ended == 0
    # What was on its way when the video's timeline ended is not wanted any more.
    streams[0].put(9_000_000, bytes(4096))
    streams[0].restart()
    streams[0].put(0, bytes(4096))
    late: list[tuple[int, bytes]] = []
    until(lambda: bool(late.extend(streams[0].take()) or late))
    assert all(at < 5000 for at, _ in late)


def test_it_comes_back_when_it_was_killed(encoding: Encoding, caplog: pytest.LogCaptureFixture) -> None:
    stream = encoding.open("pcm_alaw", RATE, 1)
    times = itertools.count(0, 4096)

    def comes() -> bool:
        stream.put(next(times), bytes(4096))
        return bool(stream.take())

    until(comes)
    pid = encoding.pid
    assert pid is not None
    with caplog.at_level(logging.WARNING):
        os.kill(pid, signal.SIGABRT)
        # While it is away nobody waits; what is handed over is refused.
        until(lambda: not stream.put(next(times), bytes(4096)))
        until(comes)
    # On a busy machine what comes may be what the first one had encoded still.
    until(lambda: encoding.ended == 1 and encoding.pid not in (None, pid))
    assert caplog.text.count("signal 6") == 1


def test_one_that_hangs_or_never_runs_blocks_nobody(caplog: pytest.LogCaptureFixture) -> None:
    for command in (
        (sys.executable, "-c", "import time; time.sleep(60)"),
        (sys.executable, "-c", "raise SystemExit(3)"),
        ("/does/not/exist",),
    ):
        encoding = Encoding(command, gather_s=0.0, silent_s=2.5)
        stream = encoding.open("pcm_alaw", RATE, 1)
        began = time.monotonic()
        stream.put(0, bytes(1000))
        assert time.monotonic() - began < 2
        until(lambda encoding=encoding: encoding.ended >= 1)  # type: ignore[misc]
        assert not stream.take()
        encoding.end()
    assert all(why in caplog.text for why in ("no answer", "exit code 3", "No such file"))


def test_what_waits_is_bounded() -> None:
    encoding = Encoding((sys.executable, "-c", "import time; time.sleep(60)"), gather_s=0.0, silent_s=30.0)
    stream = encoding.open("pcm_alaw", RATE, 1)
    taken = 0
    for number in range(100):
        taken += stream.put(number * 100_000, bytes(100_000))
    assert 40 <= taken <= 85, "what waits, and what is being sent"
    encoding.end()
