"""Which files of an interrupted export are finished, so that it goes on behind the last one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from nvr.evidence.package.copying import CopiedPart, SealedFile
from nvr.evidence.package.plan import FilePlan
from nvr.evidence.seal.signing import Signer

__all__ = ["Notes"]


class Notes:
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
