"""Cameras as CSV: reading a table with all its mistakes, what an import would change, and writing one."""

from __future__ import annotations

from nvr.camera_csv.importing import ImportPlan, apply, plan_import
from nvr.camera_csv.table import LineError, Table, read, read_ids
from nvr.camera_csv.writing import write

__all__ = ["ImportPlan", "LineError", "Table", "apply", "plan_import", "read", "read_ids", "write"]
