"""Live playlists over random histories keep the rules of RFC 8216; recorded ones are checked wherever
tests make them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.playback.hls.live_window import LivePart, LiveWindow
from storage.catalogue.segments import Key
from tests.nightly import examples
from tests.playback.footage import CAMERA, START_US
from tests.playback.rfc8216 import check, check_reload

# What happens next: how many parts of how long (in tenths of a second) follow, each how many in a group; or a new file,
# run, format.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["parts", "parts", "parts", "file", "run", "init"]),
        st.integers(1, 12),
        st.integers(1, 20),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=examples(60, 5000), deadline=None)
@given(STEPS, st.booleans())
def test_a_live_playlist_over_a_random_history(steps: list[tuple[str, int, int, int]], watched: bool) -> None:
    window = LiveWindow()
    at_us, run, init, offset = START_US, 0, 0, 900
    key = Key(CAMERA, at_us, "n1", 1)
    before = None
    for what, count, length, group in steps:
        if what != "parts":
            window.end_file(key)
            run += what != "file"
            init += what == "init"
            at_us += 3_000_000 if what != "file" else 0
            key, offset = Key(CAMERA, at_us, "n1", 1 + run), 900
        for number in range(count):
            part = LivePart(at_us, length * 100_000, offset, 1000, number % group == 0)
            window.add(key, f"{init:064}", 700, (run, init), [part])
            at_us, offset = at_us + part.duration_us, offset + 1000
            if not window.segments or not any(segment.whole for segment in window.segments):
                continue
            listed = check(window.text())
            if before is not None and watched:
                check_reload(before, listed)
            before = listed


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("#EXTINF:4.000000,", "EXTINF:6.100000,"),
        ("#EXT-X-VERSION:8", "EXT-X-VERSION:3"),
        ("#EXT-X-ENDLIST\n", ""),
        ("T14:13:20.123Z", "T14:13:20.123"),
        ("#EXT-X-MAP", "#EXT-X-MAPP"),
        ("T14:13:24.123Z", "T14:13:25.123Z"),
    ],
)
def test_the_rules_can_be_broken(wrong: str, why: str) -> None:
    good = (
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n"
        '#EXT-X-MAP:URI="inits/a.mp4",BYTERANGE="754@0"\n#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.123Z\n#EXTINF:4.000000,\n'
        "#EXT-X-BYTERANGE:3287@957\nsegments/1.m4s\n#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:24.123Z\n#EXTINF:4.000000,\n#EXT-X-GAP\n"
        "#EXT-X-BYTERANGE:8@0\nsegments/gap.mp4\n#EXT-X-ENDLIST\n"
    )
    check(good)
    with pytest.raises((AssertionError, ValueError, KeyError)):
        check(good.replace(wrong, why.replace("EXTINF:6", "#EXTINF:6").replace("EXT-X-V", "#EXT-X-V"), 1))
