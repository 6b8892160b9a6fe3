"""Makes a package: a folder of sealed MP4s, a statement, and a signed manifest that names all of them.

``make_package`` copies what was planned (``planning``). It works in ``<destination>.part`` and notes each finished file
beside it, so that an export that was interrupted goes on behind the last one. Invariant: a folder that has its final
name is a whole package, which was read back: it verifies as a stranger would verify it, and its footage is that of the
recorded files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nvr.cases.exports import CheckOutcome
from nvr.config import redact
from nvr.evidence.making.notes import Notes
from nvr.evidence.making.planning import ExportPlan, work_bytes
from nvr.evidence.making.readback import read_back
from nvr.evidence.package.archive import ArchiveEntry
from nvr.evidence.package.clocks import server_clock
from nvr.evidence.package.copying import SealedFile, write_sealed
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
from nvr.evidence.package.plan import CameraPlan
from nvr.evidence.package.request import ExportRequest, Unit
from nvr.evidence.package.verifier import VERIFIER_NAME, verifier_page
from nvr.evidence.seal.errors import ExportRefused, SourceChanged, WronglyWritten
from nvr.evidence.seal.oeff import ExportUnit, SealSource
from nvr.evidence.seal.signing import Signer
from nvr.playback.errors import FootageGone
from nvr.playback.index_cache import IndexCache, OpenSegment
from storage.catalogue.segments import Key
from storage.disk.files import FILES
from storage.format.boxes import Track
from storage.sentences import Sentence, joined

__all__ = [
    "Package",
    "make_package",
    "remove_package",
]


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Package:
    """A finished package. ``warnings`` say what its reader must know: footage that is not what was recorded, or could
    not be delivered."""

    path: Path
    entries: tuple[ArchiveEntry, ...]
    manifest: Mapping[str, Any]
    warnings: tuple[Sentence, ...]


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
    notes = Notes(notes_path, signer)
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
