"""The catalogue's schema, as the steps that made it: a module a step. A released step is never edited: later ones
follow it.

Units: ``_us`` microseconds UTC since the Unix epoch. ``camera``, ``node`` and ``root`` columns are keys of this
database alone; outside, a camera is known by its text id, a node by its name and a root by its identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

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
    m040_marks,
    m045_bookmarks,
    m047_walls,
    m049_citizen_reports,
    m050_copied_files,
    m051_run_order,
    m052_attachment_parts,
    m056_watched,
    m070_fleet,
)

if TYPE_CHECKING:
    from sqlite_utils.migrations import Migrations

    migrations: Migrations

__all__ = ["NAMES", "STEPS", "migrations", "run"]

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
    m049_citizen_reports,
    m040_marks,
    m070_fleet,
)


NAMES: Final = tuple(step.__name__.rpartition(".")[2] for step in STEPS)
"""The steps' names, in their order."""


class _Executes(Protocol):
    def execute(self, sql: str, /) -> Any: ...


def run(db: _Executes, sql: str) -> None:
    """Runs the statements one by one: executescript would commit the migration's transaction first."""
    for statement in sql.split(";\n"):
        if statement.strip():
            db.execute(statement)


def _made() -> Migrations:
    from sqlite_utils.migrations import Migrations

    found = Migrations("catalogue")
    for name, step in zip(NAMES, STEPS, strict=True):
        found(name=name)(lambda db, sql=step.SQL: run(db, sql))
    return found


def __getattr__(name: str) -> Any:
    # A catalogue is nearly always up to date, and what brings one up takes a tenth of a second to import.
    if name != "migrations":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _made()
    return found
