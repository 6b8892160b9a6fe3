"""Verifies a package or a single sealed MP4, whichever the target is.

Invariant: ``valid`` means that every byte of every file of the target is covered by a signature that holds, or by a
hash or a form that a signed manifest or this program demands.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nvr.evidence.package.archive import Archive, ArchiveError
from nvr.evidence.seal.signing import Certificate
from nvr.evidence.seal.times import iso
from nvr.evidence.verify.movie import MovieResult, check_movie
from nvr.evidence.verify.package import check_package
from nvr.evidence.verify.report import FindingKind, SignatureReport, VerificationReport
from nvr.evidence.verify.sources import ArchiveSource, FolderSource

__all__ = ["verify"]

Progress = Callable[[int, int], None]


def verify(
    target: Path, certificates: Sequence[Certificate] = (), *, progress: Progress = lambda done, total: None
) -> VerificationReport:
    """Verifies ``target``: a package's folder, its ZIP, or one MP4. ``certificates`` are those that are trusted;
    without any, what holds may have been signed by anybody, and the report says so. ``progress`` is told bytes done and
    in all.

    Raises:
        OSError: the target, or a file of it, can't be read at all.
    """
    trusted = {certificate.fingerprint for certificate in certificates}
    if not (target.is_dir() or target.is_file() or not target.exists()):
        raise OSError(errno.EINVAL, "it is no file and no folder", str(target))
    if target.is_dir():
        report = VerificationReport(str(target), "directory", bool(trusted))
        with _damage(report, target.name):
            check_package(FolderSource(target, report), report, trusted, progress)
    else:
        with target.open("rb") as file:
            report = _check_file(file, target, trusted, progress)
    if trusted and report.signatures and not report.signer_known and report.outcome == "valid":
        report.add(
            FindingKind.UNKNOWN_KEY,
            report.signatures[0].subject,
            "unknown_key",
            fingerprint=report.signatures[0].fingerprint,
        )
    return report


def _check_file(file: BinaryIO, target: Path, trusted: set[str], progress: Progress) -> VerificationReport:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(4)
    file.seek(max(size - 22, 0))
    is_zip = start == b"PK\x03\x04" or file.read(4) == b"PK\x05\x06" or target.suffix.lower() == ".zip"
    report = VerificationReport(str(target), "zip" if is_zip else "mp4", bool(trusted))
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress(done, size)

    with _damage(report, target.name):
        if is_zip:
            try:
                check_package(ArchiveSource(Archive.of_file(file)), report, trusted, progress)
            except ArchiveError as error:
                report.add(FindingKind.MALFORMED, error.where, "bad_archive", detail=error.why)
        else:
            file.seek(0)
            _check_single(check_movie(file, size, progress=tell), report, trusted, target.name)
    return report


@contextmanager
def _damage(report: VerificationReport, name: str) -> Iterator[None]:
    """Whoever damages a package must not get a program that falls over in the place of a verdict: what no check has
    foreseen is damage too."""
    try:
        yield
    except (ArithmeticError, AssertionError, BufferError, LookupError, MemoryError, RecursionError) as error:
        report.add(FindingKind.MALFORMED, name, "not_understood", detail=type(error).__name__)
    except (AttributeError, TypeError, ValueError, struct.error) as error:
        report.add(FindingKind.MALFORMED, name, "not_understood", detail=type(error).__name__)


def _check_single(result: MovieResult, report: VerificationReport, trusted: set[str], name: str) -> None:
    report.files, report.bytes = 1, result.size
    if result.trouble is not None:
        trouble = result.trouble
        report.add(trouble.kind, f"{name}, byte {trouble.at}", trouble.code, detail=trouble.detail)
        return
    assert result.meta is not None
    unit = result.meta.unit
    report.about = {
        "unit": unit.name,
        "operator": unit.operator,
        "made": iso(unit.time_s * 1_000_000),
        "media_time_zero": iso(result.meta.start_us),
        "sources": [source.name for source in unit.sources],
        "sha256": result.sha256,
    }
    for number, (certificate, signature) in enumerate(zip(result.certificates, result.meta.signatures, strict=True), 1):
        report.signatures.append(
            SignatureReport(
                number,
                certificate.fingerprint,
                certificate.subject,
                certificate.not_before_us,
                certificate.not_after_us,
                signature.remark,
                certificate.fingerprint in trusted,
            )
        )
