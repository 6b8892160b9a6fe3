"""Several clips as one ZIP: what unpackers find in it, and that its length is known beforehand."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from nvr.playback.clip import archive as archive_module
from nvr.playback.clip.archive import ClipArchive, ClipMember
from nvr.playback.clip.clip import Clip, plan_clips
from nvr.playback.errors import ArchiveChanged, FootageDamaged
from nvr.playback.hls.names import clip_name
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.playback.worlds import decoded


def read(archive: ClipArchive) -> bytes:
    async def collect() -> bytes:
        return b"".join([chunk async for chunk in archive.chunks()])

    return asyncio.run(collect())


def make(studio: Studio) -> tuple[ClipArchive, list[bytes]]:
    one = studio.record(encode("h264", 30), START_US)
    two = studio.record(encode("h265", 30, first=100), one.end_us + 1_000_000, epoch=2, first=100)
    clips = plan_clips(studio.database, studio.cache, CAMERA, START_US, two.end_us)
    contents = [clip.read(0, clip.size - 1) for clip in clips]
    return ClipArchive([ClipMember(clip_name(CAMERA, clip.start_us, clip.end_us), clip) for clip in clips]), contents


JAVA = """
import java.io.*; import java.util.zip.*;
public class Unpack { public static void main(String[] a) throws IOException {
  try (ZipInputStream z = new ZipInputStream(new BufferedInputStream(System.in))) {
    for (ZipEntry e; (e = z.getNextEntry()) != null;) {
      long size = z.transferTo(OutputStream.nullOutputStream());
      System.out.println(e.getName() + " " + size + " " + e.getLastModifiedTime().toMillis() / 1000); } } } }
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java here: apt-get install default-jdk-headless")
def test_java_reads_it_as_a_stream(studio: Studio, tmp_path: Path) -> None:
    archive, contents = make(studio)
    data = read(archive)
    archive.close()
    (tmp_path / "Unpack.java").write_text(JAVA)
    done = subprocess.run(["java", str(tmp_path / "Unpack.java")], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    assert [int(size) for _, size, _ in rows] == [len(content) for content in contents]
    assert int(rows[0][2]) == START_US // 1_000_000


def test_sizes_and_checksums_stand_in_front(studio: Studio) -> None:
    archive, contents = make(studio)
    data = read(archive)
    archive.close()
    at = 0
    for content in contents:
        mark, _, flags, method, _, _, crc, packed, size, name, extra = struct.unpack_from("<IHHHHHIIIHH", data, at)
        assert (mark, flags & 8, method) == (0x04034B50, 0, 0)
        assert (crc, packed, size) == (zlib.crc32(content), len(content), len(content))
        at += 30 + name + extra
        assert data[at : at + size] == content
        at += size
    assert data[at : at + 4] == b"PK\x01\x02"


def test_what_reads_otherwise_the_second_time_is_broken_off(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, _ = make(studio)
    whole, calls = Clip.read, itertools.count()

    def read_otherwise(self: Clip, first: int, last: int) -> bytes:
        data = whole(self, first, last)
        return data if next(calls) == 0 else bytes([data[0] ^ 1]) + data[1:]

    monkeypatch.setattr(Clip, "read", read_otherwise)
    with pytest.raises(ArchiveChanged):
        read(archive)
    archive.close()


@pytest.mark.parametrize("limit", [archive_module._LIMIT, 30_000, 100])
def test_unpackers_find_the_clips(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Also beyond the limits of 32 bits, which are lowered here: of the second member's place, and of everything."""
    monkeypatch.setattr(archive_module, "_LIMIT", limit)
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
    again = ClipArchive(archive._members)
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
