"""A second person signs what the first one exported; both signatures are checked, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.evidence.making.countersign import NotVerified, countersign
from nvr.evidence.seal.errors import EvidenceError
from nvr.evidence.seal.signing import Signer, make_signer
from nvr.evidence.verify import FindingKind, verify
from tests.evidence.conftest import NOW_US
from tests.evidence.made import Made, archive_of
from tests.evidence.verify.test_tamper import flip, structural, wheres
from tests.playback.worlds import ffmpeg_complaints

Copy = Callable[[Made], Path]


@pytest.fixture
def signed(small: Made, copy_of: Copy, other_signer: Signer) -> Path:
    path = copy_of(small)
    assert countersign(path, other_signer, remark="Kasat Reskrim") == 2
    return path


def test_both_are_checked_and_either_may_be_trusted(
    signed: Path, small: Made, signer: Signer, other_signer: Signer, tmp_path: Path
) -> None:
    for trusted in (signer, other_signer):
        report = verify(signed, [trusted.certificate])
        assert report.outcome == "valid"
        assert [s.known for s in report.signatures] == [trusted is signer, trusted is other_signer]
    assert [s.fingerprint for s in report.signatures] == [
        signer.certificate.fingerprint,
        other_signer.certificate.fingerprint,
    ]
    assert [s.remark for s in report.signatures] == ["", "Kasat Reskrim"]
    assert (signed / "manifest.json").read_bytes() == (small.path / "manifest.json").read_bytes()
    for movie in signed.glob("*.mp4"):
        assert len(verify(movie).signatures) == 2
        assert ffmpeg_complaints(movie) == ""
    assert verify(archive_of(signed, tmp_path / "a.zip"), [other_signer.certificate]).outcome == "valid"


def test_a_third(signed: Path, other_signer: Signer) -> None:
    third = make_signer("Third", now_us=NOW_US, bits=2048)
    assert countersign(signed, third) == 3
    report = verify(signed, [third.certificate])
    assert [s.known for s in report.signatures] == [False, False, True]
    with pytest.raises(EvidenceError, match="signed it already"):
        countersign(signed, other_signer)


def test_any_change_to_any_signature_is_caught(signed: Path, small: Made) -> None:
    movie = min(signed.glob("*.mp4"), key=lambda path: path.stat().st_size)
    data = movie.read_bytes()
    before = (small.path / movie.name).stat().st_size
    for number, at in enumerate([*structural(data)[::9], *range(before, len(data), 7)]):
        changed = bytearray(data)
        changed[at] ^= 1 << number % 8
        movie.write_bytes(changed)
        assert verify(movie).outcome in ("modified", "malformed", "unsupported"), at
    movie.write_bytes(data)
    for name in ("manifest.2.sig", "manifest.2.der", "manifest.1.sig"):
        kept = (signed / name).read_bytes()
        for at in range(0, len(kept), 31):
            flip(signed / name, at)
            assert verify(signed).outcome in ("modified", "malformed"), (name, at)
            (signed / name).write_bytes(kept)


def test_a_signature_that_was_taken_off_is_told(signed: Path, small: Made) -> None:
    name = small.movies[0].name
    with_both = (signed / name).read_bytes()
    (signed / name).write_bytes((small.path / name).read_bytes())
    assert wheres(signed) == [(FindingKind.MISSING, name)]
    (signed / name).write_bytes(with_both)
    (signed / "manifest.2.sig").unlink()
    assert wheres(signed) == [(FindingKind.MISSING, "manifest.2.sig")]
    (signed / "manifest.2.der").unlink()
    assert {kind for kind, _ in wheres(signed)} == {FindingKind.ADDED}


def test_what_does_not_verify_is_not_signed(small: Made, copy_of: Copy, other_signer: Signer, tmp_path: Path) -> None:
    path = copy_of(small)
    manifest = json.loads((path / "manifest.json").read_bytes())
    manifest["made"] = "2020-01-01T00:00:00.000000Z"
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NotVerified, match="modified"):
        countersign(path, other_signer)
    assert len(verify(next(path.glob("*.mp4"))).signatures) == 1
    with pytest.raises(EvidenceError, match="extract it"):
        countersign(archive_of(small.path, tmp_path / "a.zip"), other_signer)
