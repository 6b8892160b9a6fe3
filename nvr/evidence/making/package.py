"""Makes a package: a folder of sealed MP4s, a statement, and a signed manifest that names all of them.

``plan_export`` says what there is and how large it will be; ``make_package`` copies. It works in ``<destination>.part``
and notes each finished file beside it, so that an export that was interrupted goes on behind the last one. Invariant: a
folder that has its final name is a whole package, which was read back: it verifies as a stranger would verify it, and
its footage is that of the recorded files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from nvr.cases.exports import CheckOutcome
from nvr.config import redact
from nvr.evidence.making.readback import read_back
from nvr.evidence.package.archive import ArchiveEntry, PackageArchive
from nvr.evidence.package.clocks import server_clock
from nvr.evidence.package.copying import CopiedPart, SealedFile, write_sealed
from nvr.evidence.package.manifest import (
    MANIFEST_NAME,
    STATEMENT_NAME,
    certificate_name,
    encode,
    file_entry,
    make_manifest,
    signature_name,
    video_entry,
)
from nvr.evidence.package.plan import CameraPlan, FilePlan, plan_camera
from nvr.evidence.package.request import ExportRequest, Unit
from nvr.evidence.package.verifier import VERIFIER_NAME, verifier_page
from nvr.evidence.seal.errors import ExportRefused, NothingToExport, SourceChanged, WronglyWritten
from nvr.evidence.seal.oeff import ExportUnit, SealSource
from nvr.evidence.seal.signing import Signer
from nvr.evidence.seal.times import folder_name
from nvr.evidence.verify import verify
from nvr.playback.errors import FootageGone
from nvr.playback.index_cache import IndexCache, OpenSegment
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.disk.files import FILES
from storage.format.boxes import Track
from storage.sentences import Sentence, joined

__all__ = [
    "ExportPlan",
    "Package",
    "make_package",
    "package_name",
    "plan_export",
    "remove_package",
    "to_archive",
    "work_bytes",
]

# Statement, manifest, signatures, and what seals a file.
_OVERHEAD_BYTES: Final = 2 << 20
_SEAL_BYTES: Final = 16 << 10

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export will hold; ``bytes`` is how large it will be, rounded up a little."""

    request: ExportRequest
    cameras: tuple[CameraPlan, ...]

    @property
    def files(self) -> list[FilePlan]:
        """All MP4s, camera by camera."""
        return [file for camera in self.cameras for file in camera.files]

    @property
    def bytes(self) -> int:
        """Bytes on the disk."""
        return _OVERHEAD_BYTES + sum(file.bytes + len(file.init.data) + _SEAL_BYTES for file in self.files)


@dataclass(frozen=True, slots=True)
class Package:
    """A finished package. ``warnings`` say what its reader must know: footage that is not what was recorded, or could
    not be delivered."""

    path: Path
    entries: tuple[ArchiveEntry, ...]
    manifest: Mapping[str, Any]
    warnings: tuple[Sentence, ...]


def package_name(request: ExportRequest) -> str:
    """The name of a package's folder and archive."""
    return folder_name(request.start_us, request.id)


def plan_export(database: Database, cache: IndexCache, request: ExportRequest, *, now_us: int) -> ExportPlan:
    """Plans an export.

    Raises:
        ExportRefused: it can't be; ``NothingToExport``: there is no footage at all.
        SourceChanged: there is some, and none of it can be read.
    """
    complaints = request.complaints()
    if complaints:
        raise ExportRefused(joined(complaints))
    cameras = tuple(
        plan_camera(database, cache, camera, request.start_us, request.end_us, now_us=now_us)
        for camera in request.cameras
    )
    plan = ExportPlan(request, cameras)
    problems = [problem for camera in cameras for problem in camera.problems]
    if not plan.files and problems:
        raise SourceChanged(
            Sentence("none of what was recorded of the range can be exported: {why}", why=problems[0].detail)
        )
    if not plan.files:
        raise NothingToExport(Sentence("nothing of the range was recorded; nvr gaps says why"))
    names = [file.name for file in plan.files]
    if len(set(names)) != len(names):
        raise ExportRefused(
            Sentence("two stretches of footage would get the same name; export the cameras or hours one by one")
        )
    return plan


def make_package(
    plan: ExportPlan,
    cache: IndexCache,
    signer: Signer,
    unit: Unit,
    destination: Path,
    *,
    progress: Progress = lambda done, total: None,
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> Package:
    """Makes the package in the folder ``destination``, which must not exist. ``progress`` is told bytes done and in all
    (see ``work_bytes``), and may raise.

    Raises:
        ExportRefused: the folder exists.
        SourceChanged: footage could not be read to the end.
        WronglyWritten: what was read back is not what was recorded.
        OSError: the disk does not take it.
    """
    if destination.exists():
        raise ExportRefused(Sentence("{path} exists: an export never replaces anything", path=str(destination)))
    work, notes_path = _work(destination)
    work.mkdir(mode=0o750, parents=True, exist_ok=True)
    began_us = now_us()
    urls = {camera.camera: redact(camera.url) for camera in plan.cameras}
    total, done = work_bytes(plan), 0
    notes = _Notes(notes_path, signer)
    sealed: list[SealedFile] = []
    for camera in plan.cameras:
        for file in camera.files:
            before = done

            def tell(count: int) -> None:
                nonlocal done
                done += count
                progress(done, total)

            finished = notes.find(file, work / file.name)
            if finished is None:
                describe = _describing(plan.request, unit, camera, urls[camera.camera], began_us)
                finished = write_sealed(work / file.name, file, cache, signer, describe, progress=tell)
                notes.add(file, finished)
            sealed.append(finished)
            done = before + file.bytes
            progress(done, total)
    package = _finish(plan, signer, unit, work, sealed, urls, now_us())
    _check(package, plan, cache, signer, lambda count, whole: progress(done + done * count // max(whole, 1), total))
    notes_path.unlink(missing_ok=True)
    work.rename(destination)
    FILES.sync_folder(destination.parent)
    return replace(package, path=destination)


def work_bytes(plan: ExportPlan) -> int:
    """How much there is to do, as progress is told: each byte is copied, and read back."""
    return 2 * sum(file.bytes for file in plan.files)


def _work(destination: Path) -> tuple[Path, Path]:
    """The folder in which a package is made, and the notes beside it."""
    return destination.with_name(f"{destination.name}.part"), destination.with_name(f"{destination.name}.part.json")


def remove_package(destination: Path) -> None:
    """Removes a package, finished or not, and what was noted of it."""
    work, notes = _work(destination)
    for path in (destination, work):
        shutil.rmtree(path, ignore_errors=True)
    for path in (notes, notes.with_suffix(".new")):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _check(package: Package, plan: ExportPlan, cache: IndexCache, signer: Signer, progress: Progress) -> None:
    """Raises ``WronglyWritten`` unless the package, read back, is what was recorded; ``SourceChanged`` if that can't be
    told."""
    known = {part.piece.segment.key: part.piece.segment for file in plan.files for part in file.parts}

    def find(key: Key) -> OpenSegment:
        if key not in known:
            raise FootageGone(key)
        return cache.open(known[key])

    found = read_back(package.path, find, [signer.certificate], progress=progress)
    copied = sum(file.bytes for file in plan.files)
    if found.outcome is not CheckOutcome.GOOD or found.compared_bytes != copied:
        some = Sentence(
            "{compared} of {all} bytes of footage could be compared", compared=found.compared_bytes, all=copied
        )
        why = joined(found.details) if found.details else some
        if found.outcome is CheckOutcome.PARTLY:
            raise SourceChanged(
                Sentence("it can't be compared with what was recorded, so it is not handed out: {why}", why=why)
            )
        raise WronglyWritten(
            Sentence("what was written is not what was recorded, so it is not handed out: {why}", why=why)
        )


def _describing(
    request: ExportRequest, unit: Unit, camera: CameraPlan, url: str, began_us: int
) -> Callable[[Sequence[Track]], ExportUnit]:
    # The reference player loses its place at a name of one letter.
    name = camera.name if len(camera.name.encode()) > 1 else f"{camera.name} ({camera.camera})"

    def describe(tracks: Sequence[Track]) -> ExportUnit:
        sources = tuple(SealSource(track.track_id, name, url, line=camera.camera) for track in tracks)
        return ExportUnit(unit.name, began_us // 1_000_000, request.operator, sources)

    return describe


def _finish(
    plan: ExportPlan,
    signer: Signer,
    unit: Unit,
    work: Path,
    sealed: Sequence[SealedFile],
    urls: Mapping[str, str],
    made_us: int,
) -> Package:
    entries = [ArchiveEntry(file.name, file.size, file.crc32) for file in sealed]
    described = [video_entry(file, done) for file, done in zip(plan.files, sealed, strict=True)]

    def manifest(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return make_manifest(
            plan.request,
            unit,
            signer.certificate,
            plan.cameras,
            files,
            urls=urls,
            clock=server_clock(),
            made_us=made_us,
        )

    def write(name: str, data: bytes) -> None:
        with (work / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        entries.append(ArchiveEntry(name, len(data), zlib.crc32(data)))

    # Its library is half a second of a start, which most starts do not need.
    from nvr.evidence.package.statement import first_picture, make_statement

    stills = {camera.camera: first_picture(work / camera.files[0].name) for camera in plan.cameras if camera.files}
    statement = make_statement(manifest(described), stills)
    write(STATEMENT_NAME, statement)
    described.append(file_entry(STATEMENT_NAME, "statement", len(statement), hashlib.sha256(statement).hexdigest()))
    page = verifier_page()
    if page is not None:
        write(VERIFIER_NAME, page)
        described.append(file_entry(VERIFIER_NAME, "verifier", len(page), hashlib.sha256(page).hexdigest()))
    whole = manifest(described)
    data = encode(whole)
    write(MANIFEST_NAME, data)
    write(signature_name(1), signer.sign(hashlib.sha256(data).digest()))
    write(certificate_name(1), signer.certificate.der)
    expected = {entry.name for entry in entries}
    for path in work.iterdir():
        # Left by an attempt that was planned otherwise.
        if path.name not in expected:
            path.unlink() if not path.is_dir() else shutil.rmtree(path)
    FILES.sync_folder(work)
    return Package(work, tuple(entries), whole, tuple(_warnings(plan, sealed)))


def to_archive(package: Package) -> Package:
    """Turns the package's folder into a ZIP beside it, which only its maker can read.

    Raises:
        WronglyWritten: what was read back is not what was written.
        OSError: the disk does not take it.
    """
    path = package.path.with_name(f"{package.path.name}.zip")
    new = path.with_name(f"{path.name}.part")
    archive = PackageArchive(package.path, package.path.name, package.entries)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            for block in archive.blocks():
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        report = verify(new)
        if report.outcome != "valid":
            raise WronglyWritten(
                Sentence(
                    "the ZIP, read back, is {outcome}: the folder {path} is good",
                    outcome=str(report.outcome),
                    path=str(package.path),
                )
            )
        new.rename(path)
        FILES.sync_folder(path.parent)
    finally:
        archive.close()
        new.unlink(missing_ok=True)
    shutil.rmtree(package.path)
    return replace(package, path=path)


def _warnings(plan: ExportPlan, sealed: Sequence[SealedFile]) -> list[Sentence]:
    found = []
    for file in sealed:
        for copied in file.parts:
            if copied.matches is False:
                path = copied.part.piece.segment.relative_path
                text = Sentence(
                    "{file}: the recorded file {path} is not what it was when it was recorded",
                    file=file.name,
                    path=path,
                )
                found.append(text)
    for camera in plan.cameras:
        found += [
            Sentence("{camera}: not delivered: {why}", camera=camera.camera, why=problem.detail)
            for problem in camera.problems
        ]
    return found


class _Notes:
    """Which files of an interrupted export are finished. They count only for the same footage and the same key."""

    def __init__(self, path: Path, signer: Signer) -> None:
        self._path = path
        self._key = signer.certificate.fingerprint
        self._notes: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            self._notes = json.loads(path.read_text(encoding="utf-8"))

    def _identity(self, file: FilePlan) -> list[Any]:
        return [self._key, *([repr(part.piece.segment.key), part.begin, part.end] for part in file.parts)]

    def find(self, file: FilePlan, path: Path) -> SealedFile | None:
        """The finished file, if it is there."""
        note = self._notes.get(file.name)
        if note is None or note["identity"] != self._identity(file) or not path.is_file():
            return None
        if path.stat().st_size != note["size"]:
            return None
        parts = tuple(CopiedPart(part, *values) for part, values in zip(file.parts, note["parts"], strict=True))
        return SealedFile(file.name, note["size"], note["sha256"], note["crc32"], note["zero_us"], parts)

    def add(self, file: FilePlan, done: SealedFile) -> None:
        """Notes a finished file."""
        self._notes[file.name] = {
            "identity": self._identity(file),
            "size": done.size,
            "sha256": done.sha256,
            "crc32": done.crc32,
            "zero_us": done.zero_us,
            "parts": [
                [part.begin, part.end, part.crc32, part.recorded_sha256, part.read_sha256, part.matches]
                for part in done.parts
            ],
        }
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps(self._notes), encoding="utf-8")
            new.replace(self._path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
