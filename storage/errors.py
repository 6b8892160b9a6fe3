"""What can go wrong in storage. Messages name what, where and what to do."""

from __future__ import annotations

__all__ = ["CatalogueError", "FootageError", "RootError", "StorageError"]


class StorageError(Exception):
    """Base of the tree."""


class CatalogueError(StorageError):
    """The catalogue can't be used."""


class RootError(StorageError):
    """A footage root can't be used: absent, not writable, or another disk is mounted there."""


class FootageError(StorageError):
    """A segment's file is absent, cut short or altered."""
