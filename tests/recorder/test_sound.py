"""Sound: G.711 becomes AAC, at the same times; a track that is silent, begins or ceases costs no picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from nvr.recorder.sound import G711Encoder
from nvr.recorder.source import AudioFormat, AudioPacket
from tests.cameras.clips import Clip, ClipSpec, clip
from tests.recorder.frames_made import aac, sound
from tests.recorder.test_pipeline import FRAME_US, Rig, causes

RATE = 8000


def g711(clip_: Clip, form: AudioFormat, first: int, count: int, *, shift: int = 0) -> Iterator[AudioPacket]:
    """Packets of the clip's sound."""
    for unit in clip_.tracks[1].units[first : first + count]:
        yield sound(form, unit, shift)


@pytest.mark.parametrize(("audio", "codec"), [("pcma", "pcm_alaw"), ("pcmu", "pcm_mulaw")])
def test_g711_becomes_aac(audio: Any, codec: str) -> None:
    film = clip(ClipSpec(audio=audio))
    form = AudioFormat(codec, RATE, 1)
    encoder = G711Encoder(form)
    units = [unit for sent in g711(film, form, 0, 1000, shift=5000) for unit in encoder.encode(sent)]
    assert len(units) == int(film.duration_s * RATE) // 1024 - 1
    # The encoder's own delay comes before the first sample; then a frame every 1024 samples.
    assert [unit.time for unit in units] == [5000 - 1024 + 1024 * number for number in range(len(units))]
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.format.config
    heard = np.concatenate([f.to_ndarray()[0] for unit in units for f in decoder.decode(av.Packet(unit.data))])
    tone = heard[4096:12288]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert abs(np.argmax(spectrum) * RATE / len(tone) - 440) < 2
    assert 0.3 < np.abs(tone).max() < 0.5


def test_missing_sound_shifts_nothing() -> None:
    film = clip(ClipSpec(audio="pcma"))
    form = AudioFormat("pcm_alaw", RATE, 1)
    encoder = G711Encoder(form)
    units = [
        unit
        for sent in itertools.chain(g711(film, form, 0, 30), g711(film, form, 40, 40), g711(film, form, 0, 10))
        for unit in encoder.encode(sent)
    ]
    times = [unit.time for unit in units]
    assert all(a < b for a, b in itertools.pairwise(times))
    # After the hole frames count from the first sample that came.
    assert (times[-1] - 40 * 160) % 1024 == 0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, audio=True)
    yield made
    made.database.close()


def play(rig: Rig, film: Clip, form: AudioFormat, first: int, count: int, *, heard: bool) -> None:
    """Frames, and if wanted the sound between them."""
    track = film.tracks[1]
    for number in range(first, first + count):
        rig.send(film, number, 1)
        low, high = (round(n * FRAME_US * track.clock_rate / 1e6) for n in (number, number + 1))
        for unit in track.units if heard else ():
            shift = low // track.units[-1].pts * track.units[-1].pts
            if low <= unit.pts + shift < high:
                rig.pipeline.audio(sound(form, unit, shift))


@pytest.mark.parametrize("codec", ["aac", "pcmu"])
def test_item_15_sound_that_is_silent_begins_and_ceases(rig: Rig, codec: Any) -> None:
    """Checklist 15: Declared sound that never comes holds nothing back; where it begins and ceases runs abut, and no picture is lost."""
    film = clip(ClipSpec(frames=100, group=25, audio=codec))
    form = aac(film.tracks[1]) if codec == "aac" else AudioFormat("pcm_mulaw", RATE, 1)
    rig.open(film)
    play(rig, film, form, 0, 250, heard=False)
    assert rig.pipeline.run is not None and rig.pipeline.run.until_us is not None, "ten seconds and nothing written"
    play(rig, film, form, 250, 250, heard=True)
    play(rig, film, form, 500, 250, heard=False)
    found = rig.done()
    assert found.recorded_us == 750 * FRAME_US
    assert causes(found) == ["not_configured", "server_down"]
    assert sum(segment.frames for segment in rig.segments) == 750
    runs: dict[int, set[bool]] = {}
    for segment in rig.segments:
        runs.setdefault(segment.run_start_us, set()).add(b"mp4a" in segment.path.read_bytes()[:4000])
    assert [runs[start] for start in sorted(runs)] == [{False}, {True}, {False}]


def test_item_15_sound_that_cannot_be_recorded_costs_no_picture(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Checklist 15: a format that AAC has not, and word of one that a source can't read."""
    film = clip(ClipSpec(frames=100, group=25))
    rig.open(film)
    rig.pipeline.no_audio("opus")
    for number in range(100):
        rig.send(film, number, 1)
        for odd in (AudioFormat("pcm_alaw", 8001, 1), AudioFormat("aac", 8001, 1, b"\x12\x34", 1024)):
            rig.pipeline.audio(AudioPacket(odd, bytes(160), number * 160, 160))
    assert rig.done().recorded_us == 100 * FRAME_US
    assert caplog.text.count("recording frames only") == 1
