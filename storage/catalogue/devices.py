"""What a device showed at its first connection, and is held to since: how it takes passwords, and its certificate.

A device that took a digest must not get its password in plain text because somebody in between asks for that; one that
shows another certificate is another device until a person says otherwise (``trust``).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

__all__ = ["Device", "changed_certificates", "find", "learn", "offered", "trust"]


@dataclass(frozen=True, slots=True)
class Device:
    """``scheme``: ``digest`` or ``basic``. ``certificate`` and ``offered`` are SHA-256 in hexadecimal; ``offered`` is
    one that was refused, since ``offered_us``."""

    device: str
    scheme: str | None = None
    certificate: str | None = None
    offered: str | None = None
    offered_us: int | None = None
    camera: str | None = None


def find(conn: sqlite3.Connection, device: str) -> Device | None:
    """What is known of a device."""
    row = conn.execute("SELECT * FROM device WHERE device = ?", (device,)).fetchone()
    return None if row is None else Device(*row)


def learn(
    conn: sqlite3.Connection, device: str, *, scheme: str | None = None, certificate: str | None = None
) -> Device:
    """Enters what is not known yet; returns what counts."""
    conn.execute(
        "INSERT INTO device (device, scheme, certificate) VALUES (?,?,?) ON CONFLICT (device) DO UPDATE SET"
        " scheme = coalesce(scheme, excluded.scheme), certificate = coalesce(certificate, excluded.certificate)",
        (device, scheme, certificate),
    )
    found = find(conn, device)
    assert found is not None
    return found


def offered(conn: sqlite3.Connection, device: str, certificate: str | None, camera: str, *, now_us: int) -> None:
    """The device showed another certificate than the known one; with None, the known one again."""
    if certificate is None:
        conn.execute("UPDATE device SET offered = NULL, offered_us = NULL WHERE device = ?", (device,))
        return
    conn.execute(
        "UPDATE device SET offered_us = iif(offered IS ?, offered_us, ?), offered = ?, camera = ? WHERE device = ?",
        (certificate, now_us, certificate, camera, device),
    )


def trust(conn: sqlite3.Connection, device: str) -> bool:
    """Forgets what was learnt: what the device shows next counts from then on. Says whether anything was known."""
    return conn.execute("DELETE FROM device WHERE device = ?", (device,)).rowcount > 0


def changed_certificates(conn: sqlite3.Connection) -> list[Device]:
    """The devices whose certificate is refused."""
    return [Device(*row) for row in conn.execute("SELECT * FROM device WHERE offered IS NOT NULL ORDER BY device")]
