"""Where closed segments lie: a file a kind of place, and a line in the table.

There is one today, the disks of this machine, and every root lies in it. Whoever reads, deletes or lists footage is
given a tier, so that another kind of place needs nothing from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.tiers.base import Tier
from storage.tiers.local import LOCAL

__all__ = ["LOCAL", "TIERS", "Tier"]

TIERS: Final[Mapping[str, Tier]] = {tier.name: tier for tier in (LOCAL,)}
"""By name."""
