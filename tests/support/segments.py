"""Reading a segment's file for a test, as the product does."""

from __future__ import annotations

from pathlib import Path

from storage.disk.reading import RecordedFile
from storage.format import segment_file
from storage.format.segment_file import SegmentFile

__all__ = ["read"]


def read(path: Path, *, trust_tail: bool = True) -> SegmentFile:
    """What the file at this path says of itself."""
    with RecordedFile.open(path) as file:
        return segment_file.read(file, trust_tail=trust_tail)
