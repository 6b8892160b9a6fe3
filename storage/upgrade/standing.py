"""How a catalogue stands to the schema of this version, and in which words it is refused.

Only a server that starts and ``nvr upgrade`` change a schema, after a copy. Invariant: everything else uses a catalogue
of exactly its own schema, or says what is to be done and changes nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from storage.catalogue.database import Database, alone_in
from storage.catalogue.migrations import NAMES
from storage.errors import CatalogueError

__all__ = ["OWN_STEPS", "SchemaStanding", "ensure_current", "keep_version", "refusal", "standing", "standing_of_file"]

OWN_STEPS: tuple[str, ...] = NAMES
"""The steps of this version's schema, in order."""


@dataclass(frozen=True, slots=True)
class SchemaStanding:
    """``applied``: the steps that made the catalogue's schema, in order. ``version``: of the nvr that prepared it last;
    None: one that did not say so yet."""

    applied: tuple[str, ...]
    version: str | None
    own: tuple[str, ...] = OWN_STEPS

    @property
    def missing(self) -> tuple[str, ...]:
        """Steps of this version that it lacks."""
        return tuple(step for step in self.own if step not in self.applied)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Steps that this version does not have."""
        return tuple(step for step in self.applied if step not in self.own)

    @property
    def schema(self) -> str:
        """Its last step, by which a schema is named."""
        return max(self.applied, default="none")


def standing(conn: sqlite3.Connection) -> SchemaStanding:
    """How the catalogue of this connection stands. Only reads."""
    try:
        rows = conn.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'catalogue' ORDER BY id")
        applied = tuple(str(row[0]) for row in rows)
        kept = conn.execute("SELECT value FROM meta WHERE key = 'nvr_version'").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        # One that is being made, or no catalogue.
        return SchemaStanding((), None)
    return SchemaStanding(applied, None if kept is None else str(kept[0]))


def standing_of_file(path: Path) -> SchemaStanding:
    """How a copy of a catalogue stands. Only reads.

    Raises:
        sqlite3.Error: it can't be read.
    """
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return standing(conn)
    finally:
        conn.close()


def keep_version(conn: sqlite3.Connection, version: str) -> None:
    """This version has prepared the catalogue. In a write transaction."""
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('nvr_version', ?)", (version,))


def refusal(found: SchemaStanding, path: Path, version: str, *, is_served: bool) -> str | None:
    """Why this version can't use the catalogue, and what to do; None: it can. ``is_served``: a server uses it now."""
    if not found.unknown and not found.missing:
        return None
    theirs = f"nvr {found.version}" if found.version else "an nvr of before versions were kept"
    own = max(found.own)
    if found.unknown:
        return (
            f"catalogue {path} was made by a newer server: {theirs}, schema {found.schema}; this is nvr {version}, "
            f"schema {own}. Use that version; or, to stay with this one, call nvr upgrade --back with that one first. "
            "Nothing was changed"
        )
    what = f"catalogue {path} is of {theirs}, schema {found.schema}; this is nvr {version}, schema {own}. "
    if is_served:
        return what + (
            "The older server is running: stop it first, then call nvr upgrade or start nvr serve, which make a copy "
            "and bring it up to date. Nothing was changed"
        )
    return what + "Call nvr upgrade, or start nvr serve: they make a copy and bring it up to date. Nothing was changed"


def ensure_current(database: Database, version: str, *, is_served: bool) -> None:
    """The catalogue is of this version's schema; one that is being made is waited for. Only reads.

    Raises:
        CatalogueError: it is of another.
        OSError: its folder can't be opened.
    """
    with alone_in(database.path.parent), database.read() as conn:
        why = refusal(standing(conn), database.path, version, is_served=is_served)
    if why is not None:
        raise CatalogueError(why)
