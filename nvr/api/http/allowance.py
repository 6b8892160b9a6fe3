"""How often something may be done: so many times in a while of each network, and of all together. For what strangers
may write. Invariant: memory is bounded."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from nvr.api.http.attempts import network_of
from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["Allowance"]

_MOST_NETWORKS: Final = 5_000


class Allowance:
    """``most_of_one`` within ``seconds`` of a network, ``most`` of all. Safe to use from several threads."""

    def __init__(
        self,
        *,
        most_of_one: int,
        most: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        most_networks: int = _MOST_NETWORKS,
    ) -> None:
        self._most_of_one, self._most, self._seconds = most_of_one, most, seconds
        self._clock = clock
        self._most_networks = most_networks
        self._lock = threading.Lock()
        # By network: when its while began, and how many there were in it.
        self._of: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._all = (clock(), 0)

    def __len__(self) -> int:
        """Of how many networks it is known."""
        return len(self._of)

    def take(self, address: str) -> None:
        """Once more.

        Raises:
            ApiError: ``too_many_attempts``: it was done too often; the answer says when to try again.
        """
        network, now_s = network_of(address), self._clock()
        with self._lock:
            mine, all_ = self._renewed(self._of.get(network), now_s), self._renewed(self._all, now_s)
            for (began_s, count), most in ((mine, self._most_of_one), (all_, self._most)):
                if count >= most:
                    wait_s = max(1, math.ceil(began_s + self._seconds - now_s))
                    raise ApiError(
                        "too_many_attempts",
                        Sentence("that was done too often: try again in {wait_s} s", wait_s=wait_s),
                        headers={"Retry-After": str(wait_s)},
                    )
            self._of[network] = mine[0], mine[1] + 1
            self._of.move_to_end(network)
            self._all = all_[0], all_[1] + 1
            while len(self._of) > self._most_networks:
                self._of.popitem(last=False)

    def _renewed(self, known: tuple[float, int] | None, now_s: float) -> tuple[float, int]:
        return (now_s, 0) if known is None or now_s - known[0] >= self._seconds else known
