"""Shares of what is held for as long as a client likes: of so much in all, and so much of one who asks.

Belongs here: memory, files and descriptors that an answer takes until it is taken. Invariant: who loads much, slowly,
keeps nobody else from being answered; a single thing is never too large to be had at all.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from nvr.api.http.errors import ApiError
from nvr.api.http.pools import asker
from storage.sentences import Sentence

__all__ = ["Shares"]


class Shares:
    """At most ``most`` are taken, ``most_of_one`` of them by one who asks; ``refusal`` says what is too much. Safe to
    use from several threads."""

    def __init__(self, most: int, most_of_one: int, refusal: Sentence) -> None:
        self._most, self._most_of_one, self._refusal = most, most_of_one, refusal
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()
        self._total = 0

    @property
    def taken(self) -> int:
        """How much is taken."""
        return self._total

    def __len__(self) -> int:
        """By how many who ask."""
        return len(self._of)

    def take(self, amount: int = 1) -> Callable[[], None]:
        """Takes a share for whoever asks in this context; what it returns gives it back, however often it is called.

        Raises:
            ApiError: ``busy``.
        """
        who = asker.get()
        with self._lock:
            theirs = self._of[who]
            if (self._total and self._total + amount > self._most) or (theirs and theirs + amount > self._most_of_one):
                raise ApiError("busy", self._refusal, headers={"Retry-After": "30"})
            self._of[who] += amount
            self._total += amount
        is_taken = True

        def give_back() -> None:
            nonlocal is_taken
            with self._lock:
                if not is_taken:
                    return
                is_taken = False
                self._total -= amount
                self._of[who] -= amount
                if self._of[who] <= 0:
                    del self._of[who]

        return give_back
