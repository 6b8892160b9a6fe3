"""Which nodes are dead, as one observer may say. Pure: times are seconds of its own monotonic clock.

Invariant: a node is called dead only if this observer saw its beat unchanged for a whole time to live while it was
itself connected, and looked, all that time. So an outage of the coordinator, or of the observer, kills nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from nvr.fleet.model import TTL_S

__all__ = ["Health", "Observation"]

Health = Literal["alive", "dead", "unknown"]
"""``unknown``: not watched for long enough to tell."""


# Looks are a second apart, but for what the loop was late.
_LATE_S: Final = 0.2


class Observation:
    """``saw`` and ``failed`` are told in the order in which it happens."""

    def __init__(self, ttl_s: float = TTL_S) -> None:
        self._ttl_s = ttl_s
        self._last_s: float | None = None
        # Of each node its token, since when it is that, and whether it was seen to change.
        self._seen: dict[str, tuple[tuple[str, int], float, bool]] = {}

    def failed(self) -> None:
        """The observer could not look: what it saw before proves nothing any more."""
        self._last_s = None
        self._seen.clear()

    def saw(self, at_s: float, tokens: Mapping[str, tuple[str, int]]) -> None:
        """The beats of all nodes at ``at_s``. After a pause of half a time to live the observer itself was held up,
        perhaps with all others (a suspended machine): it begins anew."""
        if self._last_s is not None and at_s - self._last_s > self._ttl_s / 2:
            self.failed()
        self._last_s = at_s
        for node in self._seen.keys() - tokens.keys():
            del self._seen[node]
        for node, token in tokens.items():
            before = self._seen.get(node)
            if before is None:
                self._seen[node] = (token, at_s, False)
            elif before[0] != token:
                self._seen[node] = (token, at_s, True)

    def health(self, node: str) -> Health:
        """Of a node, as of the last look."""
        found = self._seen.get(node)
        if found is None or self._last_s is None:
            return "unknown"
        _, since_s, has_changed = found
        if self._last_s - since_s >= self._ttl_s - _LATE_S:
            return "dead"
        return "alive" if has_changed else "unknown"
