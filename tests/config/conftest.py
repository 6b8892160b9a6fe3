"""Settings of hypothesis: no deadline for a single example, since a busy machine is not a defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("nvr", deadline=None)
settings.load_profile("nvr")
