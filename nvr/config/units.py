"""Durations and sizes as people write them, and the types of the settings that hold them.

Text in, integers out: microseconds and bytes. Nothing is rounded silently: what isn't a whole microsecond or byte is
refused. In a file a bare number is refused as well, since nobody can tell its unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from storage.sentences import Sentence, sentence_of

if TYPE_CHECKING:
    # Who writes durations and sizes needs no model.
    from pydantic import BeforeValidator, ValidationInfo

__all__ = ["SpaceFloor", "duration", "format_duration", "format_size", "parse_duration_us", "parse_size_bytes", "size"]

_DURATION_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_SIZE_BYTES = {"B": 1} | {
    f"{prefix}{suffix}": base**power
    for suffix, base in (("B", 1000), ("iB", 1024))
    for power, prefix in enumerate(("K", "M", "G", "T", "P"), start=1)
}
_SIZE_UNITS = {unit.lower(): factor for unit, factor in _SIZE_BYTES.items()}

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", re.ASCII)
_DURATION = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*[A-Za-z]+\s*)+", re.ASCII)
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)

# A century: far beyond any retention, and its distance from now still fits 64 bits in any unit we use.
_MAX_DURATION_US = 36_525 * _DURATION_US["d"]
_MAX_SIZE_BYTES = 2**62

_DURATION_HELP = Sentence('write a number with a unit (us, ms, s, m, h, d, w), such as "30d", "5m" or "1h 30m"')
_SIZE_HELP = Sentence('write a number with a unit (B, KB, MB, GB, TB, PB, or KiB, MiB, …), such as "500GB" or "1.5TB"')


def parse_duration_us(text: str) -> int:
    """The microseconds of ``30d``, ``5m``, ``500ms``, ``1h 30m``.

    Raises:
        ValueError: not a duration, not whole microseconds, or more than a century.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(Sentence('"{text}" is not a duration; {remedy}', text=text, remedy=_DURATION_HELP))
    total = Fraction(0)
    for number, unit in _PART.findall(text):
        if unit not in _DURATION_US:
            raise ValueError(
                Sentence(
                    '"{text}" has the unknown unit "{unit}"; {remedy}', text=text, unit=unit, remedy=_DURATION_HELP
                )
            )
        total += Fraction(number) * _DURATION_US[unit]
    if total.denominator != 1:
        raise ValueError(Sentence('"{text}" is finer than a microsecond; write whole microseconds', text=text))
    if total > _MAX_DURATION_US:
        raise ValueError(Sentence('"{text}" is more than a hundred years; write a shorter duration', text=text))
    return int(total)


def parse_size_bytes(text: str) -> int:
    """The bytes of ``500GB`` (powers of 1000) or ``1.5TiB`` (powers of 1024). Upper and lower case are the same.

    Raises:
        ValueError: not a size, not whole bytes, or more than a file system can hold.
    """
    match = _PART.fullmatch(text.strip())
    factor = _SIZE_UNITS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(Sentence('"{text}" is not a size; {remedy}', text=text, remedy=_SIZE_HELP))
    total = Fraction(match[1]) * factor
    if total.denominator != 1:
        raise ValueError(Sentence('"{text}" is not a whole number of bytes; write it in a smaller unit', text=text))
    if total > _MAX_SIZE_BYTES:
        raise ValueError(Sentence('"{text}" is more than any disk holds; write a smaller size', text=text))
    return int(total)


def format_duration(duration_us: int) -> str:
    """The shortest exact text that ``parse_duration_us`` reads back, such as ``30d``."""
    for unit in ("d", "h", "m", "s", "ms"):
        if duration_us and duration_us % _DURATION_US[unit] == 0:
            return f"{duration_us // _DURATION_US[unit]}{unit}"
    return f"{duration_us}us" if duration_us else "0s"


def format_size(size_bytes: int) -> str:
    """The shortest exact text that ``parse_size_bytes`` reads back, such as ``500GB``; decimal units where both fit."""
    fitting = [
        (size_bytes // factor, unit) for unit, factor in _SIZE_BYTES.items() if size_bytes and size_bytes % factor == 0
    ]
    number, unit = min(fitting, default=(0, "B"), key=lambda pair: pair[0])
    return f"{number}{unit}"


def _without_unit(value: object, info: ValidationInfo, help_text: Sentence) -> int:
    """A value that isn't text: integers pass in settings made by code, never in a file."""
    in_file = bool(info.context)
    if isinstance(value, int) and not isinstance(value, bool) and not in_file:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(Sentence("{value} has no unit; {remedy}, in quotes", value=value, remedy=help_text))
    raise ValueError(Sentence("must be text; {remedy}", remedy=help_text))


def duration(minimum: str, maximum: str) -> BeforeValidator:
    """A validator for settings in microseconds within the bounds, both included."""
    from pydantic import BeforeValidator

    lowest_us, highest_us = parse_duration_us(minimum), parse_duration_us(maximum)

    def validate(value: object, info: ValidationInfo) -> int:
        is_text = isinstance(value, str)
        duration_us = parse_duration_us(str(value)) if is_text else _without_unit(value, info, _DURATION_HELP)
        if not lowest_us <= duration_us <= highest_us:
            raise ValueError(
                Sentence(
                    'must be between "{least}" and "{most}"; it is "{given}"',
                    least=minimum,
                    most=maximum,
                    given=format_duration(duration_us),
                )
            )
        return duration_us

    return BeforeValidator(validate)


def size(minimum: str) -> BeforeValidator:
    """A validator for settings in bytes, at least ``minimum``."""
    from pydantic import BeforeValidator

    lowest = parse_size_bytes(minimum)

    def validate(value: object, info: ValidationInfo) -> int:
        is_text = isinstance(value, str)
        size_bytes = parse_size_bytes(str(value)) if is_text else _without_unit(value, info, _SIZE_HELP)
        if size_bytes < lowest:
            raise ValueError(
                Sentence('must be at least "{least}"; it is "{given}"', least=minimum, given=format_size(size_bytes))
            )
        return size_bytes

    return BeforeValidator(validate)


@dataclass(frozen=True, slots=True)
class SpaceFloor:
    """Free space that must stay: so many bytes, or so many percent of the disk."""

    fixed_bytes: int = 0
    percent: Decimal = Decimal(0)

    @classmethod
    def parse(cls, value: object) -> SpaceFloor:
        """From ``5GB`` or ``5%``.

        Raises:
            ValueError: neither a size nor a percentage under 100.
        """
        if isinstance(value, SpaceFloor):
            return value
        if not isinstance(value, str):
            raise ValueError(Sentence('must be text; write a size such as "5GB" or a share of the disk such as "5%"'))
        if match := _PERCENT.fullmatch(value):
            percent = Decimal(match[1])
            if percent >= 100:
                raise ValueError(
                    Sentence('"{value}" would leave no room for footage; write less than "100%"', value=value)
                )
            return cls(percent=percent)
        try:
            return cls(fixed_bytes=parse_size_bytes(value))
        except ValueError as error:
            raise ValueError(
                Sentence('{error}; a share of the disk such as "5%" works too', error=sentence_of(error))
            ) from None

    def of(self, total_bytes: int) -> int:
        """The bytes to keep free on a disk of ``total_bytes``."""
        return max(self.fixed_bytes, int(total_bytes * self.percent / 100))

    def __str__(self) -> str:
        return f"{self.percent:f}%" if self.percent else format_size(self.fixed_bytes)
