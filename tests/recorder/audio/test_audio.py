"""Audio of a connection: it is written beside its frames, once; a track that is silent, strays, begins or ceases costs
no frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from nvr.recorder.audio.encoding import Encoding
from nvr.recorder.media.packets import AudioFormat, AudioPacket
from tests.recorder.frames_made import aac, sound
from tests.recorder.run.test_pipeline import FRAME_US, Rig, causes
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.segments import read
from tests.support.waiting import until

RATE = 8000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, audio=True, encoding=Encoding(gather_s=0.0))
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
        if heard and form.codec != "aac" and number % 25 == 24:
            encoded(rig)


def encoded(rig: Rig) -> None:
    """The clocks of a test run ahead of the encoder: waits for what it was given in this second."""
    track = rig.pipeline._audio
    assert track is not None
    until(lambda: rig.encoding.is_idle, "the encoder")


@pytest.mark.parametrize("codec", ["aac", "pcmu"])
def test_item_15_sound_that_is_silent_begins_and_ceases(rig: Rig, codec: Any) -> None:
    """Checklist 15: Declared sound that never comes holds nothing back; where it begins and ceases runs abut, and no
    picture is lost."""
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
    said = [record.getMessage() for record in caplog.records if "recording frames only" in record.getMessage()]
    assert len(said) == len(set(said)) == 3 and rig.pipeline.note


def heard_in(rig: Rig) -> list[list[tuple[float, bytes]]]:
    """The times, in seconds of the camera's media time, and bytes of the audio in each run's files."""
    runs: dict[int, list[tuple[float, bytes]]] = {}
    for segment in rig.segments:
        found = runs.setdefault(segment.run_start_us, [])
        head = read(segment.path).head
        began_s = head.media_base / head.timescale
        with av.open(str(segment.path)) as container:
            if container.streams.audio:
                base = container.streams.audio[0].time_base
                assert base is not None
                found += [
                    (began_s + float(packet.dts * base), bytes(packet))
                    for packet in container.demux(audio=0)
                    if packet.size and packet.dts is not None
                ]
    return [runs[start] for start in sorted(runs)]


@pytest.mark.parametrize("habit", ["right", "dup", "back", "jump", "zero"])
def test_aac_of_any_habit_is_recorded_whole_and_beside_its_frames(
    rig: Rig, habit: str, caplog: pytest.LogCaptureFixture
) -> None:
    film = clip(ClipSpec(frames=100, group=25, audio="aac"))
    track = film.tracks[1]
    form = aac(track)
    rig.open(film)
    sent: list[tuple[float, bytes]] = []
    for number in range(500):
        rig.send(film, number, 1)
        while len(sent) * 1024 / form.rate < (number + 1) * FRAME_US / 1e6:
            k = len(sent)
            (data,) = track.units[k % len(track.units)].payload
            stamp = {
                "right": k * 1024,
                "dup": (k - (k % 50 == 49)) * 1024,
                "back": k * 1024 - (8000 if k > 100 else 0),
                "jump": k * 1024 + (1_500_000_000 * min(3, k - 100) if k > 100 else 0),
                "zero": 0,
            }[habit]
            rig.pipeline.audio(AudioPacket(form, data, stamp, 1024))
            sent.append((k * 1024 / form.rate, data))
    found = rig.done()
    assert found.recorded_us == 500 * FRAME_US and causes(found) == ["not_configured", "server_down"]
    (heard,) = heard_in(rig)
    assert [data for _, data in heard] == [data for _, data in sent][: len(heard)] and len(heard) > len(sent) - 4
    assert max(abs(at - then) for (at, _), (then, _) in zip(heard, sent, strict=False)) < 0.1
    assert caplog.text.count("time stamps can't be right") == (habit in ("back", "jump", "zero"))
    assert bool(rig.pipeline.counted().get("audio_realigned")) == (habit in ("back", "jump", "zero"))


def test_audio_follows_the_video_to_another_timeline(rig: Rig) -> None:
    film = clip(ClipSpec(frames=100, group=25, audio="aac"))
    form = aac(film.tracks[1])
    rig.open(film)
    k = 0
    for number in range(500):
        # The video's stamps jump; those of the audio go on.
        rig.send(film, number, 1, media_shift_us=0 if number < 250 else 3_600_000_000)
        while k * 1024 / form.rate < (number + 1) * FRAME_US / 1e6:
            rig.pipeline.audio(AudioPacket(form, bytes(100), k * 1024, 1024))
            k += 1
    found = rig.done()
    assert sum(segment.frames for segment in rig.segments) == 500
    assert found.recorded_us == pytest.approx(500 * FRAME_US, abs=FRAME_US)
    heard = heard_in(rig)
    assert sum(map(len, heard)) > k - 6
    ends = [(times[0][0], times[-1][0]) for times in heard]
    assert all(0 <= first < 0.2 for first, _ in ends) and sum(last for _, last in ends) == pytest.approx(20, abs=0.4), (
        ends
    )
