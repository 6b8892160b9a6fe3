"""A segment as its recorder and its disk's thread see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.catalogue.segments import Init, Key
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.segment_writer import SegmentWriter

__all__ = ["SegmentHandle"]


@dataclass(slots=True, eq=False)
class SegmentHandle:
    """``error`` is set by the writer when the disk refused; everything queued after that is dropped, so its recorder
    ends the run. ``written_until_us`` is the end of the last fragment handed to the operating system,
    ``synced_until_us`` of the last one that a sync confirmed; ``dirty_since`` and ``syncing_since`` are when the oldest
    frame arrived that no sync takes in yet, and of those that the one under way does, by the monotonic clock in
    seconds; ``trusted_bytes`` is set once a sync failed: only these count; ``done`` is set when the catalogue has been
    told that it is closed, or it never will be by us."""

    head: Head
    init: Init
    index: IndexBuilder
    written_until_us: int
    first_run: bool = False
    offset: int = 0
    queued_bytes: int = 0
    error: OSError | None = None
    writer: SegmentWriter | None = field(default=None, repr=False)
    dirty_since: float | None = None
    syncing_since: float | None = None
    synced_until_us: int = 0
    syncing_until_us: int | None = None
    named: bool = False
    trusted_bytes: int | None = None
    done: bool = False

    def be_done(self) -> None:
        """It is closed, or never will be. Its writer is let go: what that waited for knows this handle, and would keep
        both."""
        self.done = True
        self.writer = None

    @property
    def key(self) -> Key:
        """The segment's identity."""
        return Key(self.head.camera, self.head.start_us, self.head.node, self.head.epoch)
