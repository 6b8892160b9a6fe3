"""The ledger of logins: how often a device refused a password, and when it may be tried again. Whatever logs in to a
device asks here first.

Cameras lock an account, or our address, after five to seven wrong passwords, and stay locked when the password was put
right: so at most ``MOST_FAILURES`` in a day, over all programs, cameras and restarts. An attempt is entered before it
is made, so that of many at once no more than allowed can fail. Invariant: of one device, account and password refusals
and attempts under way are never more than ``MOST_FAILURES`` a day, but for a camera that the device has accepted since
the last refusal.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

__all__ = [
    "DAY_US",
    "MOST_FAILURES",
    "PAUSE_US",
    "LedgerEntry",
    "LoginAccount",
    "Standing",
    "abandoned",
    "accepted",
    "begin",
    "begin_first",
    "device_of",
    "forget_camera",
    "prove",
    "refused",
    "retry",
    "retry_host",
    "standing",
    "troubled",
]

MOST_FAILURES: Final = 2
DAY_US: Final = 86_400_000_000
# Between the first refusal and the second attempt: a camera that has just started may refuse whatever it is given.
PAUSE_US: Final = 30_000_000
# An attempt without an outcome after this time is that of a program that died. However many there are, they count as
# one refusal: a server that is killed while it starts must not keep right passwords from being tried for a day.
_OPEN_US: Final = 60_000_000
# A device that says that so few attempts are left is not asked again.
_LEAST_LEFT: Final = 3
_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def device_of(url: str) -> str:
    """The device that a camera's URL names: ``host:port``, in lower case. The port belongs to it, since behind one
    address stand many devices where ports are forwarded; the channels of a recorder share both."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class LoginAccount:
    """Who logs in where. ``secret`` tells one password from another."""

    device: str
    name: str
    secret: str

    @classmethod
    def of(cls, device: str, name: str, password: str) -> LoginAccount:
        """The account of these credentials."""
        digest = hashlib.sha256(f"{device}\0{name}\0{password}".encode("utf-8", "surrogatepass"))
        return cls(device, name, digest.hexdigest()[:4])


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the ledger has of an account; times in microseconds."""

    account: LoginAccount
    failures: int = 0
    open: int = 0
    open_us: int = 0
    first_us: int = 0
    last_us: int = 0
    next_us: int = 0
    cameras: frozenset[str] = frozenset()
    proved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a camera may log in: ``go``; ``wait`` for others' attempts, which is soon over; or ``blocked`` until
    ``until_us``."""

    state: str
    until_us: int = 0
    failures: int = 0


_COLUMNS: Final = "device, account, secret, failures, open, open_us, first_us, last_us, next_us, cameras, proved"


def _entry(row: sqlite3.Row) -> LedgerEntry:
    device, name, secret, failures, open_, open_us, first_us, last_us, next_us, cameras, proved = row
    return LedgerEntry(
        LoginAccount(device, name, secret),
        failures,
        open_,
        open_us,
        first_us,
        last_us,
        next_us,
        frozenset(json.loads(cameras)),
        frozenset(json.loads(proved)),
    )


def _find(conn: sqlite3.Connection, account: LoginAccount) -> LedgerEntry | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM login WHERE device = ? AND account = ? AND secret = ?",
        (account.device, account.name, account.secret),
    ).fetchone()
    return None if row is None else _entry(row)


def _put(conn: sqlite3.Connection, entry: LedgerEntry) -> None:
    account = entry.account
    key = (account.device, account.name, account.secret)
    if not entry.failures and not entry.open:
        conn.execute("DELETE FROM login WHERE device = ? AND account = ? AND secret = ?", key)
        return
    values = (entry.failures, entry.open, entry.open_us, entry.first_us, entry.last_us, entry.next_us)
    lists = (json.dumps(sorted(entry.cameras)), json.dumps(sorted(entry.proved)))
    conn.execute(f"INSERT OR REPLACE INTO login ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*key, *values, *lists))


def _now(entry: LedgerEntry, now_us: int) -> LedgerEntry:
    """The entry as of now: what died has failed, what is a day old is forgotten, and a clock that was set back blocks
    nobody for longer."""
    if entry.last_us > now_us:
        entry = replace(entry, last_us=now_us, next_us=min(entry.next_us, now_us + DAY_US))
    if entry.open and not 0 <= now_us - entry.open_us < _OPEN_US:
        entry = replace(entry, open=0)
        if not entry.failures:
            entry = _failed(entry, 1, min(entry.open_us, now_us))
    if entry.failures and now_us >= entry.last_us + DAY_US:
        entry = replace(entry, failures=0, first_us=0, last_us=0, next_us=0, cameras=frozenset(), proved=frozenset())
    return entry


def _failed(entry: LedgerEntry, count: int, at_us: int) -> LedgerEntry:
    failures = entry.failures + count
    wait_us = DAY_US if failures >= MOST_FAILURES else PAUSE_US
    return replace(
        entry,
        failures=failures,
        first_us=entry.first_us or at_us,
        last_us=at_us,
        next_us=at_us + wait_us,
        proved=frozenset(),
    )


def standing(entry: LedgerEntry | None, camera: str, now_us: int) -> Standing:
    """Whether a camera may log in, given what the ledger has."""
    if entry is None:
        return Standing("go")
    entry = _now(entry, now_us)
    if camera in entry.proved:
        return Standing("go" if not entry.open else "wait")
    if now_us < entry.next_us and (entry.failures >= MOST_FAILURES or camera in entry.cameras):
        return Standing("blocked", entry.next_us, entry.failures)
    # After a person's "try now" there may be one attempt, whatever the count.
    if min(entry.failures, MOST_FAILURES - 1) + entry.open >= MOST_FAILURES:
        return Standing("wait")
    return Standing("go")


def begin(conn: sqlite3.Connection, account: LoginAccount, camera: str, *, now_us: int) -> Standing:
    """Enters an attempt to log in, if it may be made (``go``): then one of ``accepted``, ``refused`` and ``abandoned``
    follows."""
    entry = _find(conn, account)
    found = standing(entry, camera, now_us)
    if found.state == "go":
        entry = _now(entry or LedgerEntry(account), now_us)
        _put(conn, replace(entry, open=entry.open + 1, open_us=now_us))
    return found


def begin_first(conn: sqlite3.Connection, account: LoginAccount, password: str, *, now_us: int) -> Standing:
    """As ``begin``, for who searches a network with a password that may be another device's: the attempt is made only
    if it is the first with this password at this host, whatever the port, and if no other has been refused there as
    often as may be. A device counts refusals on all of its ports together."""
    host = account.device.rpartition(":")[0] + ":"
    failures, until_us = 0, 0
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM login WHERE account = ? AND substr(device, 1, ?) = ?", (account.name, len(host), host)
    )
    for entry in map(_entry, rows.fetchall()):
        entry = _now(entry, now_us)
        if entry.open:
            return Standing("wait")
        if entry.failures and not entry.next_us:
            # A person said that it may be tried again.
            continue
        is_same = entry.account == LoginAccount.of(entry.account.device, account.name, password)
        failures += MOST_FAILURES if is_same and entry.failures else entry.failures
        until_us = max(until_us, entry.last_us + DAY_US if entry.failures else 0)
    if failures >= MOST_FAILURES:
        return Standing("blocked", until_us, failures)
    return begin(conn, account, "", now_us=now_us)


def accepted(conn: sqlite3.Connection, account: LoginAccount, camera: str) -> None:
    """The password is right: nothing stands against the account any more. Where the device goes on refusing it to other
    cameras, as it may to an account that has not all channels, only this camera is free."""
    entry = _find(conn, account)
    if entry is None:
        return
    if camera in entry.proved:
        _put(conn, replace(entry, open=max(0, entry.open - 1)))
    else:
        _put(conn, replace(entry, open=0, failures=0))


def refused(
    conn: sqlite3.Connection, account: LoginAccount, camera: str, *, now_us: int, left: int | None = None
) -> LedgerEntry:
    """The password was refused. ``camera``: empty if a search tried it. ``left``: how many attempts the device says are
    left."""
    entry = _now(_find(conn, account) or LedgerEntry(account), now_us)
    entry = replace(entry, open=max(0, entry.open - 1), cameras=entry.cameras | ({camera} if camera else set()))
    last = left is not None and left < _LEAST_LEFT
    entry = _failed(entry, max(1, MOST_FAILURES - entry.failures) if last else 1, now_us)
    _put(conn, entry)
    return entry


def abandoned(conn: sqlite3.Connection, account: LoginAccount) -> None:
    """The device said neither yes nor no."""
    entry = _find(conn, account)
    if entry is not None:
        _put(conn, replace(entry, open=max(0, entry.open - 1)))


def prove(conn: sqlite3.Connection, account: LoginAccount, camera: str) -> None:
    """The device has just accepted the password in a session of this camera that was begun before: what others were
    refused does not concern it."""
    entry = _find(conn, account)
    if entry is not None and entry.failures and camera not in entry.cameras:
        _put(conn, replace(entry, proved=entry.proved | {camera}))


def retry(conn: sqlite3.Connection, device: str, name: str) -> int:
    """A person says that an account may be tried now: once. Returns how many passwords that frees."""
    return conn.execute(
        "UPDATE login SET failures = min(failures, ?), next_us = 0 WHERE device = ? AND account = ? AND failures > 0",
        (MOST_FAILURES - 1, device, name),
    ).rowcount


def retry_host(conn: sqlite3.Connection, host: str) -> int:
    """As ``retry``, for all accounts of a host, whatever the port."""
    head = f"[{host}]:" if ":" in host else f"{host}:"
    return conn.execute(
        "UPDATE login SET failures = min(failures, ?), next_us = 0"
        " WHERE substr(device, 1, ?) = ? AND failures > 0 AND next_us > 0",
        (MOST_FAILURES - 1, len(head), head),
    ).rowcount


def forget_camera(conn: sqlite3.Connection, device: str, name: str, camera: str) -> None:
    """A camera's settings have changed: what it was refused before says nothing any more. What others were refused
    stays."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM login WHERE device = ? AND account = ?", (device, name)).fetchall()
    for entry in map(_entry, rows):
        if camera in entry.cameras:
            left = entry.cameras - {camera}
            _put(conn, replace(entry, cameras=left, failures=entry.failures if left else 0))


def troubled(conn: sqlite3.Connection) -> list[LedgerEntry]:
    """Every account whose password was refused."""
    return [_entry(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM login WHERE failures > 0")]
