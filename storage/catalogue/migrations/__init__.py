"""The catalogue's schema, as the steps that made it: a module a step. A released step is never edited: later ones
follow it.

Units: ``_us`` microseconds UTC since the Unix epoch. ``camera``, ``node`` and ``root`` columns are keys of this
database alone; outside, a camera is known by its text id, a node by its name and a root by its identity.
"""

from __future__ import annotations

import sqlite_utils
from sqlite_utils.migrations import Migrations

from storage.catalogue.migrations import (
    m001_first_schema,
    m002_clock,
    m003_directives,
    m004_coverage_day,
    m005_leases,
    m006_exports,
    m007_audit,
    m008_cases,
    m009_alerts,
    m010_network_hour,
    m011_links,
    m012_holes,
    m013_logins,
    m014_readings,
    m015_frame_hours,
    m016_exports_checked,
    m017_brake,
    m018_run_order,
    m020_alert_state,
    m021_deliveries,
    m022_received,
    m023_addresses,
    m024_at_risk,
    m025_identities,
    m026_integrity,
    m027_first_password,
    m028_sealed,
    m029_directive_todo,
    m030_releasing,
    m032_access,
    m033_roles_as_grants,
    m034_sessions,
    m035_found_devices,
    m036_second_factors,
    m037_groups,
    m038_tokens_and_services,
    m045_bookmarks,
    m047_walls,
    m050_copied_files,
    m051_run_order,
    m052_attachment_parts,
    m056_watched,
)

__all__ = ["STEPS", "migrations", "run"]

migrations = Migrations("catalogue")

# In this order. A step is a module with its statements, each ended by ";" at the end of a line, in ``SQL``.
STEPS = (
    m001_first_schema,
    m002_clock,
    m003_directives,
    m004_coverage_day,
    m005_leases,
    m006_exports,
    m007_audit,
    m008_cases,
    m009_alerts,
    m010_network_hour,
    m011_links,
    m012_holes,
    m013_logins,
    m014_readings,
    m015_frame_hours,
    m016_exports_checked,
    m017_brake,
    m018_run_order,
    m020_alert_state,
    m021_deliveries,
    m022_received,
    m023_addresses,
    m024_at_risk,
    m025_identities,
    m026_integrity,
    m027_first_password,
    m028_sealed,
    m029_directive_todo,
    m030_releasing,
    m032_access,
    m033_roles_as_grants,
    m034_sessions,
    m035_found_devices,
    m036_second_factors,
    m037_groups,
    m038_tokens_and_services,
    m047_walls,
    m050_copied_files,
    m051_run_order,
    m052_attachment_parts,
    m045_bookmarks,
    m056_watched,
)


def run(db: sqlite_utils.Database, sql: str) -> None:
    """Runs the statements one by one: executescript would commit the migration's transaction first."""
    for statement in sql.split(";\n"):
        if statement.strip():
            db.execute(statement)


for _step in STEPS:
    migrations(name=_step.__name__.rpartition(".")[2])(lambda db, sql=_step.SQL: run(db, sql))
