"""Our fragments against FFmpeg's, byte for byte."""

import io
import itertools
from fractions import Fraction
from functools import cache

import av
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.fragments import Fragmenter, muxer_for
from nvr.recorder.muxer import MuxedFragment, Muxer, Template
from nvr.recorder.source import Picture
from storage.boxes import Fragment, parse_moof
from tests.cameras.clips import ClipSpec, clip
from tests.cameras.frames import prefixed

BASE = Fraction(1, 90_000)


def covered(fragment: MuxedFragment) -> tuple[int, int, int, bool] | None:
    video = fragment.video
    return None if video is None else (video.start, video.end, video.frames, video.sync)


@cache
def template(codec: str = "h264") -> Template:
    film = clip(ClipSpec(codec="h264" if codec == "h264" else "h265"))
    first = film.video.units[0]
    return Template.of_keyframe(codec, b"".join(b"\0\0\0\1" + unit for unit in first.payload))


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


def pictures(frames: list[tuple[list[int], int, int, bool]]) -> list[Picture]:
    made: list[Picture] = []
    time = 0
    for number, (sizes, step, offset, keyframe) in enumerate(frames):
        keyframe = keyframe or number == 0
        units = [
            (b"\x65" if keyframe else b"\x41") + bytes(1 + (number + i) % 255 for i in range(size)) for size in sizes
        ]
        time += step if number else 0
        made.append(
            Picture(
                [prefixed(*units)], (), template().stream, BASE, time + offset, time, keyframe, False, duration=step
            )
        )
    return made


def muxed(muxer: Muxer | Fragmenter, frames: list[tuple[list[int], int, int, bool]]) -> list[MuxedFragment]:
    found: list[MuxedFragment] = []
    for picture in pictures(frames):
        found += muxer.video(picture)
    return found + muxer.close()


def whole(fragment: MuxedFragment) -> bytes:
    data = b"".join(fragment.buffers)
    assert len(data) == fragment.size
    return data


def moof(fragment: MuxedFragment) -> Fragment:
    data = whole(fragment)
    return parse_moof(data[: data.index(b"mdat") - 4])


@settings(deadline=None)
@given(FRAMES)
def test_the_same_bytes_as_ffmpeg(frames: list[tuple[list[int], int, int, bool]]) -> None:
    ours = muxer_for(template(), None, BASE, pictures(frames)[0])
    assert isinstance(ours, Fragmenter)
    ours = Fragmenter(ours.init, ours.tracks, small_bytes=0)
    theirs = Muxer(template(), None, BASE)
    assert ours.init == theirs.init and ours.tracks == theirs.tracks
    a, b = muxed(ours, frames), muxed(theirs, frames)
    assert [whole(fragment) for fragment in a] == [whole(fragment) for fragment in b]
    assert [covered(fragment) for fragment in a] == [covered(fragment) for fragment in b]
    for fragment in a:
        assert fragment.fragment.sequence == moof(fragment).sequence
        (ours_part,), (theirs_part,) = (
            fragment.fragment.tracks,
            moof(fragment).tracks,
        )
        assert (ours_part.track_id, ours_part.decode_time, ours_part.data_offset) == (
            theirs_part.track_id,
            theirs_part.decode_time,
            theirs_part.data_offset,
        )
        assert (ours_part.samples == theirs_part.samples).all()


def test_a_small_fragment_goes_on_for_a_second() -> None:
    ours = muxer_for(template(), None, BASE, pictures([([9], 3600, 0, True)])[0])
    for size, frames in ((100, [25, 25]), (2000, [13, 13, 13, 11])):
        assert isinstance(ours, Fragmenter)
        made = Fragmenter(ours.init, ours.tracks)
        found = muxed(made, [([size], 3600, 0, False)] * 50)
        assert [fragment.video.frames for fragment in found if fragment.video] == frames


def test_a_real_stream_decodes_whole() -> None:
    film = clip(ClipSpec(codec="h265", frames=50))
    made = template("hevc")
    found = bytearray()
    muxer: Muxer | Fragmenter | None = None
    for unit in film.video.units:
        data = prefixed(*unit.payload)
        picture = Picture([data], (), made.stream, BASE, unit.pts, unit.pts, unit.keyframe, False, duration=3600)
        if muxer is None:
            muxer = muxer_for(made, None, BASE, picture)
            found += muxer.init
        for fragment in muxer.video(picture):
            found += whole(fragment)
    assert isinstance(muxer, Fragmenter)
    for fragment in muxer.close():
        found += whole(fragment)
    with av.open(io.BytesIO(bytes(found))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50


def test_what_ffmpeg_must_do_it_does() -> None:
    picture = pictures([([9], 3600, 0, True)])[0]
    assert isinstance(muxer_for(template(), None, Fraction(1, 1000), picture), Muxer)
    assert isinstance(muxer_for(template(), None, BASE, picture.packet()), Muxer)


@settings(deadline=None)
@given(FRAMES, st.integers(0, 39), st.sampled_from(["", "network", "camera", "server"]))
def test_a_hole_is_told_and_players_bridge_it(
    frames: list[tuple[list[int], int, int, bool]], at: int, loss: str
) -> None:
    """A hole before any frame: the fragment before it says so, decode times go on without a break, and FFmpeg reads every frame at its time."""
    made = pictures(frames)
    at = at % len(made)
    for picture in made[at:]:
        picture.pts, picture.dts = picture.pts + 500_000, picture.dts + 500_000
    ours = muxer_for(template(), None, BASE, made[0])
    assert isinstance(ours, Fragmenter)
    found: list[MuxedFragment] = []
    for number, picture in enumerate(made):
        if number == at:
            hole = ours.hole(3600, 0, picture.dts, picture.pts, loss)
            assert (hole is None) == (number == 0)
            found += [hole] if hole is not None else []
        found += ours.video(picture)
    found += ours.close()
    data = ours.init + b"".join(map(whole, found))
    told = [fragment.fragment.hole for fragment in found if fragment.fragment.hole is not None]
    assert [moof(fragment).hole for fragment in found] == [fragment.fragment.hole for fragment in found]
    if at:
        ((start, end, who),) = told
        assert (end, who) == (made[at].pts, loss)
        assert start >= made[at - 1].pts + 3600 and start < end
    for a, b in itertools.pairwise(found):
        (first,), (second,) = a.fragment.tracks, b.fragment.tracks
        assert first.decode_time + int(first.samples[:, 1].sum()) == second.decode_time
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        read = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.dts is not None]
    assert read == [(picture.pts, picture.dts) for picture in made]
