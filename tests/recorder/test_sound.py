"""Sound: G.711 becomes AAC, at the same times; a track that is silent, begins or ceases costs no picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from nvr.recorder.muxer import Template
from nvr.recorder.sound import G711Encoder
from tests.cameras.clips import Clip, ClipSpec, clip
from tests.recorder.test_pipeline import FRAME_US, Rig, causes

RATE = 8000


def g711(clip_: Clip, first: int, count: int, *, shift: int = 0) -> Iterator[Any]:
    """Packets of the clip's sound."""
    for unit in clip_.tracks[1].units[first : first + count]:
        packet: Any = av.Packet(unit.payload[0])
        packet.time_base = Fraction(1, RATE)
        packet.pts = packet.dts = unit.pts + shift
        yield packet


@pytest.mark.parametrize(("audio", "codec"), [("pcma", "pcm_alaw"), ("pcmu", "pcm_mulaw")])
def test_g711_becomes_aac(audio: Any, codec: str) -> None:
    film = clip(ClipSpec(audio=audio))
    encoder = G711Encoder(codec, RATE, 1)
    packets = [p for sent in g711(film, 0, 1000, shift=5000) for p in encoder.encode(sent)]
    assert len(packets) == int(film.duration_s * RATE) // 1024 - 1
    # The encoder's own delay comes before the first sample; then a frame every 1024 samples.
    assert [packet.pts for packet in packets] == [5000 - 1024 + 1024 * number for number in range(len(packets))]
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.template.stream.codec_context.extradata
    heard = np.concatenate([frame.to_ndarray()[0] for packet in packets for frame in decoder.decode(packet)])
    tone = heard[4096:12288]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert abs(np.argmax(spectrum) * RATE / len(tone) - 440) < 2
    assert 0.3 < np.abs(tone).max() < 0.5


def test_missing_sound_shifts_nothing() -> None:
    film = clip(ClipSpec(audio="pcma"))
    encoder = G711Encoder("pcm_alaw", RATE, 1)
    packets = [
        packet
        for sent in itertools.chain(g711(film, 0, 30), g711(film, 40, 40), g711(film, 0, 10))
        for packet in encoder.encode(sent)
    ]
    times = [packet.pts for packet in packets]
    assert all(a < b for a, b in itertools.pairwise(times))
    # After the hole frames count from the first sample that came.
    assert (times[-1] - 40 * 160) % 1024 == 0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, audio=True)
    yield made
    made.database.close()


def play(rig: Rig, film: Clip, first: int, count: int, *, sound: bool) -> None:
    """Pictures, and if wanted the sound between them."""
    track = film.tracks[1]
    for number in range(first, first + count):
        rig.send(film, number, 1)
        low, high = (round(n * FRAME_US * track.clock_rate / 1e6) for n in (number, number + 1))
        for unit in track.units if sound else ():
            at = unit.pts + low // track.units[-1].pts * track.units[-1].pts
            if low <= at < high:
                packet: Any = av.Packet(unit.payload[0])
                packet.time_base = Fraction(1, track.clock_rate)
                packet.pts = packet.dts = at
                packet.duration, packet.is_keyframe, packet.stream = 1024, True, rig.audio_template.stream
                rig.pipeline.packet(packet)


@pytest.mark.parametrize("codec", ["aac", "pcmu"])
def test_item_15_sound_that_is_silent_begins_and_ceases(rig: Rig, codec: Any) -> None:
    """Checklist 15: Declared sound that never comes holds nothing back; where it begins and ceases runs abut, and no picture is lost."""
    film = clip(ClipSpec(frames=100, group=25, audio=codec))
    track = film.tracks[1]
    if codec == "aac":
        rig.audio_template = Template.of_aac(track.parameter_sets[0], track.clock_rate, 1)
    else:
        container: Any = av.open("/dev/null", "w", format="wav")
        rig.audio_template = Template(container.add_stream("pcm_mulaw", rate=8000, layout="mono"), container)
    rig.open(film)
    play(rig, film, 0, 250, sound=False)
    assert rig.pipeline.run is not None and rig.pipeline.run.until_us is not None, "ten seconds and nothing written"
    play(rig, film, 250, 250, sound=True)
    play(rig, film, 500, 250, sound=False)
    found = rig.done()
    assert found.recorded_us == 750 * FRAME_US
    assert causes(found) == ["not_configured", "server_down"]
    assert sum(segment.frames for segment in rig.segments) == 750
    runs: dict[int, set[bool]] = {}
    for segment in rig.segments:
        runs.setdefault(segment.run_start_us, set()).add(b"mp4a" in segment.path.read_bytes()[:4000])
    assert [runs[start] for start in sorted(runs)] == [{False}, {True}, {False}]


def test_item_15_aac_without_configuration_costs_no_picture(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Checklist 15: ADTS: there is nothing to put into an init."""
    film = clip(ClipSpec(frames=100, group=25))
    container: Any = av.open("/dev/null", "w", format="adts")
    rig.audio_template = Template(container.add_stream("aac", rate=16_000, layout="mono"), container)
    rig.open(film)
    rig.send(film, 0, 100)
    assert rig.done().recorded_us == 100 * FRAME_US
    assert "pictures only" in caplog.text
