"""Verifies the files of a package against its manifest, and the manifest against its signatures."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from nvr.evidence.package.archive import is_package_name
from nvr.evidence.package.manifest import FORMAT, MANIFEST_NAME, VERSION, certificate_name, signature_name
from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.signing import ALGORITHM, Certificate, read_certificate
from nvr.evidence.seal.times import folder_name, parse_iso
from nvr.evidence.verify.movie import MovieResult, check_movie
from nvr.evidence.verify.report import Finding, FindingKind, SignatureReport, VerificationReport
from nvr.evidence.verify.sources import PackageSource

__all__ = ["Listed", "Manifest", "check_package", "signed_digest"]

Progress = Callable[[int, int], None]

_LARGEST_MANIFEST_BYTES: Final = 256 << 20
_CHUNK_BYTES: Final = 1 << 20
_SIGNATURE_FILE: Final = re.compile(r"manifest\.([1-9]\d?)\.(sig|der)", re.ASCII)


class _Range(msgspec.Struct):
    start: str
    end: str


class _Segment(msgspec.Struct):
    delivered: _Range
    file_bytes: tuple[int, int]
    file_crc32: str
    matches: bool | None


class Listed(msgspec.Struct):
    """A file as the manifest names it."""

    name: str
    kind: str
    size: int
    sha256: str
    init_sha256: str | None = None
    segments: list[_Segment] = []


class _NotDelivered(msgspec.Struct):
    start: str
    end: str
    code: str
    detail: str


class _Camera(msgspec.Struct):
    id: str
    name: str
    not_delivered: list[_NotDelivered] = []


class _Signer(msgspec.Struct):
    certificate_sha256: str
    algorithm: str


class _Request(msgspec.Struct, frozen=True):
    start: str = ""


class Manifest(msgspec.Struct):
    """What verification needs of a manifest; there is more in it, for people."""

    format: str
    version: int
    signer: _Signer
    files: list[Listed]
    cameras: list[_Camera]
    made: str = ""
    id: str = ""
    request: _Request = _Request()


def signed_digest(manifest: bytes, before: Sequence[tuple[bytes, bytes]], certificate: bytes) -> bytes:
    """What the manifest's next signature is over. The first: the manifest. A counter-signature: the manifest, each
    signature with its certificate ``before`` it, and its own certificate, one behind the other."""
    digest = hashlib.sha256(manifest)
    if before:
        for signature, its_certificate in before:
            digest.update(signature)
            digest.update(its_certificate)
        digest.update(certificate)
    return digest.digest()


def check_package(source: PackageSource, report: VerificationReport, trusted: set[str], progress: Progress) -> None:
    """Checks everything in ``source``; findings go into ``report``.

    Raises:
        OSError: a file can't be read.
    """
    report.files, report.bytes = len(source.sizes), sum(source.sizes.values())
    counter = _Counter(report.bytes, progress)
    if MANIFEST_NAME not in source.sizes:
        report.add(FindingKind.MISSING, MANIFEST_NAME, "no_manifest")
        return
    if source.sizes[MANIFEST_NAME] > _LARGEST_MANIFEST_BYTES:
        report.add(FindingKind.MALFORMED, MANIFEST_NAME, "too_large")
        return
    data = _read(source, MANIFEST_NAME, report, counter)
    manifest, trouble = _decode(data, report)
    expected = None if manifest is None else manifest.signer.certificate_sha256
    certificates, is_complete = _check_signatures(source, report, data, expected, trusted, counter)
    if manifest is None:
        # A manifest that its signature does not fit was changed; what it became does not matter.
        if trouble is not None and not any(f.code == "manifest_signature" for f in report.findings):
            report.findings.append(trouble)
        return
    if manifest.signer.algorithm != ALGORITHM:
        report.add(FindingKind.UNSUPPORTED, MANIFEST_NAME, "algorithm")
    if source.made_s is not None and source.made_s != _made_s(manifest):
        why = "its files carry another time than that at which the package was made"
        report.add(FindingKind.MALFORMED, "the ZIP", "bad_archive", detail=why)
    if source.folder is not None and manifest.id and source.folder != (name := _folder_of(manifest)):
        report.add(FindingKind.MODIFIED, "the ZIP", "other_folder", folder=source.folder, expected=name)
    listed = {file.name: file for file in manifest.files}
    for name, file in listed.items():
        if name not in source.sizes:
            report.add(FindingKind.MISSING, name, "file_missing")
        elif file.kind == "video":
            _check_video(source, report, file, certificates if is_complete else None, counter)
        else:
            _check_file(source, report, file, counter)
    for name in source.sizes:
        if name not in listed and name != MANIFEST_NAME and not _SIGNATURE_FILE.fullmatch(name):
            report.add(FindingKind.ADDED, name, "not_listed")
    _note(report, manifest)


def _made_s(manifest: Manifest) -> int | None:
    try:
        return parse_iso(manifest.made) // 1_000_000
    except ValueError:
        return None


def _folder_of(manifest: Manifest) -> str:
    """The only name that the folder can have in a ZIP: it is the first that a reader sees, and nothing else of the
    package would speak against another."""
    try:
        return folder_name(parse_iso(manifest.request.start), manifest.id)
    except ValueError:
        return ""


class _Counter:
    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self._done = total, progress, 0

    def __call__(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._total)


def _read(source: PackageSource, name: str, report: VerificationReport, counter: _Counter) -> bytes:
    """All of a small file; its CRC-32 is compared with what the archive says."""
    with source.open(name) as file:
        data = b"".join(iter(lambda: file.read(_CHUNK_BYTES), b""))
    counter(len(data))
    said = source.crc32(name)
    if said is not None and zlib.crc32(data) != said:
        report.add(FindingKind.MODIFIED, name, "crc")
    return data


def _decode(data: bytes, report: VerificationReport) -> tuple[Manifest | None, Finding | None]:
    try:
        whole = json.loads(data, object_pairs_hook=_without_doubles)
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            raise ValueError("it is not the manifest of an export")
        if whole.get("version") != VERSION:
            version = str(whole.get("version"))[:20]
            return None, Finding(FindingKind.UNSUPPORTED, MANIFEST_NAME, "manifest_version", {"version": version})
        manifest = msgspec.convert(whole, Manifest)
        names = [file.name.lower() for file in manifest.files]
        if len(set(names)) != len(names):
            raise ValueError("it names a file twice")
        for file in manifest.files:
            is_reserved = file.name == MANIFEST_NAME or _SIGNATURE_FILE.fullmatch(file.name)
            if not is_package_name(file.name) or is_reserved:
                raise ValueError(f"it names a file {file.name!r:.80}, which no package can have")
    except (ValueError, RecursionError) as error:
        return None, Finding(FindingKind.MALFORMED, MANIFEST_NAME, "bad_manifest", {"detail": str(error)[:200]})
    kept = ("id", "made", "software", "unit", "request", "custody", "server_clock_at_export", "operation", "audit_head")
    report.about = {name: whole[name] for name in kept if name in whole}
    return manifest, None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has the same key twice")
    return found


def _check_signatures(
    source: PackageSource,
    report: VerificationReport,
    manifest: bytes,
    expected: str | None,
    trusted: set[str],
    counter: _Counter,
) -> tuple[list[Certificate], bool]:
    """The certificates that are there, in order, up to the first that can't be used, and whether those are all; the
    signatures that hold go into the report."""
    there = sorted({int(found[1]) for name in source.sizes if (found := _SIGNATURE_FILE.fullmatch(name))})
    before: list[tuple[bytes, bytes]] = []
    certificates: list[Certificate] = []
    holds = True
    for number in range(1, max(there, default=1) + 1):
        missing = [name for name in (signature_name(number), certificate_name(number)) if name not in source.sizes]
        for name in missing:
            report.add(FindingKind.MISSING, name, "file_missing")
        if missing:
            return certificates, False
        signature = _read(source, signature_name(number), report, counter)
        der = _read(source, certificate_name(number), report, counter)
        digest = signed_digest(manifest, before, der)
        before.append((signature, der))
        if number == 1 and expected is not None and hashlib.sha256(der).hexdigest() != expected:
            report.add(FindingKind.MODIFIED, certificate_name(1), "other_certificate")
            return certificates, False
        try:
            certificate = read_certificate(der, certificate_name(number))
            if certificate.der != der:
                raise KeyProblem("it is not plain DER")
        except KeyProblem as error:
            report.add(FindingKind.MALFORMED, certificate_name(number), "bad_certificate", detail=str(error))
            return certificates, False
        if not certificate.verifies(digest, signature):
            report.add(FindingKind.MODIFIED, MANIFEST_NAME, "manifest_signature", number=number)
            holds = False
        certificates.append(certificate)
        if holds:
            report.signatures.append(
                SignatureReport(
                    number,
                    certificate.fingerprint,
                    certificate.subject,
                    certificate.not_before_us,
                    certificate.not_after_us,
                    "",
                    certificate.fingerprint in trusted,
                )
            )
    return certificates, True


def _check_file(source: PackageSource, report: VerificationReport, file: Listed, counter: _Counter) -> None:
    digest, crc, size = hashlib.sha256(), 0, 0
    with source.open(file.name) as opened:
        while data := opened.read(_CHUNK_BYTES):
            digest.update(data)
            crc = zlib.crc32(data, crc)
            size += len(data)
            counter(len(data))
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        report.add(FindingKind.MODIFIED, file.name, "hash", size=size, expected_size=file.size)
    elif source.crc32(file.name) not in (None, crc):
        report.add(FindingKind.MODIFIED, file.name, "crc")


def _check_video(
    source: PackageSource,
    report: VerificationReport,
    file: Listed,
    certificates: Sequence[Certificate] | None,
    counter: _Counter,
) -> None:
    boundaries = [segment.file_bytes[1] for segment in file.segments]
    with source.open(file.name) as opened:
        result = check_movie(opened, source.sizes[file.name], boundaries=boundaries, progress=counter)
    as_exported = (result.first_size, result.first_sha256)
    if result.first_sha256 is None:
        # Without a seal there is no telling what was added later.
        as_exported = (result.size, result.sha256)
    trouble = result.trouble
    if as_exported != (file.size, file.sha256):
        report.add(FindingKind.MODIFIED, file.name, "video_modified", **_where(file, result))
    elif trouble is not None:
        # What was exported is in order, so it is a later signature or what follows.
        report.add(trouble.kind, f"{file.name}, byte {trouble.at}", trouble.code, detail=trouble.detail)
    elif certificates is not None and [c.der for c in result.certificates] != [c.der for c in certificates]:
        have, need = len(result.certificates), len(certificates)
        kind = FindingKind.MISSING if have < need else FindingKind.ADDED if have > need else FindingKind.MODIFIED
        report.add(kind, file.name, "other_signatures", have=have, need=need)
    elif source.crc32(file.name) not in (None, result.crc32):
        report.add(FindingKind.MODIFIED, file.name, "crc")
    elif result.meta is not None:
        remarks = [signature.remark for signature in result.meta.signatures]
        for signed, remark in zip(report.signatures, remarks, strict=False):
            if remark and not signed.remark:
                report.signatures[signed.number - 1] = replace(signed, remark=remark)


def _where(file: Listed, result: MovieResult) -> Mapping[str, Any]:
    """The first place at which the file differs, as far as the running CRC-32s tell."""
    trouble = result.trouble
    detail = "" if trouble is None else f"{trouble.code}: {trouble.detail} (byte {trouble.at})"
    values = {"size": result.size, "expected_size": file.size, "detail": detail}
    if result.init_sha256 != file.init_sha256:
        first = file.segments[0].file_bytes[0] if file.segments else file.size
        return {"first": 0, "last": first - 1, "start": "-", "end": "-", **values}
    for segment in file.segments:
        begin, end = segment.file_bytes
        crc = result.crcs.get(end)
        if crc is None or f"{crc:08x}" != segment.file_crc32:
            return {
                "first": begin,
                "last": end - 1,
                "start": segment.delivered.start,
                "end": segment.delivered.end,
                **values,
            }
    seal = file.segments[-1].file_bytes[1] if file.segments else 0
    return {"first": seal, "last": max(result.size, file.size) - 1, "start": "-", "end": "-", **values}


def _note(report: VerificationReport, manifest: Manifest) -> None:
    for file in manifest.files:
        for segment in file.segments:
            if segment.matches is False:
                report.notes.append(
                    (file.name, "not_as_recorded", {"start": segment.delivered.start, "end": segment.delivered.end})
                )
    for camera in manifest.cameras:
        for lost in camera.not_delivered:
            values = {"start": lost.start, "end": lost.end, "detail": lost.detail}
            report.notes.append((camera.id, "not_delivered", values))
