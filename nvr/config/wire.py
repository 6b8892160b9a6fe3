"""Settings as one line of JSON with their secrets, for the pipe between the supervisor and its children.

Never for a file, a log or an answer to a client: everywhere else secrets serialise as ``***``.
Invariant: ``from_wire(to_wire(config)) == config``, but for the warnings, which stay with the supervisor.
"""

from __future__ import annotations

import json

from nvr.config.model import Config, Settings
from nvr.config.secret import REVEAL

__all__ = ["from_wire", "to_wire"]


def to_wire(settings: Settings) -> str:
    """The settings, a whole ``Config`` or a single ``CameraSettings``, as JSON without a line break."""
    return settings.model_dump_json(context=REVEAL)


def from_wire(text: str | bytes) -> Config:
    """The configuration that ``to_wire`` wrote."""
    return Config.model_validate(json.loads(text))
