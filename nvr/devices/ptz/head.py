"""The conversation with a camera that can be moved.

Devices differ in how they stop: some know no ``Stop`` and want a velocity of zero, some take it and go on, some refuse
a ``Timeout``. What was learnt of one is remembered as long as the conversation lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nvr.devices.conversation import ConversationError, DeviceConversation, DeviceRefusal
from nvr.devices.onvif.reading import clean
from nvr.devices.onvif.soap import PTZ
from nvr.devices.onvif.xml_reader import XmlNode
from nvr.devices.ptz.steps import RENEW_S, PtzVelocity
from storage.sentences import Sentence

__all__ = ["PtzHead", "PtzPreset"]

_MOST_PRESETS: Final = 400


@dataclass(frozen=True, slots=True)
class PtzPreset:
    """A place that the camera has kept. ``token`` is its own name of it, ``name`` is for people."""

    token: str
    name: str


class PtzHead:
    """One camera. ``profile``: the token of its stream, which is what a device calls a camera here."""

    def __init__(self, conversation: DeviceConversation, profile: str) -> None:
        self._talk = conversation
        self._profile = profile
        self._takes_timeout = True
        self._knows_stop = True
        self._moved = (False, False)

    async def open(self) -> None:
        """Logs in, so that the first move does not wait for it.

        Raises:
            ConversationError: it can't be moved.
        """
        if not await self._talk.has(PTZ):
            raise ConversationError(Sentence("the device says that it can't be moved"))
        try:
            await self._talk.ask(PTZ, "GetStatus", self._profile)
        except DeviceRefusal:
            # It does not say where it is. Others are asked for something that all know.
            await self._talk.ask(PTZ, "GetPresets", self._profile)

    async def move(self, velocity: PtzVelocity) -> None:
        """Begins to move, or moves otherwise; goes on until it is stopped.

        Raises:
            ConversationError: it does not.
        """
        # An axis that is left out goes on as it does.
        turned = bool(velocity.pan or velocity.tilt), bool(velocity.zoom)
        pans, zooms = turned[0] or self._moved[0], turned[1] or self._moved[1]
        axes = "_".join(name for name, is_told in (("pan_tilt", pans), ("zoom", zooms)) if is_told) or "pan_tilt_zoom"
        values = [f"{value:.3f}" for value in (velocity.pan, velocity.tilt)] if axes != "zoom" else []
        values += [f"{velocity.zoom:.3f}"] if axes != "pan_tilt" else []
        self._moved = pans, zooms
        if self._takes_timeout:
            try:
                # Those that honour it stop by themselves, whatever becomes of us.
                ends = f"PT{2 * RENEW_S:g}S"
                await self._talk.ask(PTZ, f"ContinuousMove {axes} timed", self._profile, *values, ends)
                return
            except DeviceRefusal:
                await self._talk.ask(PTZ, f"ContinuousMove {axes}", self._profile, *values)
                self._takes_timeout = False
                return
        await self._talk.ask(PTZ, f"ContinuousMove {axes}", self._profile, *values)

    async def stop(self) -> None:
        """Tells it to stop; ``place`` shows whether it did.

        Raises:
            ConversationError: it does not answer, or does not want to.
        """
        if self._knows_stop:
            try:
                await self._talk.ask(PTZ, "Stop", self._profile)
                return
            except DeviceRefusal:
                self._knows_stop = False
        await self.stop_by_velocity()

    async def stop_by_velocity(self) -> None:
        """Tells it to move with no velocity: what those want that know no ``Stop``.

        Raises:
            ConversationError: it does not answer, or does not want to.
        """
        pans, zooms = self._moved if any(self._moved) else (True, True)
        axes = "_".join(name for name, is_told in (("pan_tilt", pans), ("zoom", zooms)) if is_told)
        values = ["0.000"] * (2 * pans + zooms)
        await self._talk.ask(PTZ, f"ContinuousMove {axes}", self._profile, *values)

    async def place(self) -> tuple[str, ...] | None:
        """Where it says that it is, in its own numbers; None: it does not say.

        Raises:
            ConversationError: it does not answer.
        """
        try:
            return _place(await self._talk.ask(PTZ, "GetStatus", self._profile))
        except DeviceRefusal:
            return None

    def rests(self) -> None:
        """It has stopped: what moves next begins anew."""
        self._moved = (False, False)

    async def presets(self) -> list[PtzPreset]:
        """The places that it has kept.

        Raises:
            ConversationError: it does not say.
        """
        answer = await self._talk.ask(PTZ, "GetPresets", self._profile)
        found: list[PtzPreset] = []
        for node in answer.every("Preset")[:_MOST_PRESETS]:
            token = node.attributes.get("token", "")
            # One that says the device's password is no name of a place.
            if token and len(token) <= 64 and token.isprintable() and self._talk.redact(token) == token:
                found.append(PtzPreset(token, self._talk.redact(clean(node.said("Name"))) or token))
        return found

    async def go(self, preset: str) -> None:
        """Moves to a preset.

        Raises:
            ConversationError: it does not.
        """
        await self._talk.ask(PTZ, "GotoPreset", self._profile, preset)

    async def keep(self, name: str) -> PtzPreset:
        """Keeps where it is as a preset.

        Raises:
            ConversationError: it does not.
        """
        answer = await self._talk.ask(PTZ, "SetPreset", self._profile, name)
        token = answer.said("PresetToken")
        # The list is the proof.
        kept = [one for one in await self.presets() if one.token == token or (not token and one.name == name)]
        if not kept:
            raise ConversationError(Sentence("it took the place and did not keep it"))
        return kept[0]

    async def forget(self, preset: str) -> None:
        """Removes a preset.

        Raises:
            ConversationError: it does not.
        """
        await self._talk.ask(PTZ, "RemovePreset", self._profile, preset)

    def drop(self) -> None:
        """Gives up what was asked and not answered."""
        self._talk.drop()

    def close(self) -> None:
        """Ends the conversation."""
        self._talk.close()


def _place(answer: XmlNode) -> tuple[str, ...] | None:
    """Where it says that it is; None: it does not say."""
    position = answer.find("PTZStatus", "Position") or answer.anywhere("Position")
    if position is None:
        return None
    turned, zoomed = position.find("PanTilt"), position.find("Zoom")
    told = [node.attributes.get(axis, "") for node in (turned,) if node is not None for axis in ("x", "y")]
    told += [zoomed.attributes.get("x", "")] if zoomed is not None else []
    return tuple(told) if any(told) else None
