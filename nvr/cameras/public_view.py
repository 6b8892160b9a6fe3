"""Which cameras citizens may see, and cutting a camera's public view at once while recording goes on.

The label ``public`` says ``live`` (status, last picture and live picture), ``yes`` (status and last picture) or
``status`` (status alone); anything else, or no label, is not public.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.cameras import key_of
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, many_lines

__all__ = ["CutError", "PublicCut", "cut", "cuts", "is_public", "restore", "shows_live", "shows_picture"]


class CutError(ValueError):
    """A cut can't be made or ended like this; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicCut:
    """A camera's public view is cut since then."""

    camera: str
    since_us: int
    reason: str
    by: str


def is_public(labels: Mapping[str, str]) -> bool:
    """Whether citizens may know of the camera."""
    return labels.get("public", "").lower() in ("live", "yes", "status")


def shows_picture(labels: Mapping[str, str]) -> bool:
    """Whether citizens may see its last picture."""
    return labels.get("public", "").lower() in ("live", "yes")


def shows_live(labels: Mapping[str, str]) -> bool:
    """Whether citizens may see it live."""
    return labels.get("public", "").lower() == "live"


def cuts(conn: sqlite3.Connection) -> dict[str, PublicCut]:
    """The cuts in force, by camera."""
    rows = conn.execute(
        "SELECT c.id, p.since_us, p.reason, p.cut_by FROM public_cut p JOIN camera c ON c.key = p.camera"
        " WHERE p.ended_us IS NULL"
    )
    return {row[0]: PublicCut(*row) for row in rows}


def _reason(text: str, missing: Sentence) -> str:
    try:
        kept = many_lines(Sentence("the reason"), text, may_be_empty=True)
    except TextError as error:
        raise CutError(sentence_of(error)) from None
    if not kept:
        raise CutError(missing)
    return kept


def cut(conn: sqlite3.Connection, camera: str, *, reason: str, by: Actor, now_us: int) -> PublicCut:
    """Cuts a camera's public view from now on.

    Raises:
        KeyError: there never was such a camera.
        CutError: the reason is missing, or it is cut already.
    """
    reason = _reason(reason, Sentence("a cut needs a reason"))
    key = key_of(conn, camera)
    if camera in cuts(conn):
        raise CutError(Sentence("its public view is cut already"))
    conn.execute(
        "INSERT INTO public_cut (id, camera, since_us, reason, cut_by, cut_by_id) VALUES (?, ?, ?, ?, ?, ?)",
        (secrets.token_hex(6), key, now_us, reason, by.name, by.person),
    )
    audit.append(conn, "public_view_cut", camera=camera, detail={"reason": reason})
    return PublicCut(camera, now_us, reason, by.name)


def restore(conn: sqlite3.Connection, camera: str, *, reason: str, by: Actor, now_us: int) -> None:
    """Ends the cut.

    Raises:
        KeyError: there never was such a camera.
        CutError: the reason is missing, or it is not cut.
    """
    reason = _reason(reason, Sentence("ending a cut needs a reason"))
    done = conn.execute(
        "UPDATE public_cut SET ended_us = ?, ended_by = ?, ended_by_id = ?, end_reason = ?"
        " WHERE camera = ? AND ended_us IS NULL",
        (now_us, by.name, by.person, reason, key_of(conn, camera)),
    )
    if not done.rowcount:
        raise CutError(Sentence("its public view is not cut"))
    audit.append(conn, "public_view_restored", camera=camera, detail={"reason": reason})
