"""Reading recorded files: exactly the bytes that were asked for, or an error."""

from __future__ import annotations

import os

from nvr.playback.errors import FootageDamaged
from nvr.playback.index_cache import OpenSegment

__all__ = ["read_exactly"]


def read_exactly(opened: OpenSegment, offset: int, count: int) -> bytes:
    """These bytes of the file.

    Raises:
        FootageDamaged: it ends before them, or can't be read: never fewer bytes than asked for.
    """
    parts = []
    while count:
        try:
            data = os.pread(opened.fd, count, offset)
        except OSError as error:
            raise FootageDamaged(opened.segment.key, error.strerror or type(error).__name__) from error
        if not data:
            raise FootageDamaged(opened.segment.key, f"it ends at byte {offset}")
        parts.append(data)
        offset, count = offset + len(data), count - len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)
