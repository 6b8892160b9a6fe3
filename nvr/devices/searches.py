"""Searches and what they saw: their rows in the catalogue.

Invariant: of searches one at most is running, unless its process died.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import msgspec

from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from nvr.devices.rows import Sighting, seal, unseal
from storage.catalogue import audit
from storage.secrets.sealing import KeyLost
from storage.sentences import Sentence

__all__ = [
    "ScanError",
    "ScanRow",
    "ScanState",
    "add_sightings",
    "beat",
    "begin_scan",
    "count_sightings",
    "end_scan",
    "find_scan",
    "note_done",
    "resume_scan",
    "scans",
    "sighting_at",
    "sightings",
    "stop_scan",
]

# A search whose process has not been heard of for so long is over.
_DEAD_US: Final = 30_000_000
# The audit log has them all.
_MOST_KEPT: Final = 500


ScanState = Literal["running", "stopping", "done", "stopped", "failed", "interrupted"]


class ScanError(Exception):
    """A search can't be begun, or resumed; the message says why."""


@dataclass(frozen=True, slots=True)
class ScanRow:
    """A search. ``state``: ``running``, ``stopping``, ``done``, ``stopped``, ``failed``, or ``interrupted``: its
    process died, and it can be resumed. ``username`` and ``password``: the login that it tries, if any."""

    id: str
    begun_us: int
    ended_us: int | None
    beat_us: int
    actor: str
    networks: tuple[str, ...]
    state: ScanState
    done: tuple[str, ...]
    blocks: int
    error: str | None
    username: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"ScanRow({self.id!r}, {self.state!r})"


def _scan(conn: sqlite3.Connection, row: sqlite3.Row, now_us: int | None) -> ScanRow:
    account: dict[str, Any] = json.loads(row["account"])
    password = None
    if "sealed" in account:
        try:
            password = str(unseal(conn, f"scan {row['id']}", json.dumps(account)))
        except KeyLost:
            password = None
    state = row["state"]
    if state in ("running", "stopping") and now_us is not None and not 0 <= now_us - row["beat_us"] < _DEAD_US:
        state = "interrupted"
    return ScanRow(
        row["id"],
        row["begun_us"],
        row["ended_us"],
        row["beat_us"],
        row["actor"],
        tuple(json.loads(row["networks"])),
        cast(ScanState, state),
        tuple(json.loads(row["done"])),
        row["blocks"],
        row["error"],
        account.get("username"),
        password,
    )


def scans(conn: sqlite3.Connection, *, now_us: int, most: int = 50) -> list[ScanRow]:
    """The last searches, the latest first."""
    rows = conn.execute("SELECT * FROM scan ORDER BY begun_us DESC, id LIMIT ?", (most,))
    return [_scan(conn, row, now_us) for row in rows]


def find_scan(conn: sqlite3.Connection, scan: str, *, now_us: int) -> ScanRow | None:
    """The search of this id."""
    row = conn.execute("SELECT * FROM scan WHERE id = ?", (scan,)).fetchone()
    return None if row is None else _scan(conn, row, now_us)


def begin_scan(
    conn: sqlite3.Connection,
    *,
    networks: Sequence[str],
    blocks: int,
    username: str | None,
    password: str | None,
    now_us: int,
) -> str:
    """Enters a search; returns its id.

    Raises:
        ScanError: another one is running.
    """
    for one in scans(conn, now_us=now_us):
        if one.state in ("running", "stopping"):
            raise ScanError(Sentence("a search is running already; wait for its end, or stop it"))
    conn.execute(
        "DELETE FROM scan WHERE state = 'done' AND id NOT IN (SELECT id FROM scan ORDER BY begun_us DESC LIMIT ?)",
        (_MOST_KEPT,),
    )
    scan = secrets.token_hex(6)
    account: dict[str, Any] = {}
    if username is not None:
        account = {"username": username, **json.loads(seal(conn, f"scan {scan}", password or ""))}
    by = audit.actor_now()
    conn.execute(
        "INSERT INTO scan (id, begun_us, beat_us, actor, actor_id, networks, account, state, done, blocks)"
        " VALUES (?,?,?,?,?,?,?,'running','[]',?)",
        (scan, now_us, now_us, by.name, by.person, json.dumps(list(networks)), json.dumps(account), blocks),
    )
    audit.append(conn, "scan_begun", detail={"scan": scan, "networks": list(networks), "username": username or ""})
    return scan


def resume_scan(conn: sqlite3.Connection, *, now_us: int) -> ScanRow:
    """Goes on with the last search, which was interrupted, stopped or failed.

    Raises:
        ScanError: there is none.
    """
    found = scans(conn, now_us=now_us, most=1)
    if not found or found[0].state not in ("interrupted", "stopped", "failed"):
        raise ScanError(Sentence("there is no search that was interrupted: begin one"))
    conn.execute(
        "UPDATE scan SET state = 'running', ended_us = NULL, error = NULL, beat_us = ? WHERE id = ?",
        (now_us, found[0].id),
    )
    audit.append(conn, "scan_resumed", detail={"scan": found[0].id})
    again = find_scan(conn, found[0].id, now_us=now_us)
    assert again is not None
    return again


def beat(conn: sqlite3.Connection, scan: str, *, now_us: int) -> bool:
    """The search's process lives; says whether it is to go on."""
    conn.execute("UPDATE scan SET beat_us = ? WHERE id = ?", (now_us, scan))
    row = conn.execute("SELECT state FROM scan WHERE id = ?", (scan,)).fetchone()
    return row is not None and row[0] == "running"


def stop_scan(conn: sqlite3.Connection, scan: str, *, now_us: int) -> bool:
    """Has a search end at once; says whether it was running."""
    found = find_scan(conn, scan, now_us=now_us)
    if found is None or found.state not in ("running", "interrupted"):
        return False
    state = "stopping" if found.state == "running" else "stopped"
    conn.execute("UPDATE scan SET state = ? WHERE id = ?", (state, scan))
    audit.append(conn, "scan_stopped", detail={"scan": scan})
    return True


def note_done(conn: sqlite3.Connection, scan: str, done: Iterable[str]) -> None:
    """These blocks were searched too."""
    row = conn.execute("SELECT done FROM scan WHERE id = ?", (scan,)).fetchone()
    known = json.loads(row[0])
    conn.execute("UPDATE scan SET done = ? WHERE id = ?", (json.dumps([*known, *done]), scan))


def end_scan(conn: sqlite3.Connection, scan: str, state: str, *, now_us: int, error: str | None = None) -> None:
    """The search is over. What only it needed, its login and what it saw, goes, unless it may be resumed."""
    conn.execute("UPDATE scan SET state = ?, ended_us = ?, error = ? WHERE id = ?", (state, now_us, error, scan))
    if state == "done":
        conn.execute("DELETE FROM sighting WHERE scan = ?", (scan,))
        conn.execute("UPDATE scan SET account = '{}' WHERE id = ?", (scan,))


def add_sightings(conn: sqlite3.Connection, scan: str, seen: Iterable[Sighting]) -> None:
    """Enters what a search found; what it found there before is replaced."""
    for one in seen:
        facts = one.facts
        conn.execute(
            "INSERT OR REPLACE INTO sighting (scan, address, port, facts, sealed) VALUES (?,?,?,?,?)",
            (
                scan,
                facts.address,
                facts.port,
                msgspec.json.encode(facts).decode(),
                seal(conn, f"sighting {facts.address} {facts.port}", one.secrets),
            ),
        )


def count_sightings(conn: sqlite3.Connection, scan: str) -> int:
    """How many devices a search has found so far; 0 once it is over."""
    return int(conn.execute("SELECT count(*) FROM sighting WHERE scan = ?", (scan,)).fetchone()[0])


def _sighting(conn: sqlite3.Connection, row: sqlite3.Row) -> Sighting:
    try:
        opened = msgspec.convert(unseal(conn, f"sighting {row['address']} {row['port']}", row["sealed"]), DeviceSecrets)
    except KeyLost:
        opened = DeviceSecrets()
    return Sighting(msgspec.json.decode(row["facts"], type=DeviceFacts), opened)


def sightings(conn: sqlite3.Connection, scan: str) -> Iterator[Sighting]:
    """What a search has found, one after the other."""
    for row in conn.execute("SELECT * FROM sighting WHERE scan = ? ORDER BY address, port", (scan,)):
        yield _sighting(conn, row)


def sighting_at(conn: sqlite3.Connection, scan: str, address: str, port: int) -> Sighting | None:
    """What a search found at an address and port."""
    row = conn.execute(
        "SELECT * FROM sighting WHERE scan = ? AND address = ? AND port = ?", (scan, address, port)
    ).fetchone()
    return None if row is None else _sighting(conn, row)
