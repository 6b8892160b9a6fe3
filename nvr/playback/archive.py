"""Several clips as one ZIP: stored, streamed, of a size that is known before the first byte.

The standard library writes it; only its length is computed here, since a download without one shows no progress and can't be told from one
that broke off. Checksums stand behind each member, as they are known only then: so no part of it can be asked for. Invariant: what was
streamed is as long as ``size`` said, or the answer is broken off.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nvr.playback.clip import Clip
from nvr.playback.media import CHUNK_BYTES, ahead

__all__ = ["Archive", "Member"]

# Local header with its ZIP64 field, descriptor with 64 bits, central header, the end; ZIP64's own end.
_LOCAL: Final = 30 + 20
_DESCRIPTOR: Final = 24
_CENTRAL: Final = 46
_END: Final = 22
_END_64: Final = 56 + 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive."""

    name: str
    clip: Clip


class _Sink:
    """What the archive is written to: takes bytes until they are fetched. It can't seek, as a network can't."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Archive:
    """A ZIP of clips. Close it: that closes their files."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        self.size = _size([(len(member.name.encode()), member.clip.size) for member in members])
        digest = hashlib.blake2b(repr([(m.name, m.clip.etag) for m in members]).encode(), digest_size=16)
        self.etag = f'"{digest.hexdigest()}"'

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """All of it, in pieces made by a thread.

        Raises:
            ValueError: only a part is asked for.
            FootageDamaged: a recorded file is shorter than it was.
        """
        if first or last not in (None, self.size - 1):
            raise ValueError("an archive is sent as a whole")
        pieces = self._pieces()
        return ahead(lambda: next(pieces, b""))

    def _pieces(self) -> Iterator[bytes]:
        sink = _Sink()
        sent = 0
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            for member in self._members:
                clip = member.clip
                at = datetime.fromtimestamp(clip.start_us / 1e6, UTC)
                # The format knows neither zones nor years before 1980.
                info = zipfile.ZipInfo(member.name, (max(at.year, 1980), *at.timetuple()[1:6]))
                info.external_attr = 0o644 << 16
                with archive.open(info, "w", force_zip64=True) as file:
                    for first in range(0, clip.size, CHUNK_BYTES):
                        file.write(clip.read(first, min(first + CHUNK_BYTES, clip.size) - 1))
                        data = sink.take()
                        sent += len(data)
                        yield data
        data = sink.take()
        sent += len(data)
        if sent != self.size:
            raise RuntimeError(f"an archive of {sent} bytes was announced as {self.size}")
        yield data

    def close(self) -> None:
        """Closes the clips' files, after the read under way if there is one."""
        for member in self._members:
            member.clip.close()


def _size(members: Sequence[tuple[int, int]]) -> int:
    """The length of an archive of members whose names and contents are so many bytes."""
    limit = zipfile.ZIP64_LIMIT
    at = central = 0
    for name, content in members:
        fields = 8 * (2 * (content > limit) + (at > limit))
        central += _CENTRAL + name + (4 + fields if fields else 0)
        at += _LOCAL + name + content + _DESCRIPTOR
    is_large = at > limit or central > limit or len(members) > zipfile.ZIP_FILECOUNT_LIMIT
    return at + central + _END + (_END_64 if is_large else 0)
