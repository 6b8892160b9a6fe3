"""A simulated head that turns: where it is by what it was told, over time; and what it answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from nvr.devices.onvif.soap import PTZ
from nvr.devices.onvif.xml_reader import XmlNode

__all__ = ["PtzHeadSimulator"]

# Of the whole range, a second at full speed.
_SPEED = 0.5


@dataclass
class PtzHeadSimulator:
    """`told` is every command with the time it came, in the order it came; velocities are of pan, tilt and zoom."""

    quirks: frozenset[str] = frozenset()
    now: Callable[[], float] = time.monotonic
    told: list[tuple[str, float]] = field(default_factory=list)
    presets: dict[str, str] = field(default_factory=lambda: {"1": "Gate"})
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _since_s: float = 0.0
    _until_s: float = float("inf")

    @property
    def is_moving(self) -> bool:
        """Whether it turns now."""
        self._go_on()
        return any(self.velocity)

    def answer(self, question: XmlNode) -> str | None:
        """The body of the answer; None: it can't."""
        name = question.name
        self.told.append((name, self.now()))
        self._go_on()
        if name == "ContinuousMove":
            return self._move(question)
        if name == "Stop" and "ptz_no_stop" not in self.quirks:
            if "ptz_ignores_stop" not in self.quirks:
                self._turn((0.0, 0.0, 0.0), float("inf"))
        elif name == "GetStatus" and "ptz_no_status" not in self.quirks:
            pan, tilt, zoom = self._place
            return (
                "<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position>"
                f'<tt:PanTilt x="{pan:.4f}" y="{tilt:.4f}"/><tt:Zoom x="{zoom:.4f}"/></tt:Position>'
                "</tptz:PTZStatus></tptz:GetStatusResponse>"
            )
        elif name == "GetPresets":
            kept = "".join(
                f'<tptz:Preset token="{token}"><tt:Name>{escape(called)}</tt:Name></tptz:Preset>'
                for token, called in self.presets.items()
            )
            return f"<tptz:GetPresetsResponse>{kept}</tptz:GetPresetsResponse>"
        elif name == "GotoPreset" and question.said("PresetToken") in self.presets:
            self._turn((0.0, 0.0, 0.0), float("inf"))
        elif name == "SetPreset":
            token = str(len(self.presets) + 1)
            if "set_ignored" not in self.quirks:
                self.presets[token] = question.said("PresetName")
            return f"<tptz:SetPresetResponse><tptz:PresetToken>{token}</tptz:PresetToken></tptz:SetPresetResponse>"
        elif name == "RemovePreset" and question.said("PresetToken") in self.presets:
            del self.presets[question.said("PresetToken")]
        else:
            return None
        return f"<tptz:{name}Response/>"

    def _move(self, question: XmlNode) -> str | None:
        timeout = question.said("Timeout")
        if timeout and "ptz_refuses_timeout" in self.quirks:
            return None
        turned, zoomed = question.find("Velocity", "PanTilt"), question.find("Velocity", "Zoom")
        pan, tilt, zoom = self.velocity
        if turned is not None:
            pan, tilt = float(turned.attributes["x"]), float(turned.attributes["y"])
        if zoomed is not None:
            zoom = float(zoomed.attributes["x"])
        lasts_s = float(timeout.removeprefix("PT").removesuffix("S")) if timeout else float("inf")
        honours = "ptz_ignores_timeout" not in self.quirks
        self._turn((pan, tilt, zoom), self.now() + lasts_s if honours else float("inf"))
        return "<tptz:ContinuousMoveResponse/>"

    def _turn(self, velocity: tuple[float, float, float], until_s: float) -> None:
        self.velocity, self._since_s, self._until_s = velocity, self.now(), until_s

    def _go_on(self) -> None:
        now_s = self.now()
        turned_s = min(now_s, self._until_s) - self._since_s
        moved = [at + speed * _SPEED * turned_s for at, speed in zip(self._place, self.velocity, strict=True)]
        self._place = (moved[0], moved[1], moved[2])
        self._since_s = now_s
        if now_s >= self._until_s:
            self.velocity, self._until_s = (0.0, 0.0, 0.0), float("inf")

    @property
    def namespace(self) -> str:
        """Of its service."""
        return PTZ
