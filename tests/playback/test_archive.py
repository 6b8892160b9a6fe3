"""Several clips as one ZIP: what unpackers find in it, and that its length is known beforehand."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from nvr.playback import archive as archive_module
from nvr.playback.archive import Archive, Member
from nvr.playback.clip import plan_clips
from nvr.playback.errors import FootageDamaged
from nvr.playback.names import clip_name
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.playback.worlds import decoded


def read(archive: Archive) -> bytes:
    async def collect() -> bytes:
        return b"".join([chunk async for chunk in archive.chunks()])

    return asyncio.run(collect())


def make(studio: Studio) -> tuple[Archive, list[bytes]]:
    one = studio.record(encode("h264", 30), START_US)
    two = studio.record(encode("h265", 30, first=100), one.end_us + 1_000_000, epoch=2, first=100)
    clips = plan_clips(studio.database, studio.cache, CAMERA, START_US, two.end_us)
    contents = [clip.read(0, clip.size - 1) for clip in clips]
    return Archive([Member(clip_name(CAMERA, clip.start_us, clip.end_us), clip) for clip in clips]), contents


@pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 30_000, 100])
def test_unpackers_find_the_clips(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Also beyond the limits of 32 bits, which are lowered here: of the second member's place, and of everything."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    archive, contents = make(studio)
    data = read(archive)
    archive.close()
    assert len(data) == archive.size
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert [found.read(name) for name in found.namelist()] == contents
        assert found.namelist() == [
            "gate-1_20260921T141320.123Z_20260921T141323.123Z.mp4",
            "gate-1_20260921T141324.123Z_20260921T141327.123Z.mp4",
        ]
        assert [info.compress_type for info in found.infolist()] == [zipfile.ZIP_STORED] * 2
        assert found.infolist()[0].date_time == (2026, 9, 21, 14, 13, 20)
    assert [n for content in contents for n, _ in decoded(content)] == [*range(30), *range(100, 130)]
    path = tmp_path / "clips.zip"
    path.write_bytes(data)
    done = subprocess.run(["python3", "-m", "zipfile", "-t", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_same_clips_are_the_same_bytes(studio: Studio) -> None:
    archive, _ = make(studio)
    again = Archive(archive._members)
    assert archive.etag == again.etag
    assert read(archive) == read(again)
    with pytest.raises(ValueError, match="whole"):
        archive.chunks(5)
    archive.close()


def test_a_file_that_shrinks_breaks_the_archive_off(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "CHUNK_BYTES", 1000)
    archive, _ = make(studio)
    path = next(path for path in studio.root.rglob("*.mp4") if path.name.endswith("2-n1.mp4"))
    os.truncate(path, 2000)
    with pytest.raises(FootageDamaged):
        read(archive)
    archive.close()
