"""The world of the tests of storage."""

from tests.storage.conftest import world

__all__ = ["world"]
