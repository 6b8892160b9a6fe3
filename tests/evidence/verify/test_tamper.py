"""Whoever changes a package is told so, with what and where, and the kinds are told apart."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.evidence.package import archive as archives
from nvr.evidence.package.archive import ArchiveEntry, ArchiveLayout, made_s
from nvr.evidence.package.manifest import encode
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import FindingKind, verify
from storage.format.boxes import children
from tests.evidence.made import Made, archive_of, make, name_of
from tests.playback.worlds import World

Copy = Callable[[Made], Path]


def flip(path: Path, at: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def outcome(path: Path) -> str:
    report = verify(path)
    assert (report.exit_code == 0) == (report.outcome == "valid") == (not report.findings)
    return report.outcome


def wheres(path: Path) -> list[tuple[FindingKind, str]]:
    return [(finding.kind, finding.where) for finding in verify(path).findings]


def structural(data: bytes) -> list[int]:
    """Every byte that is not a picture's or a sound's."""
    found: list[int] = []
    for box in children(data, 0, len(data)):
        found += range(box.start, box.payload if box.kind == b"mdat" else box.end)
    return found


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_caught(small: Made, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(small.package.entries))
    at, bit = data.draw(st.integers(0, entry.size - 1)), data.draw(st.integers(0, 7))
    path = small.path / entry.name
    before = path.read_bytes()
    try:
        flip(path, at, bit)
        report = verify(small.path)
        assert report.outcome in ("modified", "malformed")
        assert any(entry.name.split(".")[0] in finding.where for finding in report.findings)
    finally:
        path.write_bytes(before)


def test_any_flipped_bit_of_a_seal_or_a_header_is_caught(small: Made, tmp_path: Path) -> None:
    movie = tmp_path / "one.mp4"
    data = min(small.movies, key=lambda path: path.stat().st_size).read_bytes()
    for number, at in enumerate(structural(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << number % 8
        movie.write_bytes(changed)
        report = verify(movie)
        assert report.outcome in ("modified", "malformed", "unsupported"), at
        assert "byte" in report.findings[0].where


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_an_archive_is_caught(
    small: Made, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = archive_of(small.path, tmp_path_factory.mktemp("zip") / "export.zip")
    assert outcome(path) == "valid"
    files = [ArchiveEntry(p.name, p.stat().st_size, 0) for p in sorted(small.path.iterdir())]
    layout = ArchiveLayout(name_of(small.path), files, made_s(small.path))
    in_heads = [
        at for start, head in zip(layout.offsets, layout.heads, strict=True) for at in range(start, start + len(head))
    ]
    places = st.one_of(
        st.integers(0, layout.size - 1), st.sampled_from(in_heads), st.integers(layout.directory_at, layout.size - 1)
    )
    flip(path, data.draw(places), data.draw(st.integers(0, 7)))
    assert outcome(path) in ("modified", "malformed")


def test_a_changed_picture_is_found_in_its_segment(whole: Made, copy_of: Copy) -> None:
    path = copy_of(whole)
    entry = next(f for f in whole.package.manifest["files"] if len(f.get("segments", ())) > 1)
    segment = entry["segments"][1]
    flip(path / entry["name"], segment["file_bytes"][1] - 10)
    (finding,) = verify(path).findings
    assert (finding.kind, finding.where) == (FindingKind.MODIFIED, entry["name"])
    assert (finding.values["first"], finding.values["last"]) == (segment["file_bytes"][0], segment["file_bytes"][1] - 1)
    assert finding.values["start"] == segment["delivered"]["start"]


@pytest.mark.parametrize("name", ["movie", "statement.pdf", "manifest.1.sig", "manifest.1.der", "manifest.json"])
def test_a_removed_file_is_missing(small: Made, copy_of: Copy, name: str) -> None:
    path = copy_of(small)
    gone = small.movies[0].name if name == "movie" else name
    (path / gone).unlink()
    assert wheres(path) == [(FindingKind.MISSING, gone)]
    assert verify(path).exit_code == 11


def test_an_added_file_is_added(small: Made, copy_of: Copy, tmp_path: Path) -> None:
    path = copy_of(small)
    shutil.copy(small.movies[0], path / "gate-1_another.mp4")
    assert wheres(path) == [(FindingKind.ADDED, "gate-1_another.mp4")]
    assert verify(path).exit_code == 12
    (path / "gate-1_another.mp4").unlink()
    (path / ".hidden").write_text("x")
    (path / "folder").mkdir()
    assert wheres(path) == [(FindingKind.ADDED, ".hidden"), (FindingKind.ADDED, "folder")]
    assert outcome(archive_of(small.path, tmp_path / "a.zip")) == "valid"
    copied = copy_of(small)
    shutil.rmtree(copied / "folder")
    (copied / ".hidden").unlink()
    (copied / "more.txt").write_text("x")
    assert wheres(archive_of(copied, tmp_path / "b.zip")) == [(FindingKind.ADDED, "more.txt")]


def test_swapped_files_are_modified(small: Made, copy_of: Copy) -> None:
    path = copy_of(small)
    a, b = (path / movie.name for movie in small.movies)
    a.rename(path / "x")
    b.rename(a)
    (path / "x").rename(b)
    assert wheres(path) == [(FindingKind.MODIFIED, a.name), (FindingKind.MODIFIED, b.name)]
    assert verify(path).exit_code == 10


def test_an_edited_manifest_is_modified(small: Made, copy_of: Copy) -> None:
    path = copy_of(small)
    manifest = json.loads((path / "manifest.json").read_bytes())
    manifest["request"]["case"] = "LP/2/2026"
    (path / "manifest.json").write_bytes(encode(manifest))
    assert wheres(path) == [(FindingKind.MODIFIED, "manifest.json")]


def test_a_file_struck_from_the_manifest_as_well_is_modified(small: Made, copy_of: Copy) -> None:
    path = copy_of(small)
    manifest = json.loads((path / "manifest.json").read_bytes())
    gone = manifest["files"].pop(0)
    (path / "manifest.json").write_bytes(encode(manifest))
    (path / gone["name"]).unlink()
    assert wheres(path) == [(FindingKind.MODIFIED, "manifest.json")]


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_a_cut_or_longer_file_is_modified_and_alone_malformed(small: Made, copy_of: Copy, count: int) -> None:
    path = copy_of(small)
    movie = path / small.movies[0].name
    data = movie.read_bytes()
    for changed in (data[:-count], data + bytes(count)):
        movie.write_bytes(changed)
        assert wheres(path) == [(FindingKind.MODIFIED, movie.name)]
        assert verify(movie).outcome == "malformed"
    for name in ("manifest.json", "manifest.1.sig", "statement.pdf"):
        movie.write_bytes(data)
        before = (path / name).read_bytes()
        (path / name).write_bytes(before + b"\n")
        assert outcome(path) == "modified"
        (path / name).write_bytes(before)


def test_made_anew_with_another_key(world: World, other_signer: Signer, signer: Signer, tmp_path: Path) -> None:
    forged = make(world, other_signer, tmp_path / "forged")
    report = verify(forged.path, [signer.certificate])
    assert (report.outcome, report.exit_code, report.signer_known) == ("unknown_key", 13, False)
    assert other_signer.certificate.fingerprint in str(report.findings[0].values)
    assert verify(forged.movies[0], [signer.certificate]).outcome == "unknown_key"
    assert verify(forged.path, [signer.certificate, other_signer.certificate]).outcome == "valid"


def test_a_manifest_signed_anew_does_not_fit_the_seals(small: Made, copy_of: Copy, other_signer: Signer) -> None:
    path = copy_of(small)
    manifest = json.loads((path / "manifest.json").read_bytes())
    manifest["signer"]["certificate_sha256"] = other_signer.certificate.fingerprint
    data = encode(manifest)
    (path / "manifest.json").write_bytes(data)
    (path / "manifest.1.sig").write_bytes(other_signer.sign(hashlib.sha256(data).digest()))
    (path / "manifest.1.der").write_bytes(other_signer.certificate.der)
    assert {kind for kind, _ in wheres(path)} == {FindingKind.MODIFIED}
    assert {where for _, where in wheres(path)} == {movie.name for movie in small.movies}


def test_another_certificate_with_the_same_key_is_modified(small: Made, copy_of: Copy) -> None:
    path = copy_of(small)
    der = bytearray((path / "manifest.1.der").read_bytes())
    # Its name: neither key nor signature notice, but the manifest names the certificate.
    at = der.find(b"Test recorder")
    der[at] ^= 0x20
    (path / "manifest.1.der").write_bytes(der)
    assert (FindingKind.MODIFIED, "manifest.1.der") in wheres(path)


def test_links_are_refused(small: Made, copy_of: Copy) -> None:
    path = copy_of(small)
    name = small.movies[0].name
    (path / name).unlink()
    (path / name).symlink_to(small.movies[0])
    report = verify(path)
    assert report.outcome == "malformed"
    assert (FindingKind.MALFORMED, name) in wheres(path)


def test_what_is_not_known_is_unsupported(small: Made, copy_of: Copy, tmp_path: Path, signer: Signer) -> None:
    path = copy_of(small)
    manifest = json.loads((path / "manifest.json").read_bytes())
    manifest["version"] = 2
    data = encode(manifest)
    (path / "manifest.json").write_bytes(data)
    (path / "manifest.1.sig").write_bytes(signer.sign(hashlib.sha256(data).digest()))
    report = verify(path)
    assert (report.outcome, report.exit_code) == ("unsupported", 14)
    indexed = tmp_path / "indexed.mp4"
    indexed.write_bytes(small.movies[0].read_bytes() + struct.pack(">I4sI4sII", 24, b"mfra", 16, b"mfro", 0, 24))
    assert outcome(indexed) == "unsupported"


def test_a_fragment_that_declares_more_samples_than_memory_holds(small: Made, tmp_path: Path) -> None:
    def box(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(payload), kind) + payload

    data = small.movies[0].read_bytes()
    _, moov = itertools.islice(children(data, 0, len(data)), 2)
    # 131,072 samples of no size, by defaults, in 68 bytes.
    tfhd = box(b"tfhd", struct.pack(">IIII", 0x020018, 1, 1, 0))
    traf = box(b"traf", tfhd + box(b"tfdt", bytes(8)) + box(b"trun", struct.pack(">III", 1, 1 << 17, 0)))
    moof = box(b"moof", box(b"mfhd", bytes(8)) + traf * 50_000)
    path = tmp_path / "bomb.mp4"
    path.write_bytes(data[: moov.end] + moof + box(b"mdat", b""))
    report = verify(path)
    assert report.outcome == "malformed"
    assert "50000 parts" in str(report.findings[0].values)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"PK", b"hello, world, this is text", b"\0\0\0\x08ftyp", os.urandom(4096)]
)
def test_other_files_are_malformed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "something"
    path.write_bytes(content)
    report = verify(path)
    assert (report.outcome, report.exit_code) == ("malformed", 15)


# --- Tricks with archives. Each is made of the true one by changing what a lenient reader would put right.


def zip_of(small: Made, tmp_path: Path) -> bytes:
    return archive_of(small.path, tmp_path / "true.zip").read_bytes()


def refused(data: bytes, tmp_path: Path) -> str:
    path = tmp_path / "trick.zip"
    path.write_bytes(data)
    report = verify(path)
    assert report.outcome == "malformed"
    (finding,) = report.findings
    return f"{finding.where}: {finding.values.get('detail')}"


def test_data_before_between_or_behind(small: Made, tmp_path: Path) -> None:
    data = zip_of(small, tmp_path)
    assert refused(b"\0" + data, tmp_path)
    assert refused(data + b"\0", tmp_path)
    assert refused(data[:-1], tmp_path)
    assert refused(data + data, tmp_path)
    # A comment: allowed by the format, and somewhere to hide.
    assert refused(data[:-2] + b"\x04\x00hide", tmp_path)
    assert refused(data[: len(data) // 2], tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up.txt",
        "export-1/../up",
        "export-1/a/b",
        "a\\b",
        "C:evil",
        "export-1/",
        "export-1/.x",
        "x",
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    evil = _with_name(ArchiveLayout("export-1", [ArchiveEntry("a", 0, 0)]), name.encode())
    assert repr(name) in refused(evil, tmp_path)


def _with_name(layout: ArchiveLayout, name: bytes) -> bytes:
    """An archive of one empty file with any name at all, right in every other respect."""
    head, directory = layout.heads[0], layout.end
    old = b"export-1/a"
    head = head[:26] + struct.pack("<H", len(name)) + head[28:].replace(old, name)
    grown = len(name) - len(old)
    central = directory[: directory.index(b"PK\x06\x06")]
    central = central[:28] + struct.pack("<H", len(name)) + central[30:].replace(old, name)
    end64 = bytearray(directory[directory.index(b"PK\x06\x06") :])
    struct.pack_into("<QQ", end64, 40, len(central), len(head))
    struct.pack_into("<Q", end64, 56 + 8, len(head) + len(central))
    assert grown == len(central) - directory.index(b"PK\x06\x06")
    return head + central + bytes(end64)


def test_the_same_name_twice(small: Made, tmp_path: Path) -> None:
    entry = ArchiveEntry("a.txt", 0, 0)
    for other in ("a.txt", "A.TXT"):
        layout = ArchiveLayout("export-1", [entry, ArchiveEntry(other, 0, 0)])
        assert "twice" in refused(b"".join(layout.heads) + layout.end, tmp_path)


def test_compression_links_and_overlap(small: Made, tmp_path: Path) -> None:
    content = b"A" * 1000
    entry = ArchiveEntry("a.txt", len(content), zlib.crc32(content))
    layout = ArchiveLayout("export-1", [entry])
    good = layout.heads[0] + content + layout.end
    central = len(layout.heads[0]) + len(content)

    def changed(at: int, value: bytes) -> bytes:
        return good[:at] + value + good[at + len(value) :]

    assert "compressed" in refused(changed(central + 10, struct.pack("<H", 8)), tmp_path)
    assert "plain file" in refused(changed(central + 38, struct.pack("<I", 0o120777 << 16)), tmp_path)
    # Its header says that it is compressed, the directory that it is not.
    assert "contradicts" in refused(changed(8, struct.pack("<H", 8)), tmp_path)
    # Another size in one of the two places.
    at = good.index(struct.pack("<Q", 1000))
    assert refused(changed(at, struct.pack("<Q", 10**9)), tmp_path)
    # Two entries over the same bytes: sizes that do not add up.
    two = ArchiveLayout("export-1", [entry, replace(entry, name="b.txt")])
    assert refused(layout.heads[0] + content + two.heads[1] + two.end, tmp_path)
    bomb = ArchiveLayout("export-1", [ArchiveEntry("a.txt", 1 << 45, 0)])
    assert refused(bomb.heads[0] + bomb.end, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "_MOST_ENTRIES", 1)
        assert refused(two.heads[0] + content + two.heads[1] + content + two.end, tmp_path)


def test_an_archive_made_by_another_program_is_refused_with_a_reason(small: Made, tmp_path: Path) -> None:
    made = shutil.make_archive(str(tmp_path / "other"), "zip", small.path)
    report = verify(Path(made))
    assert report.outcome == "malformed"
    assert "not written by this program" in report.findings[0].values["detail"]


def test_files_of_an_archive_carry_the_time_at_which_it_was_made(small: Made, tmp_path: Path) -> None:
    """In every reader, and the same each time; another time, or one that is not the manifest's, is no archive of ours.
    One without times, as they were, is good."""
    path = archive_of(small.path, tmp_path / "export.zip")
    assert outcome(path) == "valid" and path.read_bytes() == archive_of(small.path, tmp_path / "2.zip").read_bytes()
    made = datetime.fromtimestamp(made_s(small.path) or 0, UTC)
    with zipfile.ZipFile(path) as opened:
        assert {info.date_time for info in opened.infolist()} == {(*made.timetuple()[:5], made.second // 2 * 2)}
    environment = {**os.environ, "TZ": "Asia/Jakarta"}
    local = made + timedelta(hours=7)
    if shutil.which("zipinfo") is None or shutil.which("unzip") is None:
        pytest.skip("NOT TESTED with unzip, which is not installed here")
    told = subprocess.run(["zipinfo", "-T", path], env=environment, capture_output=True, text=True, check=True).stdout
    assert told.count(f"{local:%Y%m%d.%H%M%S}") == len(list(small.path.iterdir())), told
    subprocess.run(["unzip", "-q", path, "-d", tmp_path / "out"], env=environment, check=True)
    assert {int(file.stat().st_mtime) for file in (tmp_path / "out").rglob("*.mp4")} == {int(made.timestamp())}
    if shutil.which("exiftool") is not None:
        said = subprocess.run(
            ["exiftool", "-ZipModifyDate", path], env=environment, capture_output=True, text=True, check=True
        )
        assert f"{made:%Y:%m:%d %H:%M}" in said.stdout


def test_an_archive_of_another_time_is_malformed_and_one_without_times_is_good(small: Made, tmp_path: Path) -> None:
    made = made_s(small.path)
    assert made is not None
    for other, wanted in ((None, "valid"), (made + 2, "malformed")):
        files = [
            ArchiveEntry(path.name, path.stat().st_size, zlib.crc32(path.read_bytes()))
            for path in sorted(small.path.iterdir())
        ]
        layout = ArchiveLayout(name_of(small.path), files, other)
        parts = zip(layout.heads, sorted(small.path.iterdir()), strict=True)
        path = tmp_path / f"{wanted}.zip"
        path.write_bytes(b"".join(head + file.read_bytes() for head, file in parts) + layout.end)
        assert outcome(path) == wanted
