"""A fleet of simulated devices, the same for the same seed: five vendors, mixed logins, wrong clocks, slow and mute
ones."""

import random
from collections.abc import Callable, Sequence
from typing import Final

from .device import OnvifDevice
from .events import EventsSimulator

__all__ = ["make_fleet"]

# Vendor, model, login, quirks.
_KINDS: Final = (
    ("Hikvision", "DS-2CD2043G2", "both", ("lock",)),
    ("Dahua", "IPC-HFW2431", "digest", ("lock", "basic_too")),
    ("Axis", "P3245-V", "digest", ("lock", "digest_sha256")),
    ("Uniview", "IPC2124", "wsse", ("lock", "media1_only")),
    ("XiongMai", "NVT-50H20", "wsse", ("lock", "soap11", "no_sub", "closes")),
)
_CLOCKS_S: Final = (-1800.0, 7 * 3600.0, 365 * 86400.0)


def make_fleet(
    addresses: Sequence[str],
    *,
    seed: int = 1,
    password: Callable[[int], str] = lambda number: "Semarang2026",
    slow: float = 0.01,
    silent: float = 0.005,
    mute: float = 0.25,
    wrong_clock: float = 0.15,
    events: bool = False,
) -> list[OnvifDevice]:
    """A device at each address; the shares are of all of them. `events`: each has some."""
    rng = random.Random(seed)
    made = []
    for number, address in enumerate(addresses):
        vendor, model, login, usual = rng.choice(_KINDS)
        quirks = {*usual}
        for share, quirk in ((slow, "slow"), (silent, "silent"), (mute, "mute_probe"), (0.5, "stale_created")):
            if rng.random() < share:
                quirks.add(quirk)
        made.append(
            OnvifDevice(
                address,
                uuid=f"{rng.getrandbits(32):08x}-0000-1000-8000-{number:012x}",
                vendor=vendor,
                model=model,
                serial=f"{model}-{number:06d}{rng.getrandbits(24):06x}",
                mac=f"44:19:b6:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
                password=password(number),
                login=login,
                clock_ahead_s=rng.choice(_CLOCKS_S) if rng.random() < wrong_clock else rng.uniform(-1.0, 1.0),
                quirks=frozenset(quirks),
                events=EventsSimulator() if events else None,
            )
        )
    return made
