"""Making packages for tests, and their archives."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from nvr.evidence.making.package import Package, make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.package.archive import ArchiveEntry, PackageArchive
from nvr.evidence.package.request import ExportRequest, Unit, new_export_id
from nvr.evidence.seal.signing import Signer
from nvr.evidence.seal.times import folder_name, parse_iso
from tests.playback.footage import CAMERA, START_US
from tests.playback.worlds import World

__all__ = ["UNIT", "Made", "archive_of", "make", "name_of", "request_of"]

UNIT = Unit("Test recorder", "n1", "Asia/Jakarta", "0.0-test")


@dataclass(frozen=True)
class Made:
    """A package, and what was asked for."""

    package: Package
    request: ExportRequest

    @property
    def path(self) -> Path:
        return self.package.path

    @property
    def movies(self) -> list[Path]:
        return sorted(self.path.glob("*.mp4"))


def request_of(start_us: int, end_us: int) -> ExportRequest:
    return ExportRequest(
        new_export_id(), (CAMERA,), start_us, end_us, "ines", case="LP/1/2026", legal_basis="KUHAP 39", requester="Budi"
    )


def make(world: World, signer: Signer, path: Path, start_us: int | None = None, end_us: int | None = None) -> Made:
    request = request_of(START_US + 1_230_000 if start_us is None else start_us, end_us or world.end_us - 500_000)
    studio = world.studio
    plan = plan_export(studio.database, studio.cache, request, now_us=world.end_us + 10_000_000)
    return Made(make_package(plan, studio.cache, signer, UNIT, path), request)


def archive_of(folder: Path, into: Path, names: list[str] | None = None, called: str | None = None) -> Path:
    """The folder's files as an archive of the one form, in a folder that is called as the manifest demands, or so."""
    wanted = sorted(path.name for path in folder.iterdir()) if names is None else names
    entries = []
    for name in wanted:
        data = (folder / name).read_bytes()
        entries.append(ArchiveEntry(name, len(data), zlib.crc32(data)))
    archive = PackageArchive(folder, called or name_of(folder), entries)
    into.write_bytes(b"".join(archive.blocks()))
    archive.close()
    return into


def name_of(folder: Path) -> str:
    """What the folder of this package has to be called in an archive."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return folder_name(parse_iso(manifest["request"]["start"]), manifest["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return "export-1"
