"""Whatever happened to a file, a folder or a ZIP: a named fault and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.cli import main
from nvr.evidence.package.manifest import MANIFEST_NAME, encode
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from nvr.evidence.verify.report import EXIT_CODES
from nvr.texts import LANGUAGES, words
from storage.format.boxes import children
from tests.evidence.made import Made, archive_of
from tests.nightly import examples

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
# Numbers at which sizes and counts turn over.
EDGES = st.sampled_from([0, 1, 7, 8, 15, 16, 2**16, 2**31 - 1, 2**31, 2**32 - 1])


def told(target: Path) -> int:
    """The command's exit code; what it prints names the fault in both languages, and no fault is one that no check
    foresaw."""
    report = verify(target)
    codes = {finding.code for finding in report.findings}
    assert "not_understood" not in codes, report.findings
    assert all(codes <= set(words(language).findings) for language in LANGUAGES)
    for more in (["--json"], ["--language", "id"], ["--language", "en"]):
        done = CliRunner().invoke(main, ["verify", str(target), *more])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == report.exit_code
        assert done.stdout.strip()
    return report.exit_code


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes as disks, transfers and people leave them: turned, cut, doubled, swapped, filled, in one place
    or several."""
    kinds = ("bit", "cut", "double", "zero", "insert", "edge", "drop", "noise")
    changed = bytearray(data)
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)):
        at = draw(st.integers(0, max(len(changed) - 1, 0)))
        length = draw(st.integers(0, 64) | st.integers(0, len(changed)))
        if kind == "bit" and changed:
            changed[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del changed[at:]
        elif kind == "drop":
            del changed[at : at + length]
        elif kind == "double":
            changed[at:at] = changed[at : at + length]
        elif kind == "zero":
            changed[at : at + length] = bytes(len(changed[at : at + length]))
        elif kind == "insert":
            changed[at:at] = draw(st.binary(max_size=64))
        elif kind == "edge":
            changed[at : at + 4] = struct.pack(">I", draw(EDGES))
        else:
            changed[at : at + 16] = draw(st.binary(min_size=16, max_size=16))
    return bytes(changed)


@given(data=st.data())
@settings(max_examples=examples(25, 5000), deadline=None, suppress_health_check=SLOW)
def test_a_damaged_movie_has_a_named_fault_property(small: Made, tmp_path: Path, data: st.DataObject) -> None:
    """Half of the damage is to what describes the pictures, of which there are few bytes."""
    whole = small.movies[0].read_bytes()
    path = tmp_path / "one.mp4"
    if data.draw(st.booleans()):
        box = data.draw(st.sampled_from([box for box in children(whole, 0, len(whole)) if box.kind != b"mdat"]))
        inner = data.draw(damaged(whole[box.start : box.end]))
        path.write_bytes(whole[: box.start] + inner + whole[box.end :])
    else:
        path.write_bytes(data.draw(damaged(whole)))
    code = told(path)
    assert (code == 0) == (path.read_bytes() == whole)


@given(data=st.data())
@settings(max_examples=examples(15, 5000), deadline=None, suppress_health_check=SLOW)
def test_a_damaged_zip_has_a_named_fault_property(small: Made, tmp_path: Path, data: st.DataObject) -> None:
    path = archive_of(small.path, tmp_path / "one.zip")
    whole = path.read_bytes()
    tail = max(len(whole) - 2500, 0)
    if data.draw(st.booleans()):
        path.write_bytes(whole[:tail] + data.draw(damaged(whole[tail:])))
    else:
        path.write_bytes(data.draw(damaged(whole)))
    code = told(path)
    assert (code == 0) == (path.read_bytes() == whole)


@given(data=st.data())
@settings(max_examples=examples(15, 5000), deadline=None, suppress_health_check=SLOW)
def test_a_damaged_folder_has_a_named_fault_property(small: Made, tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "package"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(small.path, folder)
    names = sorted(path.name for path in folder.iterdir())
    name = data.draw(st.sampled_from([name for name in names if not name.endswith(".mp4")] + names))
    path = folder / name
    before = path.read_bytes()
    what = data.draw(st.sampled_from(["damage", "empty", "gone", "folder", "link", "fifo", "renamed", "odd name"]))
    if what == "damage":
        path.write_bytes(data.draw(damaged(before)))
        assert (told(folder) == 0) == (path.read_bytes() == before)
        return
    path.unlink()
    if what == "empty":
        path.touch()
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("/dev/zero")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "renamed":
        (folder / f"{name}.bak").write_bytes(before)
    elif what == "odd name":
        (folder / os.fsdecode(b"\xff\x1b[2J\n.mp4")).write_bytes(before)
    assert told(folder) != 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:3]):
            found += _places(inner, (*path, number))
    return found


@given(data=st.data())
@settings(max_examples=examples(30, 5000), deadline=None, suppress_health_check=SLOW)
def test_an_odd_manifest_that_is_signed_has_a_named_fault_property(
    small: Made, signer: Signer, tmp_path: Path, data: st.DataObject
) -> None:
    """Signed by whoever wrote it: what stands in it gets as far as it can."""
    folder = tmp_path / "package"
    if not folder.exists():
        shutil.copytree(small.path, folder)
    manifest = json.loads((small.path / MANIFEST_NAME).read_bytes())
    *above, last = data.draw(st.sampled_from(_places(manifest)))
    at = manifest
    for key in above:
        at = at[key]
    at[last] = data.draw(JSON)
    try:
        text = encode(manifest)
    except (ValueError, TypeError, OverflowError):
        text = json.dumps(manifest).encode("utf-8", "surrogatepass")
    (folder / MANIFEST_NAME).write_bytes(text)
    import hashlib

    (folder / "manifest.1.sig").write_bytes(signer.sign(hashlib.sha256(text).digest()))
    told(folder)
    told(archive_of(folder, tmp_path / "odd.zip"))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x05\x06", b"PK\x03\x04", b"[" * 200_000, b"\0" * 4096, bytes(range(256)) * 8]
)
@pytest.mark.parametrize("name", ["x.mp4", "x.zip", "x", "\x1b[2J.mp4"])
def test_what_is_no_export_has_a_named_fault(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert told(tmp_path / name) in EXIT_CODES.values()


def test_what_can_not_be_read_is_named(small: Made, tmp_path: Path) -> None:
    """Those would hang, or never end."""
    os.mkfifo(tmp_path / "fifo")
    folder = tmp_path / "package"
    shutil.copytree(small.path, folder)
    for target in (tmp_path / "fifo", Path("/dev/zero"), tmp_path / "nowhere"):
        done = CliRunner().invoke(main, ["verify", str(target)])
        assert done.exit_code == 1 and str(target) in done.output
    # A certificate that is none, and one that is a folder.
    for wrong in (folder, folder / MANIFEST_NAME, tmp_path / "nowhere"):
        done = CliRunner().invoke(main, ["verify", str(folder), "--certificate", str(wrong)])
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit)


def test_the_name_of_the_folder_in_a_zip_is_covered(small: Made, tmp_path: Path) -> None:
    """It is the first that a reader sees: another camera's, or another day's, in the place of a true one."""
    good = archive_of(small.path, tmp_path / "good.zip")
    assert told(good) == 0
    renamed = archive_of(small.path, tmp_path / "renamed.zip", called="export-20261224T120000.000Z-aaaaaaaa")
    report = verify(renamed)
    assert [(finding.kind, finding.code) for finding in report.findings] == [("modified", "other_folder")]
    assert told(renamed) == EXIT_CODES["modified"]
    # A folder on a disk is called as its owner likes.
    shutil.copytree(small.path, tmp_path / "evidence of the 24th")
    assert told(tmp_path / "evidence of the 24th") == 0
