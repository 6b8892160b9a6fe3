"""Slowing down whoever guesses passwords.

Failures count per user and address, and per address alone (one password tried on many users). After a few free ones
each further failure doubles the wait. Invariant: memory is bounded, and an attempt counts as failed until it has
succeeded, so that sending many at once gains nothing.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nvr.api.http.errors import ApiError
from nvr.backoff import Backoff
from storage.sentences import Sentence

__all__ = ["Attempts", "network_of"]

_FREE_PER_USER: Final = 5
# Higher: an office's users share one address.
_FREE_PER_ADDRESS: Final = 30
_WAITS: Final = Backoff(1.0, 900.0)
# After this long without an attempt all is forgotten.
_FORGET_S: Final = 3600.0
_MOST_ENTRIES: Final = 10_000


@dataclass(slots=True)
class _Record:
    failures: int
    last_s: float


class _Counter:
    """Failures by key, the longest unused ones forgotten first."""

    def __init__(self, free: int, most: int) -> None:
        self._free = free
        self._most = most
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """How long this key has to wait yet."""
        record = self._records.get(key)
        if record is None or now_s - record.last_s >= _FORGET_S or record.failures < self._free:
            return 0.0
        return max(0.0, record.last_s + _WAITS.after(record.failures - self._free + 1) - now_s)

    def add(self, key: str, now_s: float) -> None:
        record = self._records.pop(key, None)
        if record is None or now_s - record.last_s >= _FORGET_S:
            record = _Record(0, now_s)
        record.failures += 1
        record.last_s = now_s
        self._records[key] = record
        if len(self._records) > self._most:
            self._records.popitem(last=False)

    def forgive(self, key: str, *, all_: bool) -> None:
        record = self._records.get(key)
        if record is None:
            return
        record.failures = 0 if all_ else record.failures - 1
        if record.failures <= 0:
            del self._records[key]

    def __len__(self) -> int:
        return len(self._records)


class Attempts:
    """The attempts of all; safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST_ENTRIES) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._users = _Counter(_FREE_PER_USER, most)
        self._addresses = _Counter(_FREE_PER_ADDRESS, most)

    def begin(self, user: str, address: str) -> None:
        """An attempt begins; it counts as failed until ``succeeded``.

        Raises:
            ApiError: ``too_many_attempts``.
        """
        network = network_of(address)
        now_s = self._clock()
        with self._lock:
            wait_s = max(self._users.wait_s(_key(user, network), now_s), self._addresses.wait_s(network, now_s))
            if wait_s > 0:
                whole_s = math.ceil(wait_s)
                raise ApiError(
                    "too_many_attempts",
                    Sentence("too many failed attempts: try again in {whole_s} s", whole_s=whole_s),
                    headers={"Retry-After": str(whole_s)},
                )
            self._users.add(_key(user, network), now_s)
            self._addresses.add(network, now_s)

    def succeeded(self, user: str, address: str) -> None:
        """The attempt was none of guessing. The address is forgiven this one only: it may be guessing others'
        passwords."""
        network = network_of(address)
        with self._lock:
            self._users.forgive(_key(user, network), all_=True)
            self._addresses.forgive(network, all_=False)

    def withdrawn(self, user: str, address: str) -> None:
        """The attempt that began was not made."""
        network = network_of(address)
        with self._lock:
            self._users.forgive(_key(user, network), all_=False)
            self._addresses.forgive(network, all_=False)

    def __len__(self) -> int:
        return len(self._users) + len(self._addresses)


def _key(user: str, network: str) -> str:
    # A name a megabyte long must not be kept.
    return f"{network} {user[:64]}"


def network_of(address: str) -> str:
    """Who an address belongs to: of IPv6 a subscriber has at least a /64."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
