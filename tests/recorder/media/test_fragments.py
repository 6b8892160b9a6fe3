"""Our fragments against FFmpeg's, byte for byte."""

import io
import itertools
from fractions import Fraction
from functools import cache
from random import Random

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import AudioFormat, AudioUnit, Frame
from storage.format.boxes import Fragment, children, parse_moof
from storage.format.segment_file import bases
from tests.recorder.frames_made import BASE, FFmpegMuxer, aac, picture
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.frames import prefixed


@cache
def template(codec: str = "h264") -> Template:
    film = clip(ClipSpec(codec="h264" if codec == "h264" else "h265"))
    first = film.video.units[0]
    return Template.of_keyframe(codec, b"".join(b"\0\0\0\1" + unit for unit in first.payload))


@cache
def form() -> AudioFormat:
    return aac(clip(ClipSpec(audio="aac")).tracks[1])


Frames = list[tuple[list[int], int, int, bool]]
# (bytes of each NAL unit, ticks since the picture before, composition offset, keyframe)
FRAMES = st.lists(
    st.tuples(
        st.lists(st.integers(1, 300), min_size=1, max_size=3),
        st.sampled_from([1, 3000, 3600, 3601, 18_000, 44_999, 45_000, 45_001, 90_000]),
        st.sampled_from([0, 0, 0, 3600, 7200]),
        st.integers(0, 5).map(lambda n: n == 0),
    ),
    min_size=1,
    max_size=40,
)
# (bytes, samples that are missing after it)
UNITS = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 0, 0, 0, 1, 300])), max_size=200)


def pictures(frames: Frames) -> list[Frame]:
    made: list[Frame] = []
    time = 0
    for number, (sizes, step, offset, keyframe) in enumerate(frames):
        keyframe = keyframe or number == 0
        units = [
            (b"\x65" if keyframe else b"\x41") + bytes(1 + (number + i) % 255 for i in range(size)) for size in sizes
        ]
        time += step if number else 0
        made.append(picture(units, time, keyframe, offset=offset, duration=step))
    return made


def units(sizes: list[tuple[int, int]]) -> list[AudioUnit]:
    made: list[AudioUnit] = []
    time = 0
    for number, (size, missing) in enumerate(sizes):
        made.append(AudioUnit(bytes([number % 256]) * size, time, 1024))
        time += 1024 + missing
    return made


def muxed(muxer: Fragmenter, frames: Frames) -> list[MuxedFragment]:
    found: list[MuxedFragment] = []
    for frame in pictures(frames):
        found += muxer.video(frame)
    return found + muxer.close()


def whole(fragment: MuxedFragment) -> bytes:
    data = b"".join(fragment.buffers)
    assert len(data) == fragment.size
    return data


def moof(data: bytes) -> Fragment:
    return parse_moof(data[: next(box.end for box in children(data, 0, len(data)) if box.kind == b"moof")])


def fragments_of(data: bytes) -> list[bytes]:
    """The moofs with their mdats in what FFmpeg wrote."""
    boxes = list(children(data, 0, len(data)))
    return [data[box.start : boxes[number + 1].end] for number, box in enumerate(boxes) if box.kind in (b"moof",)]


def same(ours: Fragment, theirs: Fragment) -> None:
    assert ours.sequence == theirs.sequence and len(ours.tracks) == len(theirs.tracks)
    for a, b in zip(ours.tracks, theirs.tracks, strict=True):
        assert (a.track_id, a.decode_time, a.data_offset) == (b.track_id, b.decode_time, b.data_offset)
        assert (a.count, a.size) == (b.count, b.size)
        assert (a.samples == b.samples).all()


@settings(deadline=None)
@given(FRAMES)
def test_the_same_bytes_as_ffmpeg(frames: Frames) -> None:
    ours = Fragmenter.of(template(), None, BASE)
    ours = Fragmenter(ours.init, ours.tracks, small_bytes=0)
    theirs = FFmpegMuxer(template())
    assert ours.init == theirs.init
    made = muxed(ours, frames)
    expected = b"".join([*(theirs.video(frame) for frame in pictures(frames)), theirs.close()])
    assert [whole(fragment) for fragment in made] == fragments_of(expected)
    for fragment in made:
        same(fragment.fragment, moof(whole(fragment)))
        (part,) = fragment.fragment.tracks
        starts = part.decode_time + part.samples[:, 1].cumsum() - part.samples[:, 1] + part.samples[:, 2]
        covered = fragment.video
        assert (covered.start, covered.frames) == (starts[0], part.count)
        assert covered.end == max(starts + part.samples[:, 1]) and covered.sync == bool(part.samples[0, 3])


@settings(deadline=None)
@given(FRAMES, UNITS)
def test_a_second_track_as_ffmpeg_writes_it(frames: Frames, sizes: list[tuple[int, int]]) -> None:
    """FFmpeg is given the samples fragment by fragment, so that the same are in each; how it interleaves is its own
    affair."""
    sounds = units(sizes)
    ours = Fragmenter.of(template(), form(), BASE)
    ours = Fragmenter(ours.init, ours.tracks, small_bytes=0)
    assert ours.init == FFmpegMuxer(template(), form()).init
    made: list[MuxedFragment] = []
    waiting = list(sounds)
    for frame in pictures(frames):
        while waiting and waiting[0].time * 90_000 < (frame.dts + 9000) * form().rate:
            ours.audio(waiting.pop(0))
        made += ours.video(frame)
    for unit in waiting:
        ours.audio(unit)
    made += ours.close()
    given_back: list[int] = []
    payload = b""
    for fragment in made:
        data = whole(fragment)
        same(fragment.fragment, moof(data))
        for part in fragment.fragment.tracks[1:]:
            steps = part.samples[:, 1]
            given_back += [part.decode_time, *(part.decode_time + steps.cumsum()[:-1])]
            payload += data[part.data_offset : part.data_offset + part.size]
            assert part.samples[:, 3].all()
    assert given_back == [unit.time for unit in sounds]
    assert payload == b"".join(unit.data for unit in sounds)
    # Of one fragment everything comes to the same place: FFmpeg's bytes are ours.
    if len(made) == 1 and sounds and (pictures(frames)[-1].dts + 9000) * form().rate > sounds[-1].time * 90_000:
        theirs = FFmpegMuxer(template(), form())
        out = b""
        events = [(frame.dts * form().rate, 0, frame) for frame in pictures(frames)]
        events += [(unit.time * 90_000, 1, unit) for unit in sounds]  # type: ignore[misc]
        for _, kind, what in sorted(events, key=lambda event: event[:2]):
            out += theirs.audio(what) if kind else theirs.video(what)  # type: ignore[arg-type]
        found = fragments_of(out + theirs.close())
        if len(found) == 1:
            assert whole(made[0]) == found[0]


@settings(deadline=None)
@given(FRAMES, UNITS, st.booleans(), st.integers(0, 30_000), st.randoms(use_true_random=False))
def test_a_file_begins_at_its_own_beginning(
    frames: Frames, sizes: list[tuple[int, int]], has_audio: bool, late: int, chance: Random
) -> None:
    """Cut anywhere, with audio that comes late: decode times in a file count from its beginning, and with what its head
    says they are the run's."""
    ours = Fragmenter.of(template(), form() if has_audio else None, BASE)
    muxer = Fragmenter(ours.init, ours.tracks, small_bytes=0)
    waiting = units(sizes) if has_audio else []
    base = 0
    heard: list[int] = []

    def take(found: list[MuxedFragment], *, first: bool = False) -> None:
        nonlocal base
        for fragment in found:
            if fragment.video.sync and (first or chance.random() < 0.4):
                base = muxer.begin_file(fragment)
                in_file = moof(whole(fragment)).tracks
                assert (
                    0 <= in_file[0].decode_time <= 90_000
                    if len(in_file) == 1
                    else min(in_file[0].decode_time, in_file[1].decode_time * 90_000 // form().rate)
                    < 90_000 // form().rate + 2
                )
            added = bases(base, 90_000, muxer.tracks)
            for said, written in zip(fragment.fragment.tracks, moof(whole(fragment)).tracks, strict=True):
                assert written.decode_time + added.get(written.track_id, 0) == said.decode_time
                assert (written.samples == said.samples).all()
            for part in fragment.fragment.tracks[1:]:
                heard.extend([part.decode_time, *(part.decode_time + part.samples[:, 1].cumsum()[:-1]).tolist()])

    opened = False
    for frame in pictures(frames):
        while waiting and waiting[0].time * 90_000 < (frame.dts - late) * form().rate:
            muxer.audio(waiting.pop(0))
        found = muxer.video(frame)
        take(found, first=not opened)
        opened = opened or bool(found)
    take(muxer.close(), first=not opened)
    sent = [unit.time for unit in units(sizes)] if has_audio else []
    assert [time for time in sent if time in set(heard)] == heard


def test_one_fragment_of_both_is_ffmpegs() -> None:
    """What the property above meets now and then, for certain."""
    frames: Frames = [([200, 30], 3600, 0, number == 0) for number in range(10)]
    sounds = units([(20 + number, 0) for number in range(6)])
    ours, theirs = Fragmenter.of(template(), form(), BASE), FFmpegMuxer(template(), form())
    out = b""
    waiting = list(sounds)
    for frame in pictures(frames):
        while waiting and waiting[0].time * 90_000 < frame.dts * form().rate:
            unit = waiting.pop(0)
            ours.audio(unit)
            out += theirs.audio(unit)
        assert not ours.video(frame)
        out += theirs.video(frame)
    (made,) = ours.close()
    (expected,) = fragments_of(out + theirs.close())
    assert whole(made) == expected


def test_a_small_fragment_goes_on_for_a_second() -> None:
    ours = Fragmenter.of(template(), None, BASE)
    for size, frames in ((100, [25, 25]), (2000, [13, 13, 13, 11])):
        made = Fragmenter(ours.init, ours.tracks)
        found = muxed(made, [([size], 3600, 0, False)] * 50)
        assert [fragment.video.frames for fragment in found] == frames


def test_sound_that_never_comes_or_comes_alone_holds_nothing_back() -> None:
    ours = Fragmenter.of(template(), form(), BASE)
    found = muxed(ours, [([2000], 3600, 0, number == 0) for number in range(50)])
    assert sum(fragment.video.frames for fragment in found) == 50
    assert all(len(fragment.fragment.tracks) == 1 for fragment in found)
    ours = Fragmenter.of(template(), form(), BASE)
    for number in range(3000):
        ours.audio(AudioUnit(bytes(1000), number * 1024, 1024))
    found = muxed(ours, [([2000], 3600, 0, True)])
    (fragment,) = found
    assert fragment.size < 2 << 20, "what waits is bounded"


def test_a_real_stream_decodes_whole() -> None:
    film = clip(ClipSpec(codec="h265", frames=50))
    muxer = Fragmenter.of(template("hevc"), None, BASE)
    found = bytearray(muxer.init)
    for unit in film.video.units:
        data = prefixed(*unit.payload)
        for fragment in muxer.video(Frame([data], (), BASE, unit.pts, unit.pts, unit.keyframe, "", duration=3600)):
            found += whole(fragment)
    for fragment in muxer.close():
        found += whole(fragment)
    with av.open(io.BytesIO(bytes(found))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50


@pytest.mark.parametrize("ticks", [1000, 8000, 90_000, 1_200_000])
def test_any_time_base_of_a_camera_is_the_tracks(ticks: int) -> None:
    """FFmpeg would multiply coarse ones."""
    muxer = Fragmenter.of(template(), form(), Fraction(1, ticks))
    assert [track.timescale for track in muxer.tracks] == [ticks, form().rate]


def test_both_tracks_play() -> None:
    """What an independent demuxer and decoder make of it: every frame and every bit of sound, side by side."""
    film = clip(ClipSpec(audio="aac"))
    track = film.tracks[1]
    form_ = aac(track)
    first = film.video.units[0]
    muxer = Fragmenter.of(Template.of_keyframe("h264", b"".join(b"\0\0\0\1" + u for u in first.payload)), form_, BASE)
    found = bytearray(muxer.init)
    sounds = list(track.units)
    for unit in film.video.units:
        for fragment in muxer.video(picture(unit.payload, unit.pts, unit.keyframe)):
            found += whole(fragment)
        while sounds and sounds[0].pts / track.clock_rate <= unit.pts / 90_000:
            sound = sounds.pop(0)
            muxer.audio(AudioUnit(sound.payload[0], sound.pts, 1024))
    for sound in sounds:
        muxer.audio(AudioUnit(sound.payload[0], sound.pts, 1024))
    for fragment in muxer.close():
        found += whole(fragment)
    with av.open(io.BytesIO(bytes(found))) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(film.video.units)
    with av.open(io.BytesIO(bytes(found))) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        assert [bytes(packet) for packet in packets] == [unit.payload[0] for unit in track.units]
        assert [packet.dts for packet in packets] == [unit.pts for unit in track.units]
        assert [packet.duration for packet in packets] == [1024] * len(packets)
    with av.open(io.BytesIO(bytes(found))) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
        assert heard >= 1024 * (len(track.units) - 1)


@settings(deadline=None)
@given(FRAMES, st.integers(0, 39), st.sampled_from(["", "network", "camera", "server"]))
def test_a_hole_is_told_and_players_bridge_it(
    frames: list[tuple[list[int], int, int, bool]], at: int, loss: str
) -> None:
    """A hole before any frame: the fragment before it says so, decode times go on without a break, and FFmpeg reads
    every frame at its time."""
    made = pictures(frames)
    at = at % len(made)
    for frame in made[at:]:
        frame.pts, frame.dts = frame.pts + 500_000, frame.dts + 500_000
    ours = Fragmenter.of(template(), None, BASE)
    found: list[MuxedFragment] = []
    for number, frame in enumerate(made):
        if number == at:
            hole = ours.hole(3600, 0, frame.dts, frame.pts, loss)
            assert (hole is None) == (number == 0)
            found += [hole] if hole is not None else []
        found += ours.video(frame)
    found += ours.close()
    data = ours.init + b"".join(map(whole, found))
    told = [fragment.fragment.hole for fragment in found if fragment.fragment.hole is not None]
    assert [moof(whole(fragment)).hole for fragment in found] == [fragment.fragment.hole for fragment in found]
    if at:
        ((start, end, who),) = told
        assert (end, who) == (made[at].pts, loss)
        assert start < end
        if all(each.pts == each.dts for each in made):
            assert start == made[at - 1].pts + 3600
    for a, b in itertools.pairwise(found):
        (first,), (second,) = a.fragment.tracks, b.fragment.tracks
        assert first.decode_time + int(first.samples[:, 1].sum()) == second.decode_time
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        read = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.dts is not None]
    assert read == [(frame.pts, frame.dts) for frame in made]
