"""Links by which one named recipient fetches a finished export, for a time.

A link's text is ``<id>.<secret>``; only the secret's SHA-256 is kept. Whoever opens one gets a cookie that is good for
less than an hour. Invariant: a link opens nothing unless its export is done, its time is not over, nobody has revoked
it and who made it is still there, and that is looked at each time: so the deletion of an export ends its links, and so
does the removal of a user.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nvr.cases.errors import LinkError
from storage.catalogue import audit
from storage.catalogue.actors import Actor, of_link
from storage.catalogue.database import next_rev
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line

__all__ = [
    "LONGEST_US",
    "OPENING_US",
    "SHORTEST_US",
    "Link",
    "LinkState",
    "downloaded",
    "find",
    "find_valid",
    "list_all",
    "make",
    "of_cookie",
    "open_link",
    "refused",
    "revoke",
]

SHORTEST_US: Final = 60 * 1_000_000
LONGEST_US: Final = 31 * 86_400 * 1_000_000
OPENING_US: Final = 3600 * 1_000_000
"""How long a cookie is good for; after that the link has to be opened again."""

# Longer than any id or secret of ours; hashing more is work for nothing.
_LONGEST_TEXT: Final = 200
_MOST_A_MINUTE: Final = 30


class LinkState(StrEnum):
    """Whether a link opens anything. ``ENDED``: its export is deleted, or was found not to be what was recorded; or who
    made it is not there any more, a user or a token."""

    VALID = "valid"
    OVER = "over"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Link:
    """A link to ``export`` for ``recipient``, good until ``until_us``. ``state`` is as of when it was read."""

    id: str
    export: str
    recipient: str
    made_by: str
    made_us: int
    until_us: int
    revoked_us: int | None
    revoked_by: str | None
    openings: int
    downloads: int
    used_us: int | None
    state: LinkState

    @property
    def actor(self) -> Actor:
        """Who acts when it is used."""
        return of_link(self.id, self.recipient)


_SELECT = """SELECT l.id, l.export, l.recipient, l.made_by, l.made_us, l.until_us, l.revoked_us, l.revoked_by,
l.openings, l.downloads, l.used_us,
CASE WHEN l.revoked_us IS NOT NULL THEN 'revoked'
WHEN e.state <> 'done' OR e.check_outcome IS 'wrong' THEN 'ended'
WHEN EXISTS (SELECT 1 FROM user u WHERE u.id = l.made_by_id AND u.removed_us IS NOT NULL) THEN 'ended'
WHEN EXISTS (SELECT 1 FROM token t WHERE 'token-' || t.id = l.made_by_id
  AND (t.removed_us IS NOT NULL OR t.ends_us <= :now)) THEN 'ended'
WHEN l.until_us <= :now THEN 'over' ELSE 'valid' END AS state
FROM export_link l JOIN export e ON e.id = l.export"""


def _link(row: sqlite3.Row) -> Link:
    return Link(**{**dict(row), "state": LinkState(row["state"])})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make(
    conn: sqlite3.Connection, export: str, *, recipient: str, until_us: int, by: Actor, now_us: int
) -> tuple[Link, str]:
    """A link to an export, and its text: this once.

    Raises:
        KeyError: there is no such export.
        LinkError: ``invalid_link`` (nobody named, a time that can't be), ``export_not_ready`` or ``export_wrong``.
    """
    row = conn.execute("SELECT state, check_outcome FROM export WHERE id = ?", (export,)).fetchone()
    if row is None:
        raise KeyError(export)
    if row["state"] != "done":
        raise LinkError("export_not_ready", Sentence("the export is {state}", state=row["state"]))
    if row["check_outcome"] == "wrong":
        raise LinkError("export_wrong", Sentence("the package is not what was recorded: nobody may get it"))
    try:
        name = " ".join(one_line(Sentence("the recipient"), recipient).split())
    except TextError as error:
        raise LinkError(
            "invalid_link", Sentence("{error}; it must name one person", error=sentence_of(error))
        ) from None
    if not SHORTEST_US <= until_us - now_us <= LONGEST_US:
        raise LinkError(
            "invalid_link", Sentence("a link is good for a minute at least and 31 days at most, from now on")
        )
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO export_link (id, export, secret, recipient, made_by, made_by_id, made_us, until_us, rev)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        (id_, export, _hash(secret), name, by.name, by.person, now_us, until_us, next_rev(conn)),
    )
    audit.append(conn, "link_made", detail={"link": id_, "export": export, "recipient": name, "until_us": until_us})
    made = find(conn, id_, now_us)
    assert made is not None
    return made, f"{id_}.{secret}"


def find(conn: sqlite3.Connection, id_: str, now_us: int) -> Link | None:
    """The link of this id."""
    row = conn.execute(f"{_SELECT} WHERE l.id = :id", {"id": id_, "now": now_us}).fetchone()
    return None if row is None else _link(row)


def list_all(conn: sqlite3.Connection, now_us: int, export: str | None = None) -> dict[str, list[Link]]:
    """All links, or those to one export, by their export, the latest first."""
    found: dict[str, list[Link]] = {}
    where = "" if export is None else "WHERE l.export = :export"
    asked = {"now": now_us, "export": export}
    for row in conn.execute(f"{_SELECT} {where} ORDER BY l.made_us DESC, l.id", asked):
        found.setdefault(row["export"], []).append(_link(row))
    return found


def revoke(conn: sqlite3.Connection, id_: str, *, by: Actor, now_us: int) -> Link:
    """The link, and whoever has opened it, gets nothing from now on. Doing it again changes nothing.

    Raises:
        KeyError: there is no such link.
    """
    link = find(conn, id_, now_us)
    if link is None:
        raise KeyError(id_)
    if link.revoked_us is None:
        conn.execute(
            "UPDATE export_link SET revoked_us = ?, revoked_by = ?, revoked_by_id = ?, rev = ? WHERE id = ?",
            (now_us, by.name, by.person, next_rev(conn), id_),
        )
        audit.append(conn, "link_revoked", detail={"link": id_, "export": link.export, "recipient": link.recipient})
    conn.execute("DELETE FROM link_opening WHERE link = ?", (id_,))
    revoked = find(conn, id_, now_us)
    assert revoked is not None
    return revoked


def open_link(conn: sqlite3.Connection, text: str, now_us: int) -> tuple[Link, str] | None:
    """Opens the link of this text: the link and a cookie for ``OPENING_US``. None if it opens nothing, for whatever
    reason.

    Raises:
        LinkError: ``too_many_attempts``: it was opened so often within the last minute.
    """
    id_, _, secret = text[:_LONGEST_TEXT].strip().partition(".")
    row = conn.execute("SELECT secret FROM export_link WHERE id = ?", (id_,)).fetchone()
    kept = _hash("") if row is None else str(row["secret"])
    fits = hmac.compare_digest(_hash(secret), kept)
    link = find(conn, id_, now_us)
    if not fits or not secret or link is None or link.state is not LinkState.VALID:
        return None
    # Each is a row, and an entry of the log that is kept for ever.
    ends_us = min(link.until_us, now_us + OPENING_US)
    lately = conn.execute(
        "SELECT count(*) FROM link_opening WHERE link = ? AND until_us > ?", (id_, ends_us - 60_000_000)
    ).fetchone()[0]
    if lately >= _MOST_A_MINUTE:
        raise LinkError("too_many_attempts", Sentence("this link was opened too often just now: try again in a minute"))
    cookie = secrets.token_urlsafe(32)
    conn.execute("DELETE FROM link_opening WHERE until_us <= ?", (now_us,))
    conn.execute("INSERT INTO link_opening VALUES (?,?,?)", (_hash(cookie), id_, ends_us))
    conn.execute(
        "UPDATE export_link SET openings = openings + 1, used_us = ?, rev = ? WHERE id = ?",
        (now_us, next_rev(conn), id_),
    )
    audit.append(conn, "link_opened", detail={"link": id_, "export": link.export, "recipient": link.recipient})
    return link, cookie


def refused(conn: sqlite3.Connection, text: str, now_us: int) -> None:
    """Enters that a text opened nothing. Of it only the id of a link that exists is kept."""
    link = find(conn, text[:_LONGEST_TEXT].strip().partition(".")[0], now_us)
    detail = {} if link is None else {"link": link.id, "export": link.export, "recipient": link.recipient}
    audit.append(conn, "link_refused", detail=detail)


def of_cookie(conn: sqlite3.Connection, id_: str, cookie: str, now_us: int) -> Link | None:
    """The link if it still opens something, and this cookie was given for it."""
    if len(cookie) > _LONGEST_TEXT:
        return None
    row = conn.execute(
        "SELECT 1 FROM link_opening WHERE cookie = ? AND link = ? AND until_us > ?", (_hash(cookie), id_, now_us)
    ).fetchone()
    link = None if row is None else find(conn, id_, now_us)
    return link if link is not None and link.state is LinkState.VALID else None


def find_valid(conn: sqlite3.Connection, id_: str, now_us: int) -> Link | None:
    """The link of this id, if it opens something still."""
    link = find(conn, id_, now_us)
    return link if link is not None and link.state is LinkState.VALID else None


def downloaded(conn: sqlite3.Connection, link: Link, now_us: int) -> None:
    """Counts a download that begins."""
    conn.execute(
        "UPDATE export_link SET downloads = downloads + 1, used_us = ?, rev = ? WHERE id = ?",
        (now_us, next_rev(conn), link.id),
    )
