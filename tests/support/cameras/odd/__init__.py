"""Odd cameras: each has one habit that real cameras have, and is otherwise without fault. See
docs/design/test-cameras.md.

A habit is one small class in one of the modules of this folder; `HABITS` has them all by name. `OddCameras` serves any
number of them on one port.
"""

from tests.support.cameras.odd import (
    answers,
    channels,
    cousins,
    describing,
    descriptions,
    formats,
    forms,
    h265,
    interleaved,
    losses,
    messages,
    packets,
    pictures,
    replies,
    sessions,
    sound,
    stamps,
    times,
    tracks,
    transports,
    units,
)
from tests.support.cameras.odd.camera import Camera, Shot
from tests.support.cameras.odd.habit import HABITS, Habit
from tests.support.cameras.odd.server import Journal, OddCameras, Sent

__all__ = ["HABITS", "Camera", "Habit", "Journal", "OddCameras", "Sent", "Shot"]

# Their import fills the registry.
KINDS = (
    packets,
    channels,
    losses,
    units,
    h265,
    forms,
    cousins,
    interleaved,
    descriptions,
    describing,
    messages,
    answers,
    replies,
    times,
    stamps,
    pictures,
    sessions,
    transports,
    sound,
    tracks,
    formats,
)
