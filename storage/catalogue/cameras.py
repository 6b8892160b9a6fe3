"""Cameras as the catalogue knows them: their settings, and since when they are to be recorded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from storage.catalogue import audit, devices, facts, logins
from storage.catalogue.database import next_rev
from storage.causes import Cause
from storage.secrets.sealing import SEALED, KeyLost, keys_of
from storage.sentences import Sentence

__all__ = [
    "MOST_LABELS",
    "Camera",
    "add",
    "change",
    "find",
    "key_of",
    "list_all",
    "open_settings",
    "remove",
    "reopen",
    "retry_login",
    "revision",
    "sealed",
    "trust_device",
]

MOST_LABELS: Final = 200
"""What a person may give a camera, as many as a table has columns: all of them are in each entry of the log about it.
"""

# What decides whether a login succeeds.
_LOGIN_SETTINGS: Final = frozenset({"url", "username", "password", "source", "transport", "login", "tls"})


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera. ``settings`` (url, username, password, audio, …) hold secrets: never log or answer them as they are.
    ``locked``: why the secrets can't be opened, and what to do; ``settings`` has them sealed then, and a URL that only
    says where it leads. ``removed_us`` is set when it is no longer recorded; its footage and history stay."""

    id: str
    name: str
    source: str
    settings: Mapping[str, Any]
    labels: Mapping[str, str]
    added_us: int
    removed_us: int | None
    rev: int
    locked: str | None = None

    def __repr__(self) -> str:
        return f"Camera({self.id!r})"


def open_settings(conn: sqlite3.Connection, camera: str, text: str) -> tuple[dict[str, Any], str | None]:
    """The settings of a row with their secrets; if these can't be opened, as they are kept, and why."""
    kept: dict[str, Any] = json.loads(text)
    if SEALED not in kept:
        return kept, None
    try:
        return keys_of(conn).open(camera, kept), None
    except KeyLost as error:
        return kept, str(error)


def _sealed(conn: sqlite3.Connection, camera: str, settings: Mapping[str, Any]) -> str:
    return json.dumps(keys_of(conn).seal(camera, settings))


def _camera(conn: sqlite3.Connection, row: sqlite3.Row) -> Camera:
    settings, locked = open_settings(conn, row["id"], row["settings"])
    return Camera(
        row["id"],
        row["name"],
        row["source"],
        settings,
        json.loads(row["labels"]),
        row["added_us"],
        row["removed_us"],
        row["rev"],
        locked,
    )


def key_of(conn: sqlite3.Connection, camera: str) -> int:
    """The database's own key of a camera, removed ones included.

    Raises:
        KeyError: there never was such a camera.
    """
    row = conn.execute("SELECT key FROM camera WHERE id = ?", (camera,)).fetchone()
    if row is None:
        raise KeyError(camera)
    return int(row[0])


def find(conn: sqlite3.Connection, camera: str) -> Camera | None:
    """The camera of this id, removed ones included."""
    row = conn.execute("SELECT * FROM camera WHERE id = ?", (camera,)).fetchone()
    return None if row is None else _camera(conn, row)


def list_all(conn: sqlite3.Connection, *, removed: bool = False) -> list[Camera]:
    """All cameras by id; with ``removed``, also those no longer recorded."""
    where = "" if removed else "WHERE removed_us IS NULL"
    return [_camera(conn, row) for row in conn.execute(f"SELECT * FROM camera {where} ORDER BY id")]


def revision(conn: sqlite3.Connection) -> int:
    """The last change of any camera: as long as it is the same, none was added, changed or removed."""
    return int(conn.execute("SELECT coalesce(max(rev), 0) FROM camera").fetchone()[0])


def add(
    conn: sqlite3.Connection,
    *,
    camera: str,
    name: str,
    source: str,
    settings: Mapping[str, Any],
    labels: Mapping[str, str],
    node: str,
    epoch: int,
    at_us: int,
) -> None:
    """Adds a camera, or brings a removed one back with its history. Until its first footage or failure, and ever
    before, the cause of its gap is ``not_configured``.

    Raises:
        ValueError: it exists and is not removed.
    """
    old = find(conn, camera)
    if old is not None and old.removed_us is None:
        raise ValueError(Sentence("there is a camera {id!r} already", id=camera))
    values = (name, source, _sealed(conn, camera, settings), json.dumps(dict(labels)), at_us, next_rev(conn), camera)
    if old is None:
        conn.execute(
            "INSERT INTO camera (name, source, settings, labels, added_us, rev, id) VALUES (?,?,?,?,?,?,?)", values
        )
        facts.set_cause(conn, camera, 0, Cause.NOT_CONFIGURED, {}, node=node, epoch=epoch)
    else:
        conn.execute(
            "UPDATE camera SET name=?, source=?, settings=?, labels=?, added_us=?, rev=?, removed_us=NULL WHERE id=?",
            values,
        )
    if old is not None:
        _forget_logins(conn, old)
    audit.append(conn, "camera_added", camera=camera, detail={"name": name, "source": source, "labels": dict(labels)})


def change(
    conn: sqlite3.Connection,
    *,
    camera: str,
    name: str,
    source: str,
    settings: Mapping[str, Any],
    labels: Mapping[str, str],
) -> bool:
    """Replaces a camera's settings; says whether anything differed.

    Raises:
        KeyError: there is no such camera.
    """
    old = find(conn, camera)
    if old is None:
        raise KeyError(camera)
    if (old.name, old.source, dict(old.settings), dict(old.labels)) == (name, source, dict(settings), dict(labels)):
        return False
    conn.execute(
        "UPDATE camera SET name=?, source=?, settings=?, labels=?, rev=? WHERE id=?",
        (name, source, _sealed(conn, camera, settings), json.dumps(dict(labels)), next_rev(conn), camera),
    )
    # Which settings, not their values: some are secret.
    keys = {key for key in {*old.settings, *settings} if old.settings.get(key) != settings.get(key)}
    if keys & _LOGIN_SETTINGS:
        _forget_logins(conn, old)
    pairs = {"name": (old.name, name), "source": (old.source, source), "labels": (dict(old.labels), dict(labels))}
    told = {key: list(pair) for key, pair in pairs.items() if pair[0] != pair[1]}
    audit.append(conn, "camera_changed", camera=camera, detail={"settings": sorted(keys), **told})
    return True


def _forget_logins(conn: sqlite3.Connection, old: Camera) -> None:
    """What was refused to the camera with the settings that it had counts no more."""
    url, account = old.settings.get("url"), old.settings.get("username")
    if url and account:
        logins.forget_camera(conn, logins.device_of(url), account, old.id)


def remove(conn: sqlite3.Connection, camera: str, *, at_us: int) -> None:
    """Marks a camera as no longer recorded. Its recorder ends its run with ``not_configured`` when it hears of it;
    where none records it now, nobody else would say so."""
    old, now = find(conn, camera), facts.open_fact(conn, camera)
    if now is not None and old is not None and old.removed_us is None:
        at_now_us = max(at_us, now.start_us)
        facts.set_cause(
            conn, camera, at_now_us, Cause.NOT_CONFIGURED, {"reason": "camera removed"}, node=now.node, epoch=now.epoch
        )
    removed = conn.execute(
        "UPDATE camera SET removed_us=?, rev=? WHERE id=? AND removed_us IS NULL", (at_us, next_rev(conn), camera)
    ).rowcount
    if removed:
        if old is not None:
            _forget_logins(conn, old)
        audit.append(conn, "camera_removed", camera=camera)


def sealed(conn: sqlite3.Connection) -> tuple[list[str], list[str]]:
    """After keys came back: cameras whose secrets can be opened, and those whose still can't."""
    opened: list[str] = []
    locked: list[str] = []
    for camera, text in conn.execute("SELECT id, settings FROM camera WHERE removed_us IS NULL ORDER BY id").fetchall():
        if SEALED not in json.loads(text):
            continue
        (opened if open_settings(conn, camera, text)[1] is None else locked).append(camera)
    return opened, locked


def reopen(conn: sqlite3.Connection, camera: str) -> None:
    """Lets a recorder take up a camera whose secrets can be opened again."""
    conn.execute("UPDATE camera SET rev = ? WHERE id = ?", (next_rev(conn), camera))


def retry_login(conn: sqlite3.Connection, camera: Camera) -> bool:
    """A person wants the camera's password tried now, once, although its device refused it; says whether it was waiting
    for that."""
    url, account = camera.settings.get("url"), camera.settings.get("username")
    freed = bool(url and account) and logins.retry(conn, logins.device_of(str(url)), str(account)) > 0
    audit.append(conn, "camera_retried", camera=camera.id)
    return freed


def trust_device(conn: sqlite3.Connection, camera: Camera) -> bool:
    """A person accepts the certificate, and the way to log in, that the camera's device shows next; says whether others
    were known."""
    url = camera.settings.get("url")
    known = bool(url) and devices.trust(conn, logins.device_of(str(url)))
    audit.append(conn, "camera_trusted", camera=camera.id)
    return known
