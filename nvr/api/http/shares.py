"""Places of something that lies there for as long as a client likes: so many in all, so many of one who asks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from nvr.api.http.errors import ApiError
from nvr.api.http.pools import asker
from storage.sentences import Sentence

__all__ = ["Shares"]


class Shares:
    """At most ``most`` are taken, ``most_of_one`` of them by one who asks. Safe to use from several threads."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._of.total()

    def take(self) -> Callable[[], None]:
        """Takes a place for whoever asks in this context; what it returns gives it back, however often it is called.

        Raises:
            ApiError: ``busy``.
        """
        who = asker.get()
        with self._lock:
            if self._of.total() >= self._most or self._of[who] >= self._most_of_one:
                raise ApiError(
                    "busy",
                    Sentence("other reports are not taken yet: load them, or try again later"),
                    headers={"Retry-After": "30"},
                )
            self._of[who] += 1

        is_taken = True

        def give_back() -> None:
            nonlocal is_taken
            with self._lock:
                if not is_taken:
                    return
                is_taken = False
                self._of[who] -= 1
                if not self._of[who]:
                    del self._of[who]

        return give_back
