"""Times, lengths and numbers as people of a language and a zone read them. Pure.

Invariant: a time is never written without its zone, and a length that happened is never written as nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from nvr.texts.words import Language, words
from storage.sentences import fill

__all__ = ["Formats", "zone_name"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Indonesia's zones have names that everyone there uses; the time zone database knows only some of them.
_ZONE_NAMES: Final = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Ujung_Pandang": "WITA",
    "Asia/Jayapura": "WIT",
    "Etc/UTC": "UTC",
}


def zone_name(zone: str, at_us: int) -> str:
    """``WIB``, ``CET``, ``UTC``; ``+0545`` style names become ``UTC+05:45``."""
    if known := _ZONE_NAMES.get(zone):
        return known
    local = (_EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))
    name = local.tzname() or zone
    return name if name[:1].isalpha() else f"UTC{_offset(local)}"


def _offset(local: datetime) -> str:
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"


class Formats:
    """``language`` and ``zone`` (IANA) of the reader."""

    def __init__(self, language: Language, zone: str) -> None:
        self.words = words(language)
        self.zone = zone
        self._zone = ZoneInfo(zone)

    def local(self, at_us: int) -> datetime:
        """The civil time in the reader's zone."""
        return (_EPOCH + timedelta(microseconds=at_us)).astimezone(self._zone)

    @property
    def is_utc(self) -> bool:
        """Whether the reader's zone is UTC, so that a second column would say the same."""
        return self.zone in ("UTC", "Etc/UTC")

    def offset(self, at_us: int) -> str:
        """``UTC+07:00``."""
        return f"UTC{_offset(self.local(at_us))}"

    def time(self, at_us: int) -> str:
        """``23 Nov 2026 14:05:06 WIB``, with as many digits of a second as it has."""
        at = self.local(at_us)
        return (
            f"{at.day} {self.words.short_months[at.month - 1]} {at.year} {_clock(at, self.words.units.decimal)}"
            f" {zone_name(self.zone, at_us)}"
        )

    def utc(self, at_us: int) -> str:
        """``2026-11-23 07:05:06.25 UTC``: the same in every language, so that two people can compare it."""
        at = _EPOCH + timedelta(microseconds=at_us)
        return f"{at.date().isoformat()} {_clock(at, '.')} UTC"

    def both(self, at_us: int) -> str:
        """Local time, and UTC in brackets."""
        return self.time(at_us) if self.is_utc else f"{self.time(at_us)} ({self.utc(at_us)})"

    def period(self, start_us: int, end_us: int) -> str:
        """``23 Nov 2026 14:05:06 WIB – 24 Nov 2026 00:00:00 WIB``."""
        return f"{self.time(start_us)} – {self.time(end_us)}"

    def utc_period(self, start_us: int, end_us: int) -> str:
        """The same in UTC."""
        return f"{self.utc(start_us)} – {self.utc(end_us)}"

    def length(self, us: int) -> str:
        """``2 h 5 min``, ``1 min 4 s``, ``0.4 s``: the two largest units."""
        unit = self.words.units
        if us <= 0:
            return f"0 {unit.second}"
        if us < 9_950_000:
            # A length that happened is never nothing.
            digits = 1 if us >= 50_000 else 3 if us >= 500 else 6
            text = f"{us / 1e6:.{digits}f}".rstrip("0").rstrip(".")
            return f"{text.replace('.', unit.decimal)} {unit.second}"
        whole = round(us / 1e6)
        parts = [
            (whole // 86_400, unit.day),
            (whole // 3600 % 24, unit.hour),
            (whole // 60 % 60, unit.minute),
            (whole % 60, unit.second),
        ]
        first = next(number for number, (count, _) in enumerate(parts) if count)
        return " ".join(f"{count} {name}" for count, name in parts[first : first + 2] if count)

    def seconds(self, us: int) -> str:
        """Seconds with as many digits as there are, such as ``1,234.5 s``: what the two largest units leave out."""
        whole, rest = divmod(us, 1_000_000)
        fraction = f"{self.words.units.decimal}{rest:06d}".rstrip("0") if rest else ""
        return f"{self.number(whole)}{fraction} {self.words.units.second}"

    def number(self, value: int) -> str:
        """``12,345`` or ``12.345``."""
        return f"{value:,}".replace(",", self.words.units.thousands)

    def percent(self, part: int, whole: int) -> str:
        """Rounded down, so that a day with a gap never reads 100 %. ``–`` of nothing."""
        if whole <= 0:
            return "–"
        hundredths = 10_000 if part >= whole else part * 10_000 // whole
        text = f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
        return text.replace(".", self.words.units.decimal) + " %"

    def say(self, key: str, **values: object) -> str:
        """A sentence of reports with its values filled in."""
        return fill(self.words.report[key], values)


def _clock(at: datetime, decimal: str) -> str:
    # As strftime would, for a third of the time: a report has thousands.
    text = f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    return f"{text}{decimal}{at.microsecond:06d}".rstrip("0") if at.microsecond else text
