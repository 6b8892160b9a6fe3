"""Cameras as CSV: reading a table with all its mistakes, what an import would change, and writing one; and choosing
cameras, which a list may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nvr.cameras.choosing import ChoiceError, Chosen, choose
from nvr.cameras.csv_export import write
from nvr.cameras.csv_table import CameraTable, LineError, read, read_ids
from nvr.cameras.planned import OvertakenError, planned

if TYPE_CHECKING:
    from nvr.cameras.csv_import import ImportPlan, import_table, plan_import

__all__ = [
    "CameraTable",
    "ChoiceError",
    "Chosen",
    "ImportPlan",
    "LineError",
    "OvertakenError",
    "choose",
    "import_table",
    "plan_import",
    "planned",
    "read",
    "read_ids",
    "write",
]


def __getattr__(name: str) -> Any:
    # What checks settings is large, and most who know cameras check none.
    if name in ("ImportPlan", "import_table", "plan_import"):
        from nvr.cameras import csv_import

        return getattr(csv_import, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
