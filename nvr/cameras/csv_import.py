"""What an import would change, and doing it. Invariants: a table with one mistake changes nothing; one that was
imported changes nothing again; nobody who writes to the catalogue waits while a table is looked through, nor for longer
than a slice of it takes to write.

A row says what its columns name and leaves the rest; an empty cell is "not set", but for the password: exports leave it
out. Cameras that the table does not name stay.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from nvr.cameras.csv_table import CameraRow, CameraTable, LineError
from nvr.cameras.planned import OvertakenError
from nvr.config import CameraSettings, redact, to_wire
from nvr.config.checks import check_cameras
from nvr.config.explaining import explain
from nvr.config.redact import MASK
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.catalogue.slices import in_slices
from storage.secrets.sealing import SEALED
from storage.sentences import Sentence

__all__ = ["ImportPlan", "import_table", "plan_import"]

_MOST_ERRORS: Final = 100
_TRIES: Final = 3
_YES: Final = frozenset({"yes", "true", "1", "ya"})
_NO: Final = frozenset({"no", "false", "0", "tidak", ""})
# How the catalogue keeps what a table words for people.
_STORED: Final = {name: f"{name}_us" for name in ("stall_timeout", "expected_interval", "max_age", "min_age")}
_ADDRESSES: Final = ("url", "live_url")
_BOUNDS: Final = {"latitude": 90.0, "longitude": 180.0}


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Ids of cameras that are added, changed (with the names of what changes) and as they are already."""

    added: Sequence[str] = ()
    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unchanged: int = 0
    errors: Sequence[LineError] = ()
    wanted: Sequence[CameraSettings] = ()
    # Of the cameras that are added or changed, the revision of their row when the plan was made; None: there was none.
    revisions: Mapping[str, int | None] = field(default_factory=dict)


def plan_import(conn: sqlite3.Connection, table: CameraTable) -> ImportPlan:
    """What importing the table would do. After a hundred mistakes it is not looked further."""
    errors = list(table.errors)
    known = {row.id: row for row in cameras.list_all(conn, removed=True)}
    added: list[str] = []
    changed: dict[str, Sequence[str]] = {}
    wanted: list[CameraSettings] = []
    unchanged = 0
    for row in table.rows:
        if len(errors) >= _MOST_ERRORS:
            errors.append(
                LineError(
                    row.line,
                    "",
                    Sentence("from here on nothing was looked at: there are {most} mistakes", most=_MOST_ERRORS),
                )
            )
            break
        old = known.get(row.settings["id"])
        is_there = old is not None and old.removed_us is None
        camera, found = _camera(row, old if is_there else None)
        errors += found
        if camera is None:
            continue
        if not is_there:
            added.append(camera.id)
            wanted.append(camera)
            continue
        assert old is not None
        differs = _differences(_known(old), camera)
        if not differs:
            unchanged += 1
        elif old.source == "file":
            errors.append(
                LineError(
                    row.line,
                    "",
                    Sentence(
                        "camera {id!r} is kept in the configuration file: change its {differs} there",
                        id=old.id,
                        differs=", ".join(differs),
                    ),
                )
            )
        else:
            changed[camera.id] = differs
            wanted.append(camera)
    errors.sort(key=lambda error: error.line)
    if errors:
        return ImportPlan(added, changed, unchanged, errors)
    revisions = {camera.id: known[camera.id].rev if camera.id in known else None for camera in wanted}
    return ImportPlan(added, changed, unchanged, (), wanted, revisions)


def _known(row: cameras.Camera) -> CameraSettings:
    kept = {key: value for key, value in row.settings.items() if key != SEALED}
    return CameraSettings.model_validate({**kept, "id": row.id, "name": row.name, "labels": dict(row.labels)})


def _settings(camera: CameraSettings) -> dict[str, Any]:
    every: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in every.items() if key not in ("id", "name", "labels") and value is not None}


def _differences(old: CameraSettings, new: CameraSettings) -> list[str]:
    before, after = (json.loads(to_wire(camera)) for camera in (old, new))
    return sorted(key for key in before if before[key] != after[key])


def _camera(row: CameraRow, old: cameras.Camera | None) -> tuple[CameraSettings | None, list[LineError]]:
    """The camera as the row wants it, or what is wrong with it."""
    values: dict[str, Any] = {} if old is None else {**old.settings, "name": old.name}
    values["id"] = row.settings["id"]
    errors: list[LineError] = []
    if (
        values.pop(SEALED, None) is not None
        and old is not None
        and not (row.settings.get("password") and row.settings.get("url"))
    ):
        errors.append(
            LineError(row.line, "password", Sentence("must be given, with the url: {locked}", locked=old.locked))
        )
    for key, text in row.settings.items():
        if key == "id" or (key == "password" and not text):
            continue
        values.pop(_STORED.get(key, key), None)
        if key == "audio":
            if text.lower() not in _YES | _NO:
                errors.append(LineError(row.line, key, Sentence("must be yes or no")))
            values[key] = text.lower() in _YES
        elif key == "priority" and text:
            try:
                values[key] = int(text)
            except ValueError:
                errors.append(LineError(row.line, key, Sentence("must be a whole number")))
        elif key in _ADDRESSES and text and old is not None and text == redact(str(old.settings.get(key) or "")):
            values[key] = old.settings[key]  # the exported one came back
        elif key in _ADDRESSES and MASK in text:
            errors.append(
                LineError(row.line, key, Sentence("holds {mask} where a secret was; write the whole URL", mask=MASK))
            )
        elif text:
            values[key] = text
    if not values.get("username"):
        values.pop("username", None)
        if not row.settings.get("password"):
            values.pop("password", None)
    values["labels"] = {**(old.labels if old is not None else {}), **row.labels}
    values["labels"] = {name: value for name, value in values["labels"].items() if value}
    if len(values["labels"]) > cameras.MOST_LABELS:
        most = Sentence("must have at most {most} entries; remove some", most=cameras.MOST_LABELS)
        errors.append(LineError(row.line, "labels", most))
    errors += _label_errors(row)
    try:
        camera = CameraSettings.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        told = {found.column for found in errors}
        for path, wrong in explain(error, CameraSettings):
            if ".".join(map(str, path)) in told:
                continue
            errors.append(LineError(row.line, ".".join(map(str, path)), wrong))
        return None, errors
    for path, what, remedy in check_cameras({0: camera}, None):
        errors.append(LineError(row.line, str(path[-1]), Sentence("{what}; {remedy}", what=what, remedy=remedy)))
    return (None if errors else camera), errors


def _label_errors(row: CameraRow) -> list[LineError]:
    errors = []
    for name, most in _BOUNDS.items():
        if text := row.labels.get(name, ""):
            try:
                good = -most <= float(text) <= most
            except ValueError:
                good = False
            if not good:
                errors.append(
                    LineError(
                        row.line,
                        name,
                        Sentence("must be degrees from -{most:g} to {most:g}, with a point: -6.9932", most=most),
                    )
                )
    if row.labels.get("public", "").lower() not in ("", "live", "yes", "no", "status"):
        errors.append(LineError(row.line, "public", Sentence("must be live, yes, status or no")))
    return errors


def import_table(database: Database, table: CameraTable, *, node: str, at_us: int) -> ImportPlan:
    """Does what the table says, unless it has mistakes; they are in the plan that is returned. It is written slice by
    slice: after a crash the rest is missing, and importing it again adds that.

    Raises:
        OvertakenError: some of it may be imported.
    """
    first: ImportPlan | None = None
    for _ in range(_TRIES):
        with database.read() as conn:
            plan = plan_import(conn, table)
        first = first or plan
        if plan.errors:
            return plan
        if _apply(database, plan, node=node, at_us=at_us):
            return first
    raise OvertakenError(
        Sentence("others changed the same cameras meanwhile: look at what is imported, and import the table again")
    )


class _ChangedError(Exception):
    """A camera is not any more what it was when the plan was made."""


def _apply(database: Database, plan: ImportPlan, *, node: str, at_us: int) -> bool:
    """Writes it; False as soon as a camera is not any more what it was when the plan was made."""

    def write(conn: sqlite3.Connection, camera: CameraSettings) -> None:
        now = cameras.find(conn, camera.id)
        if (None if now is None else now.rev) != plan.revisions[camera.id]:
            raise _ChangedError
        _put(conn, camera, is_new=camera.id not in plan.changed, node=node, at_us=at_us)

    try:
        in_slices(database, plan.wanted, write)
    except _ChangedError:
        return False
    return True


def _put(conn: sqlite3.Connection, camera: CameraSettings, *, is_new: bool, node: str, at_us: int) -> None:
    values: dict[str, Any] = {
        "camera": camera.id,
        "name": camera.name,
        "source": "catalogue",
        "settings": _settings(camera),
        "labels": dict(camera.labels),
    }
    if is_new:
        cameras.add(conn, **values, node=node, epoch=0, at_us=at_us)
    else:
        cameras.change(conn, **values)
