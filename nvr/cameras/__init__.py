"""Cameras as CSV: reading a table with all its mistakes, what an import would change, and writing one; and choosing
cameras, which a list may do."""

from __future__ import annotations

from nvr.cameras.choosing import ChoiceError, Chosen, choose
from nvr.cameras.csv_export import write
from nvr.cameras.csv_import import ImportPlan, import_table, plan_import
from nvr.cameras.csv_table import CameraTable, LineError, read, read_ids
from nvr.cameras.planned import OvertakenError, planned

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
