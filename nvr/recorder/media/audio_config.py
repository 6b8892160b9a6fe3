"""What AAC says of itself: the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and the header of an ADTS frame (1.A.2.2).
Pure; the bytes are a camera's.

Invariant: a format that comes from here is one that players take; what they would not is None.
"""

from __future__ import annotations

from typing import Final

from nvr.recorder.media.packets import AudioFormat

__all__ = ["aac_format", "adts_frames", "lc_config"]

_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS: Final = (0, 1, 2, 3, 4, 5, 6, 8)
_LC: Final = 2
_SBR, _PS = 5, 29
# Main, LC, SSR, LTP, and LC with error resilience, low delay or both: what has frames of GASpecificConfig (1.6.2.1)
_KNOWN: Final = frozenset({1, 2, 3, 4, 17, 19, 23})
_LOW_DELAY: Final = 23
_ADTS_BYTES: Final = 7


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next bits; zeros behind the end."""
        self._left -= count
        return (self._value >> self._left if self._left >= 0 else self._value << -self._left) & ((1 << count) - 1)

    def object_type(self) -> int:
        """An audioObjectType."""
        kind = self.take(5)
        return 32 + self.take(6) if kind == 31 else kind

    def rate(self) -> int:
        """A sampling frequency, 0 if it is reserved."""
        index = self.take(4)
        if index == 15:
            return self.take(24)
        return _RATES[index] if index < len(_RATES) else 0


def aac_format(config: bytes, clock_rate: int = 0, channels: int = 0) -> AudioFormat | None:
    """The format that an AudioSpecificConfig describes; None if none that is recorded. ``clock_rate`` and ``channels``,
    where something else says so too, count only where the configuration leaves them open."""
    if not 2 <= len(config) <= 64:
        return None
    bits = _Bits(config)
    kind, core_rate = bits.object_type(), bits.rate()
    declared = bits.take(4)
    rate = core_rate
    if kind in (_SBR, _PS):
        rate, kind = bits.rate(), bits.object_type()
    elif clock_rate == 2 * core_rate:
        # Spectral band replication that only shows in the frames: players double the rate.
        rate = clock_rate
    channels = _CHANNELS[declared] if 0 < declared < len(_CHANNELS) else channels if declared == 0 else 0
    if kind not in _KNOWN or rate not in _RATES or core_rate not in _RATES or channels not in _CHANNELS[1:]:
        return None
    short = bits.take(1)
    samples = (480 if short else 512) if kind == _LOW_DELAY else 960 if short else 1024
    return AudioFormat("aac", rate, channels, config, samples * rate // core_rate)


def lc_config(rate: int, channels: int) -> bytes | None:
    """The AudioSpecificConfig of AAC-LC with frames of 1024 samples; None if AAC has no such rate or number of
    channels."""
    if rate not in _RATES or channels not in _CHANNELS[1:]:
        return None
    return (_LC << 11 | _RATES.index(rate) << 7 | _CHANNELS.index(channels) << 3).to_bytes(2, "big")


def adts_frames(data: bytes) -> list[tuple[AudioFormat, bytes]]:
    """The raw frames of ADTS, each with its format; nothing from where it is not ADTS, or not whole, on."""
    found: list[tuple[AudioFormat, bytes]] = []
    at = 0
    while at + _ADTS_BYTES <= len(data) and data[at] == 0xFF and data[at + 1] & 0xF6 == 0xF0:
        head = int.from_bytes(data[at : at + _ADTS_BYTES], "big")
        size = head >> 13 & 0x1FFF
        begin = at + _ADTS_BYTES + (0 if head >> 40 & 1 else 2)
        blocks = head & 3
        # profile, sampling_frequency_index, channel_configuration: as in the configuration, at other places.
        config = ((head >> 38 & 3) + 1) << 11 | (head >> 34 & 15) << 7 | (head >> 30 & 7) << 3
        format_ = aac_format(config.to_bytes(2, "big"))
        if format_ is None or blocks or begin >= at + size or at + size > len(data):
            break
        found.append((format_, data[begin : at + size]))
        at += size
    return found
