"""What routes that move cameras take and answer."""

from __future__ import annotations

import msgspec

__all__ = ["NewPreset", "PresetBody", "PresetList", "PresetToCall", "PtzBody", "PtzMove"]


class PtzBody(msgspec.Struct, kw_only=True):
    """Whether and by whom a camera is moved. ``why``: why it can't be. ``priority``: that of who asks. ``held_by`` has
    its lease until ``held_until`` if they do nothing more; ``mine``: who asks has it. ``wishes``: who asked for it
    since. ``trouble``: why the camera did not do what it was told last."""

    movable: bool
    why: str | None
    priority: int
    held_by: str | None
    held_priority: int | None
    held_until: str | None
    mine: bool
    wishes: list[str]
    moving: bool
    trouble: str | None


class PtzMove(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a camera is to move for the next 0.7 s, unless more is said: −1 to 1 each, to the right, up, closer. All 0:
    it stops."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


class PresetBody(msgspec.Struct):
    """A place that the camera has kept: ``preset`` is its own word for it, ``name`` is for people."""

    preset: str
    name: str


class PresetList(msgspec.Struct):
    """As the camera lists them."""

    presets: list[PresetBody]


class PresetToCall(msgspec.Struct, forbid_unknown_fields=True):
    """The place to move to."""

    preset: str


class NewPreset(msgspec.Struct, forbid_unknown_fields=True):
    """What the place is called that the camera shows now."""

    name: str
