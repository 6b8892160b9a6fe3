"""A second person's signature on a package: on each of its MP4s and on its manifest.

Nothing that was signed changes: each MP4's seal gets longer at its end, and the manifest a second signature file. What
is counter-signed is verified first. Invariant: a folder that has its name holds either the old or the new state of
every file, and ``verify`` says which is missing if a crash left some of each.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from nvr.evidence.package.manifest import MANIFEST_NAME, certificate_name, signature_name
from nvr.evidence.seal.errors import EvidenceError
from nvr.evidence.seal.oeff import append_signature
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import VerificationReport, verify
from nvr.evidence.verify.package import signed_digest
from storage.durable_files import new_file
from storage.sentences import Sentence

__all__ = ["NotVerified", "countersign", "countersign_movie"]

_CHUNK_BYTES: Final = 1 << 20

Progress = Callable[[int, int], None]


class NotVerified(EvidenceError):
    """What is to be counter-signed does not verify; ``report`` says why."""

    def __init__(self, report: VerificationReport) -> None:
        super().__init__(f"it does not verify ({report.outcome}), so it is not counter-signed")
        self.report = report


def countersign(
    package: Path, signer: Signer, *, remark: str = "", progress: Progress = lambda done, total: None
) -> int:
    """Adds a signature to the package in the folder ``package``, or to a single MP4; returns the signature's number.

    Raises:
        NotVerified: it does not verify as it is.
        EvidenceError: this key has signed it before, or it is a ZIP.
        OSError: the disk does not take it.
    """
    report = verify(package, progress=progress)
    if report.outcome != "valid":
        raise NotVerified(report)
    if report.form == "zip":
        raise EvidenceError(
            Sentence("a ZIP can't be signed where it is: extract it, counter-sign the folder, then zip that")
        )
    if any(signature.fingerprint == signer.certificate.fingerprint for signature in report.signatures):
        raise EvidenceError(Sentence("this key has signed it already; a second signature must be a second person's"))
    number = len(report.signatures) + 1
    if report.form == "mp4":
        countersign_movie(package, signer, remark=remark)
        return number
    for movie in sorted(package.glob("*.mp4")):
        countersign_movie(movie, signer, remark=remark)
    before = [
        ((package / signature_name(each)).read_bytes(), (package / certificate_name(each)).read_bytes())
        for each in range(1, number)
    ]
    digest = signed_digest((package / MANIFEST_NAME).read_bytes(), before, signer.certificate.der)
    _write(package / certificate_name(number), signer.certificate.der)
    _write(package / signature_name(number), signer.sign(digest))
    return number


def countersign_movie(path: Path, signer: Signer, *, remark: str = "") -> None:
    """Adds a signature to one sealed MP4, whose seal has been verified. It is replaced by a copy when that is whole."""
    new = path.with_name(f".{path.name}.new")
    try:
        shutil.copy2(path, new)
        with new.open("r+b") as file:
            start = _seal_at(file)
            file.seek(start)
            meta, at = append_signature(file.read(), signer.certificate.der, signer.certificate.signature_bytes, remark)
            file.seek(0)
            digest = hashlib.sha256()
            left = start
            while left:
                data = file.read(min(left, _CHUNK_BYTES))
                digest.update(data)
                left -= len(data)
            digest.update(meta)
            signature = signer.sign(digest.digest())
            file.seek(start)
            file.write(meta[:at] + signature + meta[at + len(signature) :])
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _seal_at(file: BinaryIO) -> int:
    """Where the last top-level box begins: the seal, as was verified."""
    size = file.seek(0, os.SEEK_END)
    at = last = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:
            raise EvidenceError(Sentence("the file is not built of boxes"))
        last, at = at, at + length
    return last


def _write(path: Path, data: bytes) -> None:
    with new_file(path) as file:
        file.write(data)
