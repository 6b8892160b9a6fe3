"""What became of a time that was asked for: the one place that adds it up.

Pure. Invariant: recorded, not recorded, no longer there, not required and not known yet are together what was asked
for, to the microsecond, of one camera and of any number. Three things without footage are three words, everywhere:

- *not recorded*: there should have been footage, and there was none (an outage);
- *no longer there*: there was, and it was pruned, deleted or lost since;
- *not required*: there need not be any (an order, a window, a schedule, before the camera was set up).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from storage.coverage.figures import NOT_REQUIRED, REQUIRED, Category, Figures

__all__ = ["TimeAccount"]

_NO_FOOTAGE: Final = tuple(Category)[1:]


@dataclass(frozen=True, slots=True)
class TimeAccount:
    """Microseconds; ``asked_us`` is all of them together.

    Raises:
        ValueError: more is known than was asked for.
    """

    asked_us: int = 0
    recorded_us: int = 0
    not_recorded_us: int = 0
    no_longer_there_us: int = 0
    not_required_us: int = 0

    def __post_init__(self) -> None:
        if self.not_known_us < 0:
            raise ValueError(f"more is known than was asked for: {self}")

    @property
    def missing_us(self) -> int:
        """Without footage, as far as is known."""
        return self.not_recorded_us + self.no_longer_there_us + self.not_required_us

    @property
    def not_known_us(self) -> int:
        """Of which nothing is known yet."""
        return self.asked_us - self.recorded_us - self.missing_us

    def __add__(self, other: TimeAccount) -> TimeAccount:
        """Of two times, or two cameras."""
        return TimeAccount(
            self.asked_us + other.asked_us,
            self.recorded_us + other.recorded_us,
            self.not_recorded_us + other.not_recorded_us,
            self.no_longer_there_us + other.no_longer_there_us,
            self.not_required_us + other.not_required_us,
        )

    @classmethod
    def of_figures(cls, mine: Figures, asked_us: int) -> TimeAccount:
        """Of figures over ``asked_us``, which counts each camera's time."""
        missing = {name: int(getattr(mine, f"{name}_us")) for name in _NO_FOOTAGE}
        return cls.of_categories(asked_us, mine.recorded_us, missing)

    @classmethod
    def of_categories(cls, asked_us: int, recorded_us: int, missing_us: dict[Category, int]) -> TimeAccount:
        """Of the time without footage by category."""
        return cls(
            asked_us,
            recorded_us,
            sum(missing_us.get(name, 0) for name in REQUIRED),
            missing_us.get(Category.REMOVED, 0),
            sum(missing_us.get(name, 0) for name in NOT_REQUIRED),
        )
