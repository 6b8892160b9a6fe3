"""Sender reports between packets. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["end_of_report"]

_DOLLAR: Final = 0x24
_LEAST: Final = 4 + 28
_SENDER_REPORT: Final = 200
# And a description of the source.
_HARMLESS: Final = frozenset({200, 202})


def end_of_report(data: bytearray, at: int, end: int, channel: int, payload_type: int) -> int:
    """Where the interleaved packet of this channel ends that begins at ``at``, if it is a sender report with nothing
    that would be news; 0 if not. ``payload_type`` is the track's, which its packets may have on the same channel."""
    if end - at < _LEAST or data[at] != _DOLLAR or data[at + 1] != channel:
        return 0
    begin = at + 4
    stop = begin + (data[at + 2] << 8 | data[at + 3])
    if stop > end or data[begin + 1] != _SENDER_REPORT or payload_type == _SENDER_REPORT & 0x7F:
        return 0
    part = begin
    while part + 4 <= stop and data[part + 1] in _HARMLESS:
        part += 4 * ((data[part + 2] << 8 | data[part + 3]) + 1)
    return stop if part == stop else 0
