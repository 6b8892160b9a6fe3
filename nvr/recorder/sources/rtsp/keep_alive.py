"""Keeping a session alive: how often, and by which request. Pure, but for what is remembered of a camera while the
process lives.

Invariant: nothing that a camera does about these requests is a reason to end a run; whether it lives is told by its
media.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["DEFAULT_TIMEOUT_S", "KeepAlive", "forget", "session_timeout_s"]

DEFAULT_TIMEOUT_S: Final = 60.0  # RFC 2326 12.37
_TIMEOUT: Final = re.compile(r"timeout\s*=\s*(\d{1,9}(?:\.\d{1,3})?)", re.IGNORECASE)
# Which requests, the preferred first. All cameras must understand OPTIONS; the others are sent where they are offered,
# or where nothing is.
_METHODS: Final = ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER")
_ALWAYS: Final = "OPTIONS"
# An answer is waited for this part of the session's timeout: three methods fit between one keep-alive and the timeout.
_PART: Final = 8
_SHORTEST_WAIT_S: Final = 1.0
_MOST_REMEMBERED: Final = 20_000

# By URL: requests that made a camera close the connection.
_CLOSING: Final[dict[str, set[str]]] = {}


def session_timeout_s(parameters: str) -> float:
    """The timeout of a ``Session`` header's parameters, in seconds. Without one, and for 0, it is the standard's; some
    cameras count milliseconds, or send the largest number that they have: more than the standard's is never relied on.
    """
    match = _TIMEOUT.search(parameters)
    said_s = float(match[1]) if match else 0.0
    return DEFAULT_TIMEOUT_S if said_s < 0.1 else min(DEFAULT_TIMEOUT_S, max(1.0, said_s))


def forget() -> None:
    """Forgets all cameras."""
    _CLOSING.clear()


class KeepAlive:
    """The requests of one session. ``offered``: the methods that the camera says it understands."""

    def __init__(self, url: str, offered: frozenset[str]) -> None:
        self._url = url
        methods = [name for name in _METHODS if not offered or name in offered or name == _ALWAYS]
        self._methods = [name for name in methods if name not in _CLOSING.get(url, ())]
        self._unanswered: set[str] = set()

    @property
    def method(self) -> str | None:
        """The request that is sent next; None: receiver reports alone."""
        return self._methods[0] if self._methods else None

    def wait_s(self, timeout_s: float) -> float:
        """How long an answer is waited for, in a session of this timeout."""
        return max(_SHORTEST_WAIT_S, timeout_s / _PART)

    def attempts(self) -> Iterator[str]:
        """The requests to send now, one after the other, until one is answered. A method that was never answered is
        sent again, since it may do its work all the same, but alone."""
        tried: set[str] = set()
        while self._methods and (method := self._methods[0]) not in tried:
            if tried and method in self._unanswered:
                return
            tried.add(method)
            yield method

    def answered(self, method: str) -> None:
        """The camera agreed."""
        self._unanswered.discard(method)

    def unanswered(self, method: str) -> None:
        """No answer came: another method first, from now on."""
        self._unanswered.add(method)
        self._methods.remove(method)
        self._methods.append(method)

    def refused(self, method: str) -> None:
        """The camera does not want this request: not again in this session."""
        self._methods.remove(method)

    def login_refused(self) -> None:
        """The camera does not take the login for these requests: none of them again in this session, since each may
        count as a wrong password."""
        self._methods.clear()

    def closed(self, method: str) -> None:
        """The camera closed the connection instead of an answer: not in its next sessions either."""
        if len(_CLOSING) >= _MOST_REMEMBERED:
            _CLOSING.clear()
        _CLOSING.setdefault(self._url, set()).add(method)
