"""Cameras as CSV: reading a table with all its mistakes, what an import would change, and writing one; and choosing cameras, which a list may do."""

from __future__ import annotations

from nvr.camera_csv.choosing import ChoiceError, Chosen, choose
from nvr.camera_csv.importing import ImportPlan, OvertakenError, import_table, plan_import
from nvr.camera_csv.table import LineError, Table, read, read_ids
from nvr.camera_csv.writing import write

__all__ = [
    "ChoiceError",
    "Chosen",
    "ImportPlan",
    "LineError",
    "OvertakenError",
    "Table",
    "choose",
    "import_table",
    "plan_import",
    "read",
    "read_ids",
    "write",
]
