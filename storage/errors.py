"""What can go wrong in storage. Messages name what, where and what to do."""

from __future__ import annotations

__all__ = ["CatalogueError", "RootError", "StorageError", "SyncError"]


class StorageError(Exception):
    """Base of the tree."""


class CatalogueError(StorageError):
    """The catalogue can't be used."""


class RootError(StorageError):
    """A footage root can't be used: absent, not writable, or another disk is mounted there."""


class SyncError(OSError):
    """A sync failed. The kernel has given up what it could not write and takes it for written: another sync would
    succeed and mean nothing. Only what an earlier sync confirmed counts."""
