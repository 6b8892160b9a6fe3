"""A clip while it is sent: what it holds of memory and files is counted until it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from nvr.api.answers.sending import Sendable
from nvr.api.http.services import Services
from nvr.playback.clip.extents import ClipCost

__all__ = ["HeldClip", "hold"]


class Costly(Sendable, Protocol):
    """A clip, or several as one archive."""

    @property
    def cost(self) -> ClipCost:
        """What it takes until it is closed."""


class HeldClip:
    """A clip whose share is given back when it is closed, at the latest when nobody has it any more."""

    def __init__(self, clip: Costly, give_back: Callable[[], None]) -> None:
        self._clip = clip
        self._give_back = give_back

    @property
    def size(self) -> int:
        """In bytes."""
        return self._clip.size

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """As the clip's."""
        return self._clip.chunks(first, last)

    def close(self) -> None:
        """Closes the clip; a second time does nothing."""
        self._clip.close()
        self._give_back()

    def __del__(self) -> None:
        # An answer that nobody ever began to send.
        self._give_back()


def hold(services: Services, clip: Costly) -> HeldClip:
    """The clip, its share taken by whoever asks in this context.

    Raises:
        ApiError: ``busy``: others, or the same, load too much already. The clip is closed then.
    """
    give_back: list[Callable[[], None]] = []
    try:
        give_back.append(services.clip_files.take(clip.cost.files))
        give_back.append(services.clip_bytes.take(clip.cost.bytes))
    except BaseException:
        for one in give_back:
            one()
        clip.close()
        raise

    def all_back() -> None:
        for one in give_back:
            one()

    return HeldClip(clip, all_back)
