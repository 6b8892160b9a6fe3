"""The manifest: everything there is to say about a package, as JSON that is signed. Pure.

The fields are in ``docs/reference/evidence.md``. Invariant: for each camera, the delivered spans and the gaps account
for all of the range that was known when the export was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from nvr.evidence.package.clocks import ServerClock
from nvr.evidence.package.copying import CopiedPart, SealedFile
from nvr.evidence.package.plan import CameraPlan, FilePlan
from nvr.evidence.package.request import ExportRequest, Unit
from nvr.evidence.seal.signing import ALGORITHM, Certificate
from nvr.evidence.seal.times import iso
from nvr.texts.plain import plain_detail
from storage.format.dating import dated

__all__ = [
    "FORMAT",
    "MANIFEST_NAME",
    "OPERATION",
    "STATEMENT_NAME",
    "VERSION",
    "certificate_name",
    "encode",
    "file_entry",
    "make_manifest",
    "signature_name",
    "video_entry",
]

FORMAT: Final = "nvr-export"
VERSION: Final = 1
MANIFEST_NAME: Final = "manifest.json"
STATEMENT_NAME: Final = "statement.pdf"
OPERATION: Final = (
    "stream copy: recorded fragments, not decoded and not encoded;"
    " only decode times (tfdt) and sequence numbers (mfhd) in"
    " fragment headers, and creation times and durations (mvhd, tkhd, mdhd) in file headers were set anew"
)


def signature_name(number: int) -> str:
    """The file of the manifest's signature ``number``, from 1."""
    return f"manifest.{number}.sig"


def certificate_name(number: int) -> str:
    """The file of that signature's certificate."""
    return f"manifest.{number}.der"


def encode(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as the bytes that are signed."""
    return json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _range(start_us: int, end_us: int) -> dict[str, str]:
    return {"start": iso(start_us), "end": iso(end_us)}


def _segment(copied: CopiedPart) -> dict[str, Any]:
    part = copied.part
    key = part.piece.segment.key
    return {
        "start": iso(key.start_us),
        "node": key.node,
        "epoch": key.epoch,
        "delivered": _range(part.start_us, part.end_us),
        "frames": part.frames,
        "recorded_sha256": copied.recorded_sha256,
        "read_sha256": copied.read_sha256,
        "matches": copied.matches,
        "source_bytes": [part.begin, part.end],
        "file_bytes": [copied.begin, copied.end],
        "file_crc32": f"{copied.crc32:08x}",
    }


def file_entry(name: str, kind: str, size: int, sha256: str) -> dict[str, Any]:
    """What is said of every file."""
    return {"name": name, "kind": kind, "size": size, "sha256": sha256}


def video_entry(plan: FilePlan, sealed: SealedFile) -> dict[str, Any]:
    """What is said of a sealed MP4."""
    return {
        **file_entry(sealed.name, "video", sealed.size, sealed.sha256),
        "camera": plan.camera,
        "delivered": _range(plan.start_us, plan.end_us),
        "preroll_us": plan.preroll_us,
        "postroll_us": plan.postroll_us,
        "frames": sum(part.frames for part in plan.parts),
        "video_codec": plan.init.video_codec,
        "audio_codec": plan.init.audio_codec,
        "width": plan.init.width,
        "height": plan.init.height,
        "init_sha256": hashlib.sha256(dated(plan.init.data, plan.start_us, plan.end_us)).hexdigest(),
        "recorded_init_sha256": plan.init.id,
        "media_time_zero": iso(sealed.zero_us),
        "segments": [_segment(copied) for copied in sealed.parts],
    }


# What people typed: an order's letter, why footage was deleted. Members that say that a person stands behind a detail.
_TYPED: Final = ("reason", "letter", "letter_date", "approver")
_PERSONS: Final = ("order", "maintenance", "schedule", "by")


def _detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """A gap's detail without others' words; what a person typed is under ``stated``, since the catalogue proves only
    that they did."""
    plain = plain_detail(detail)
    if not any(name in plain for name in _PERSONS):
        return plain
    stated = {name: plain.pop(name) for name in _TYPED if name in plain}
    return {**plain, "stated": stated} if stated else plain


def _camera(plan: CameraPlan, url: str) -> dict[str, Any]:
    covered = plan.covered
    return {
        "id": plan.camera,
        "name": plan.name,
        "url": url,
        "requested": _range(covered.start_us, covered.end_us),
        "as_of": iso(covered.as_of_us),
        "recorded_us": covered.recorded_us,
        "missing_us": covered.missing_us,
        "not_known_us": covered.not_known_us,
        "spans": [_range(span.start_us, span.end_us) for span in covered.spans],
        "gaps": [
            {
                **_range(gap.start_us, gap.end_us),
                "open": gap.open,
                "cause": gap.cause.value,
                "class": gap.cause_class.value,
                "detail": {} if gap.fact is None else _detail(gap.fact.detail),
            }
            for gap in covered.gaps
        ],
        "not_delivered": [
            {**_range(problem.start_us, problem.end_us), "code": problem.code, "detail": str(problem.detail)}
            for problem in plan.problems
        ],
        "clock_steps": [
            {"at": iso(step.at_us), "to": iso(step.to_us), "by_us": step.by_us} for step in covered.clock_steps
        ],
        "clock_offset_samples": [
            {
                "at": iso(sample.at_us),
                "until": iso(sample.until_us),
                "offset_us": sample.offset_us,
                "uncertainty_us": sample.uncertainty_us,
                "source": sample.source,
            }
            for sample in plan.clock
        ],
        "files": [file.name for file in plan.files],
    }


def make_manifest(
    request: ExportRequest,
    unit: Unit,
    certificate: Certificate,
    cameras: Sequence[CameraPlan],
    files: Sequence[Mapping[str, Any]],
    *,
    urls: Mapping[str, str],
    clock: ServerClock,
    made_us: int,
) -> dict[str, Any]:
    """The manifest. ``urls`` are the cameras' addresses without credentials; ``clock`` is the state of this
    machine's."""
    exported = {
        "time": iso(made_us),
        "event": "exported",
        "who": request.operator,
        "detail": OPERATION,
        "audit": request.audit_entry,
    }
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": request.id,
        "made": iso(made_us),
        "operation": OPERATION,
        "software": {"name": "nvr", "version": unit.version},
        "unit": {"name": unit.name, "node": unit.node, "zone": unit.zone},
        "signer": {
            "subject": certificate.subject,
            "certificate_sha256": certificate.fingerprint,
            "algorithm": ALGORITHM,
        },
        "request": {
            "cameras": list(request.cameras),
            **_range(request.start_us, request.end_us),
            "case": request.case,
            "legal_basis": request.legal_basis,
            "purpose": request.purpose,
            "requester": request.requester,
            "approver": request.approver,
            "operator": request.operator,
            "holds": list(request.holds),
            "stated_by": dict(request.stated_by),
        },
        "custody": [*(dict(entry) for entry in request.custody), exported],
        "audit_head": request.audit_head,
        "server_clock_at_export": asdict(clock),
        "cameras": [_camera(plan, urls.get(plan.camera, "")) for plan in cameras],
        "files": [dict(file) for file in files],
    }
