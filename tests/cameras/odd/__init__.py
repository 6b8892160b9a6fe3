"""Odd cameras: each has one habit that real cameras have, and is otherwise without fault. See docs/design/test-cameras.md.

A habit is one small class in one of the modules of this folder; `HABITS` has them all by name. `OddCameras` serves any number of them on one port.
"""

from tests.cameras.odd import descriptions, messages, packets, pictures, sessions, sound, times, units
from tests.cameras.odd.camera import Camera, Shot
from tests.cameras.odd.habit import HABITS, Habit
from tests.cameras.odd.server import Journal, OddCameras, Sent

__all__ = ["HABITS", "Camera", "Habit", "Journal", "OddCameras", "Sent", "Shot"]

# Their import fills the registry.
KINDS = (packets, units, descriptions, messages, times, pictures, sessions, sound)
