"""What an export will hold, and how large it will be, before anything is copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nvr.evidence.package.plan import CameraPlan, FilePlan, plan_camera
from nvr.evidence.package.request import ExportRequest
from nvr.evidence.seal.errors import ExportRefused, NothingToExport, SourceChanged
from nvr.evidence.seal.times import folder_name
from nvr.playback.index_cache import IndexCache
from storage.catalogue.database import Database
from storage.sentences import Sentence, joined

__all__ = ["ExportPlan", "package_name", "plan_export", "work_bytes"]

# Statement, manifest, signatures, and what seals a file.
_OVERHEAD_BYTES: Final = 2 << 20
_SEAL_BYTES: Final = 16 << 10


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


def work_bytes(plan: ExportPlan) -> int:
    """How much there is to do, as progress is told: each byte is copied, and read back."""
    return 2 * sum(file.bytes for file in plan.files)
