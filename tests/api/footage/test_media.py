"""Segments and clips of real footage, over HTTP."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import re
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from PIL import Image

from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.api.footage.clip_headers import coverage_headers
from nvr.api.http.times import format_time, parse_time
from nvr.playback import media
from nvr.playback.hls.names import clip_name
from storage.catalogue import facts, segments
from storage.causes import Cause
from storage.coverage.one_camera import Coverage, Gap
from storage.intervals import Interval
from storage.retention import leases
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode, number_of
from tests.support.people import create_token
from tests.support.waiting import until

Client = AsyncTestClient[Litestar]
S = 1_000_000


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def recording(studio: Studio) -> Recording:
    made = studio.record(encode("h264", 200), START_US)
    with studio.database.write() as conn:
        facts.set_cause(conn, CAMERA, 0, Cause.NOT_CONFIGURED, {}, node="n1", epoch=1)
        facts.resume(conn, CAMERA, made.start_us)
        facts.set_cause(conn, CAMERA, made.end_us, Cause.ENDED, {}, node="n1", epoch=1)
    return made


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[Client]:
    token = create_token(studio.database, "test", Role.INVESTIGATOR)
    settings = ApiSettings(catalogue=str(studio.database.path), node="n1")
    async with AsyncTestClient(create_app(settings, now_us=lambda: START_US + 60 * S)) as made:
        made.headers["Authorization"] = f"Bearer {token}"
        yield made


def clip_url(start_us: int, end_us: int, **more: str) -> str:
    query = {"start": format_time(start_us), "end": format_time(end_us), **more}
    return f"/api/cameras/{CAMERA}/clip.mp4?" + "&".join(f"{k}={v}" for k, v in query.items())


async def test_a_segment(client: Client, recording: Recording) -> None:
    part = recording.parts[0]
    data = part.path.read_bytes()
    path = f"/api/cameras/{CAMERA}/segments/{part.key.start_us}-1-n1.mp4"
    whole = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert whole.content == data
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-length"] == str(len(data))
    assert whole.headers["cache-control"] == "no-store"
    assert "content-encoding" not in whole.headers
    known = await client.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    some = await client.get(path, headers={"Range": "bytes=100-299"})
    assert (some.status_code, some.content) == (206, data[100:300])
    assert some.headers["content-range"] == f"bytes 100-299/{len(data)}"
    same = await client.get(path, headers={"Range": "bytes=-5", "If-Range": whole.headers["etag"]})
    assert (same.status_code, same.content) == (206, data[-5:])
    stale = await client.get(path, headers={"Range": "bytes=100-299", "If-Range": '"older"'})
    assert (stale.status_code, stale.content) == (200, data)
    beyond = await client.get(path, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(data)}"
    part.path.unlink()
    gone = await client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "segment_not_found")


async def test_head_reads_next_to_nothing(
    client: Client, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = media.SegmentMedia.read
    monkeypatch.setattr(media, "CHUNK_BYTES", 16)
    monkeypatch.setattr(media.SegmentMedia, "read", lambda self, a, b: reads.append(a) or read(self, a, b))
    part = recording.parts[0]
    answer = await client.head(f"/api/cameras/{CAMERA}/segments/{part.key.start_us}-1-n1.mp4")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(part.path.stat().st_size)
    assert len(reads) < 5


async def test_a_growing_segment_is_not_kept_and_keeps_its_address(client: Client, studio: Studio) -> None:
    growing = studio.growing(encode("h264", 50), START_US, segment_s=60)
    steps = iter(growing)
    next(steps)
    next(steps)
    path = f"/api/cameras/{CAMERA}/segments/{START_US}-1-n1.mp4"
    before = await client.get(path)
    assert before.content == growing.path.read_bytes()
    assert before.headers["cache-control"] == "no-store"
    assert "etag" not in before.headers
    for _ in steps:
        pass
    growing.close()
    after = await client.get(path)
    assert after.content.startswith(before.content)
    assert after.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["x.mp4", "1-1-n2.mp4", "1-1-n1", "1-1-n1.mp4%00", "9" * 30 + "-1-n1.mp4"])
async def test_no_such_segment(client: Client, name: str) -> None:
    answer = await client.get(f"/api/cameras/{CAMERA}/segments/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "segment_not_found")


def frames_of(data: bytes) -> list[int]:
    with av.open(io.BytesIO(data)) as container:
        return [number_of(frame) for frame in container.decode(video=0)]


async def test_a_clip_is_exact_and_says_what_it_lacks(client: Client, recording: Recording) -> None:
    start, end = START_US + 3 * S, recording.end_us + 2 * S
    answer = await client.get(clip_url(start, end), headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    expected = [frame for frame in recording.frames if frame.wall_us >= start]
    assert frames_of(answer.content) == [frame.number for frame in expected]
    headers = answer.headers
    assert headers["content-length"] == str(len(answer.content))
    assert "content-encoding" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-disposition"].startswith(f'attachment; filename="{CAMERA}_2026')
    assert headers["content-disposition"].endswith('Z.mp4"')
    assert abs(parse_time("x", headers["x-clip-start"]) - expected[0].wall_us) <= 1
    assert parse_time("x", headers["x-clip-end"]) == recording.end_us
    assert float(headers["x-coverage-recorded-s"]) == (recording.end_us - start) / S
    assert float(headers["x-coverage-missing-s"]) == 2
    assert json.loads(headers["x-coverage-gaps"]) == [
        {"start": format_time(recording.end_us), "end": format_time(end), "cause": "ended"}
    ]


async def test_a_clip_of_a_range_that_is_not_over_is_refused_and_offers_what_there_is(
    client: Client, studio: Studio
) -> None:
    growing = studio.growing(encode("h264", 100), START_US + 55 * S, segment_s=60)
    steps = iter(growing)
    for _ in range(4):
        next(steps)
    # The clock of the server says that a minute has passed.
    start_us, end_us = START_US + 56 * S, START_US + 70 * S
    refused = await client.get(clip_url(start_us, end_us))
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "range_not_over")
    assert problem["retry_at"] == format_time(end_us + 2 * S)
    assert refused.headers["retry-after"] == "12"
    offered = problem["so_far"]
    assert offered["end"] == problem["known_until"]
    there = await client.get(offered["url"])
    assert there.status_code == 200
    assert "_so-far.mp4" in there.headers["content-disposition"]
    figures = [float(there.headers[f"x-coverage-{name}-s"]) for name in ("recorded", "missing", "not-known")]
    assert round(sum(figures), 6) == 14
    assert figures[2] > 0
    nothing = (await client.get(clip_url(start_us + 10 * S, end_us))).json()
    assert (nothing["code"], nothing["so_far"]) == ("range_not_over", None)
    for _ in steps:
        pass
    growing.close()
    whole = await client.get(clip_url(start_us, START_US + 60 * S))
    assert whole.status_code == 200
    assert "so-far" not in whole.headers["content-disposition"]
    name = clip_name(
        CAMERA, parse_time("start", whole.headers["x-clip-start"]), parse_time("end", whole.headers["x-clip-end"])
    )
    assert name in whole.headers["content-disposition"]
    packed = await client.get(clip_url(start_us, end_us).replace("clip.mp4", "clip.zip"))
    assert packed.json()["code"] == "range_not_over"


async def test_what_was_recorded_twice_is_declared_and_can_be_had(client: Client, studio: Studio) -> None:
    first = studio.record(encode("h264", 120), START_US, segment_s=4.0)
    back_us = START_US + 5 * S + 5_000
    with studio.database.write() as conn:
        run = segments.Key(CAMERA, START_US, "n1", 1)
        detail = {"step_us": back_us - first.end_us}
        segments.end_run(conn, run, end_us=first.end_us, cause=Cause.CLOCK_STEP, detail=detail)
    second = studio.record(encode("h264", 80, first=500), back_us, segment_s=4.0)
    answer = await client.get(clip_url(START_US, second.end_us))
    (hidden,) = json.loads(answer.headers["x-not-shown"])
    assert hidden == {
        "start": format_time(back_us),
        "end": format_time(first.end_us),
        "run": f"{START_US}-1-n1",
    }
    assert json.loads(answer.headers["x-clock-steps"]) == [
        {"at": format_time(first.end_us), "to": format_time(back_us)}
    ]
    # From the keyframe before the change-over on it is the newer run, without going back.
    numbers = frames_of(answer.content)
    assert numbers == sorted(numbers)
    assert numbers[-80:] == list(range(500, 580))
    other = await client.get(clip_url(START_US, second.end_us, run=hidden["run"]))
    assert frames_of(other.content) == list(range(120))
    assert hidden["run"] in other.headers["content-disposition"]
    packed = await client.get(clip_url(START_US, second.end_us).replace("clip.mp4", "clip.zip"))
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        found = [frames_of(archive.read(name)) for name in archive.namelist()]
    assert sorted(found) == [list(range(120)), list(range(500, 580))]
    playlist = await client.get(clip_url(START_US, second.end_us).replace("clip.mp4", "playlist.m3u8"))
    assert json.loads(playlist.headers["x-not-shown"]) == [hidden]
    alone = f"{clip_url(START_US, second.end_us)}&run={hidden['run']}".replace("clip.mp4", "playlist.m3u8")
    assert "x-not-shown" in (await client.get(alone)).headers
    body = (
        await client.get(
            f"/api/cameras/{CAMERA}/coverage?start={format_time(START_US)}&end={format_time(second.end_us)}"
        )
    ).json()
    assert [step["by_s"] for step in body["clock_steps"]] == [(back_us - first.end_us) / S]
    assert (await client.get(clip_url(START_US, second.end_us, run="x"))).json()["code"] == "invalid_parameter"


async def test_a_clip_in_parts_is_the_same_clip(client: Client, recording: Recording) -> None:
    url = clip_url(START_US + S, START_US + 6 * S)
    whole = await client.get(url)
    size = len(whole.content)
    etag = whole.headers["etag"]
    head = await client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    assert head.headers["etag"] == etag
    parts = []
    for first in range(0, size, size // 3 + 1):
        asked = {"Range": f"bytes={first}-{first + size // 3}", "If-Range": etag}
        part = await client.get(url, headers=asked)
        assert part.status_code == 206
        parts.append(part.content)
    assert b"".join(parts) == whole.content
    assert (await client.get(url, headers={"If-None-Match": etag})).status_code == 304
    beyond = await client.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")


async def test_a_clip_starting_in_a_gap_begins_with_the_footage_after_it(client: Client, recording: Recording) -> None:
    answer = await client.get(clip_url(START_US - 10 * S, START_US + 2 * S))
    assert answer.status_code == 200
    assert abs(parse_time("x", answer.headers["x-clip-start"]) - START_US) <= 1
    assert json.loads(answer.headers["x-coverage-gaps"])[0]["cause"] == "not_configured"


async def test_two_formats_are_two_clips(client: Client, studio: Studio, recording: Recording) -> None:
    second = studio.record(encode("h264b", 100), recording.end_us + S, epoch=2, first=1000)
    answer = await client.get(clip_url(START_US, second.end_us))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "several_inits")
    assert [part["end"] for part in problem["parts"]] == [format_time(recording.end_us), format_time(second.end_us)]
    clips = [await client.get(part["url"]) for part in problem["parts"]]
    assert [clip.status_code for clip in clips] == [200, 200]
    archive = await client.get(problem["archive"])
    assert archive.status_code == 200, archive.text
    assert archive.headers["content-length"] == str(len(archive.content))
    assert archive.headers["content-type"] == "application/zip"
    assert archive.headers["content-disposition"].endswith('Z.zip"')
    assert archive.headers["accept-ranges"] == "none"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as found:
        assert [found.read(name) for name in found.namelist()] == [clip.content for clip in clips]
    same = {"If-None-Match": archive.headers["etag"]}
    assert (await client.get(problem["archive"], headers=same)).status_code == 304
    part = await client.get(problem["archive"], headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (200, archive.content)
    head = await client.head(problem["archive"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(archive.content)))


async def test_footage_being_read_is_leased(client: Client, studio: Studio, recording: Recording) -> None:
    now_us = START_US + 60 * S
    await client.get(clip_url(START_US + 5 * S, START_US + 9 * S), headers={"Range": "bytes=0-99"})

    def leased() -> Sequence[tuple[int, int]]:
        with studio.database.read() as conn:
            return leases.active(conn, now_us).get(CAMERA, ())

    # Beside the answer, which does not wait for it.
    ((start_us, end_us),) = await asyncio.to_thread(until, leased, "the lease")
    with studio.database.read() as conn:
        # With the pre-roll, which is read too.
        assert START_US + 4 * S - S // 10 <= start_us <= START_US + 5 * S
        assert START_US + 9 * S <= end_us <= START_US + 9 * S + S // 10
        assert leases.active(conn, now_us + 15 * 60 * S) == {}


async def test_the_past_of_a_range_is_asked_for_once_more_after_it_was_pruned(
    client: Client, studio: Studio, recording: Recording
) -> None:
    """A download that goes on after its footage has changed gets no part of something else."""
    url = clip_url(START_US, recording.end_us)
    whole = await client.get(url)
    with studio.database.write() as conn:
        segments.discard(conn, recording.parts[0].key)
    recording.parts[0].path.unlink()
    rest = await client.get(url, headers={"Range": "bytes=5000-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 200
    assert rest.headers["etag"] != whole.headers["etag"]
    assert len(rest.content) < len(whole.content)


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (clip_url(START_US - 20 * S, START_US - 10 * S), 404, "no_footage"),
        (clip_url(START_US, START_US + 90_001 * S), 400, "range_too_long"),
        (clip_url(START_US, START_US), 400, "empty_range"),
        (clip_url(START_US, START_US + S, gaps="hide"), 400, "invalid_parameter"),
        (clip_url(START_US, START_US + S).replace(CAMERA, "nowhere"), 404, "camera_not_found"),
    ],
)
async def test_no_such_clip(client: Client, recording: Recording, url: str, status: int, code: str) -> None:
    answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_footage_that_is_gone_or_damaged_is_said_before_a_byte_is_sent(
    client: Client, recording: Recording
) -> None:
    url = clip_url(START_US, recording.end_us)
    recording.parts[0].path.write_bytes(b"not a segment")
    answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (500, "footage_damaged")
    assert str(recording.parts[0].path) not in answer.text
    recording.parts[0].path.unlink()
    answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (410, "footage_gone")


def test_headers_are_bounded() -> None:
    gaps = [Gap(i * S, i * S + 1, Cause.UNREACHABLE, False, None) for i in range(5000)]
    headers: dict[str, Any] = coverage_headers(Coverage(CAMERA, 0, 5000 * S, 5000 * S, [Interval(1, S)], gaps))
    assert sum(len(k) + len(v) for k, v in headers.items()) < 4000
    assert headers["X-Coverage-Gaps-Omitted"] == str(5000 - len(json.loads(headers["X-Coverage-Gaps"])))
    assert headers["X-Coverage-Missing-S"] == "0.005000"


async def test_an_init(client: Client, studio: Studio, recording: Recording) -> None:
    with studio.database.read() as conn:
        segment = segments.get(conn, recording.parts[0].key)
        assert segment is not None
        init = segments.init(conn, segment.init)
    assert init is not None
    answer = await client.get(f"/api/inits/{init.id}.mp4")
    assert answer.content == init.data
    assert answer.headers["cache-control"] == "no-store"
    part = await client.get(f"/api/inits/{init.id}.mp4", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, init.data[:4])
    again = await client.get(f"/api/inits/{init.id}.mp4", headers={"If-None-Match": f'W/"{init.id}"'})
    assert again.status_code == 304
    for name in ("cd" * 32 + ".mp4", "x.mp4", init.id):
        missing = await client.get(f"/api/inits/{name}")
        assert (missing.status_code, missing.json()["code"]) == (404, "init_not_found")


async def test_a_gap_has_an_answer_that_every_player_takes(client: Client) -> None:
    """GStreamer, FFmpeg and VLC fetch it: with a 404 the first stops for good."""
    answer = await client.get(f"/api/cameras/{CAMERA}/segments/gap.mp4", headers={"Range": "bytes=0-7"})
    assert (answer.status_code, answer.content) == (206, b"\0\0\0\x08free")
    assert answer.headers["content-range"] == "bytes 0-7/8"
    whole = await client.get(f"/api/cameras/{CAMERA}/segments/gap.mp4")
    assert (whole.status_code, whole.content) == (200, b"\0\0\0\x08free")


async def test_a_playlist_whose_every_address_answers(client: Client, recording: Recording) -> None:
    start, end = START_US - 10 * S, recording.end_us + 5 * S
    url = f"/api/cameras/{CAMERA}/playlist.m3u8?start={format_time(start)}&end={format_time(end)}"
    answer = await client.get(url, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    lines = answer.text.splitlines()
    assert lines[0] == "#EXTM3U"
    # Nothing in front and behind: players wait for a gap, some for ever. The figures say what is not there.
    assert lines.count("#EXT-X-GAP") == 0
    assert float(answer.headers["x-coverage-missing-s"]) == pytest.approx(15, abs=0.01)
    assert float(answer.headers["x-coverage-recorded-s"]) == pytest.approx((recording.end_us - START_US) / S, abs=0.01)
    range_ = ""
    played = 0
    for before, line in itertools.pairwise(lines):
        if line.startswith("#EXT-X-BYTERANGE:"):
            size, _, offset = line.removeprefix("#EXT-X-BYTERANGE:").partition("@")
            range_ = f"bytes={offset}-{int(offset) + int(size) - 1}"
        elif line.startswith("#EXT-X-MAP:"):
            size = int(line.split('"')[3].removesuffix("@0"))
            uri = line.split('"')[1]
            init = await client.get(f"/api/cameras/{CAMERA}/{uri}", headers={"Range": f"bytes=0-{size - 1}"})
            assert init.status_code == 206 and init.content[4:8] == b"ftyp"
            # All of it, and no more.
            assert len(init.content) == size and init.headers["content-range"].endswith(f"/{size}")
        elif before.startswith("#EXT-X-BYTERANGE:"):
            part = await client.get(f"/api/cameras/{CAMERA}/{line}", headers={"Range": range_})
            assert part.status_code == 206
            assert part.content[4:8] == b"moof"
            played += 1
    assert played >= 4
    empty = url.replace(format_time(end), format_time(START_US - 5 * S))
    assert (await client.get(empty)).json()["code"] == "no_footage"
    assert (await client.get(url.replace(CAMERA, "nowhere"))).json()["code"] == "camera_not_found"
    assert (await client.get(url.replace(format_time(end), "2026-12-31T00:00:00Z"))).json()["code"] == "range_too_long"


async def test_live(client: Client, studio: Studio) -> None:
    path = f"/api/cameras/{CAMERA}/live.m3u8"
    silent = await client.get(path)
    assert (silent.status_code, silent.json()["code"]) == (409, "not_live")
    now_us = time.time_ns() // 1000
    growing = studio.growing(encode("h264", 100), now_us - 8 * S, segment_s=60)
    steps = iter(growing)
    for _ in range(10):
        next(steps)
    answer = await client.get(path)
    while answer.status_code == 409:  # the tail of before this footage has to see it first
        answer = await client.get(path)
    assert answer.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    assert answer.headers["cache-control"] == "no-store"
    assert "#EXT-X-PART:" in answer.text
    last = max(int(n) for n in re.findall(r"MEDIA-SEQUENCE:(\d+)", answer.text)) + answer.text.count("#EXTINF")
    for query, status, code in [
        ("_HLS_msn=x", 400, "invalid_parameter"),
        ("_HLS_part=1", 400, "invalid_parameter"),
        (f"_HLS_msn={last + 100}", 400, "live_too_far_ahead"),
    ]:
        refused = await client.get(f"{path}?{query}")
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    parts = answer.text.count("#EXT-X-PART:")
    # From a thread, since the client holds this one up until it is answered.
    recorder = threading.Timer(0.5, next, [steps])
    asked = time.monotonic()
    recorder.start()
    held_back = await client.get(f"{path}?_HLS_msn={last}&_HLS_part={_parts_of_last(answer.text)}")
    assert 0.5 <= time.monotonic() - asked < 5, "it answers as soon as there is more"
    assert held_back.text.count("#EXT-X-PART:") > parts
    recorder.join()
    assert (await client.get("/api/cameras/nowhere/live.m3u8")).json()["code"] == "camera_not_found"


def _parts_of_last(playlist: str) -> int:
    return playlist.rpartition("#EXTINF")[2].count("#EXT-X-PART:")


async def test_a_snapshot(client: Client, recording: Recording) -> None:
    path = f"/api/cameras/{CAMERA}/snapshot.jpg"
    frame = recording.frames[57]
    answer = await client.get(f"{path}?at={format_time(frame.wall_us + 1)}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert abs(parse_time("x", answer.headers["x-frame-time"]) - frame.wall_us) <= 1
    assert _shown(answer.content) == frame.number
    last = await client.get(path)
    assert _shown(last.content) == recording.frames[-1].number
    assert last.headers["cache-control"] == "no-store"
    small = await client.get(f"{path}?width=64")
    assert Image.open(io.BytesIO(small.content)).width == 64
    for query, status, code in [
        (f"at={format_time(START_US - S)}", 404, "no_footage"),
        ("at=2026-11-23T14:00:00", 400, "naive_time"),
        ("width=0", 400, "invalid_parameter"),
        ("width=-5", 400, "invalid_parameter"),
        ("width=99999999999", 400, "invalid_parameter"),
    ]:
        refused = await client.get(f"{path}?{query}")
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await client.get("/api/cameras/nowhere/snapshot.jpg")).json()["code"] == "camera_not_found"


def _shown(jpeg: bytes) -> int:
    with av.open(io.BytesIO(jpeg)) as container:
        return number_of(next(container.decode(video=0)))
