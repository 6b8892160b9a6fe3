"""How a camera is read: by which source, and over which transport. Pure, and free of media, since the supervisor plans
with it.

A camera's settings say what is tried first. Where that brings nothing, something else is tried, and what worked is
remembered until the settings or the camera's session description change. Invariants: the source changes at most once in
``CHANGE_US``; what once worked is asked for first.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from nvr.config import RecordedCamera
from nvr.sources import choose
from storage.causes import Cause

__all__ = ["CHANGE_US", "Reading", "Transports", "by_settings", "settings_digest"]

CHANGE_US: Final = 3600 * 1_000_000
_CHANGE_S: Final = CHANGE_US / 1e6
# Attempts in vain, over a transport that has worked before, after which the other one is tried.
_IN_VAIN: Final = 3
# Ends of an attempt that another transport may have spared: a refusal, silence, nothing that could be decoded. Not
# those of an address or a login.
_OF_TRANSPORT: Final = frozenset({Cause.REJECTED, Cause.STALLED, Cause.ENDED, Cause.CORRUPT, Cause.UNREACHABLE})


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``source``: a name of ``nvr.sources.SOURCES``; ``transport``: what is asked for first, ``tcp`` or ``udp``;
    ``worked``: the camera was recorded so before."""

    source: str
    transport: str
    worked: bool = False


def by_settings(camera: RecordedCamera) -> Reading:
    """What is tried first."""
    return Reading(source=choose(camera.source, camera.url, camera.transport).name, transport=camera.transport)


def settings_digest(camera: RecordedCamera) -> str:
    """Of the settings that decide how a camera is read, secrets left out."""
    values = (camera.url, camera.username, camera.source, camera.transport, camera.audio)
    return hashlib.sha256(repr(values).encode()).hexdigest()[:32]


class Transports:
    """Which transport a source that tries several is to ask for at the next attempt. ``setting`` is the camera's: with
    ``udp`` nothing else is tried. ``first``: what worked when it was last recorded. Times are seconds of a monotonic
    clock."""

    def __init__(self, setting: str, first: str, *, worked: bool) -> None:
        self._can_change = setting == "tcp"
        self.asked = first if self._can_change else setting
        """For the next attempt."""
        self._worked: str | None = self.asked if worked else None
        self._in_vain = 0
        self._tried_s = float("-inf")

    @property
    def worked(self) -> str | None:
        """What footage came over; None as long as there was none."""
        return self._worked

    def ended(self, cause: Cause, *, refused_address: bool, had_footage: bool, now_s: float) -> bool:
        """An attempt is over. Says whether the next one should begin at once, because it will be over another
        transport. ``refused_address``: there was nobody at the camera's address to ask."""
        if had_footage:
            self._worked, self._in_vain = self.asked, 0
            return False
        if not self._can_change or refused_address or cause not in _OF_TRANSPORT:
            return False
        if self._worked is None:
            # Both are tried in turn; after the pair the usual wait.
            self._in_vain += 1
            self.asked = _other(self.asked)
            return self._in_vain % 2 == 1
        if self.asked != self._worked:
            self.asked, self._in_vain = self._worked, 0
            return False
        self._in_vain += 1
        if self._in_vain >= _IN_VAIN and now_s - self._tried_s >= _CHANGE_S:
            self._tried_s, self.asked = now_s, _other(self.asked)
            return True
        return False


def _other(transport: str) -> str:
    return "udp" if transport == "tcp" else "tcp"
