"""How cameras at one place look at it: part of the scene, from the other side, in another weather.

A scene is drawn once for all of them, since drawing is most of what a picture costs. Belongs here: which cameras the
demo has, and what is true of each. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from .streets import HEIGHT_PX, WIDTH_PX

__all__ = ["CAMERAS", "WHOLE", "DemoOutage", "FilmedCamera", "View"]

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DemoOutage:
    """When a camera can't be reached: for `length_s`, first after `first_s`, then once in every `every_s`."""

    first_s: float = 15.0
    length_s: float = 8.0
    every_s: float = 40.0


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a scene a camera sees: its left upper corner and size, in pixels of the scene; whether from the
    other side; how its sensor takes red, green and blue; and every how manyth picture of the scene it sends."""

    left: int = 0
    top: int = 0
    width: int = WIDTH_PX
    height: int = HEIGHT_PX
    is_mirrored: bool = False
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    every: int = 1

    def of(self, scene: Picture) -> Picture:
        """The view of a scene, as pixels of its own."""
        part = scene[self.top : self.top + self.height, self.left : self.left + self.width]
        if self.is_mirrored:
            part = part[:, ::-1]
        if self.tint == (1.0, 1.0, 1.0):
            return part.copy()
        return (part * np.array(self.tint, np.float32)).clip(0, 255).astype(np.uint8)


WHOLE: Final = View()
_RAIN: Final = (0.72, 0.80, 0.92)


def _part(left: int, top: int, *, rain: bool = False) -> View:
    """A smaller camera's view: six pictures a second. Rain falls on those that look from the other side."""
    tint = _RAIN if rain else WHOLE.tint
    return View(left, top, 416, 234, is_mirrored=rain, tint=tint, every=2)


@dataclass(frozen=True, slots=True)
class FilmedCamera:
    """A camera of the demo: where it is, what it sees, when it goes away."""

    id: str
    name: str
    place: str
    view: View = WHOLE
    outage: DemoOutage | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def _labels(district: str, isp: str, latitude: str, longitude: str, public: str = "yes") -> dict[str, str]:
    return {"district": district, "isp": isp, "latitude": latitude, "longitude": longitude, "public": public}


_LIMA = ("Semarang Selatan", "Telkom", "-6.9903", "110.4229")
_MUDA = ("Semarang Tengah", "Icon Plus", "-6.9843", "110.4099")
_GENUK = ("Genuk", "Telkom", "-6.9561", "110.4743")

# The first two are those that everything speaks of; the second goes away now and then, so that there are gaps.
CAMERAS: Final[Sequence[FilmedCamera]] = (
    FilmedCamera("simpang-lima", "Simpang Lima", "simpang-lima", labels=_labels(*_LIMA, public="live")),
    FilmedCamera("tugu-muda", "Tugu Muda", "tugu-muda", outage=DemoOutage(), labels=_labels(*_MUDA)),
    FilmedCamera(
        "simpang-lima-barat", "Simpang Lima Barat", "simpang-lima", _part(0, 110), labels=_labels(*_LIMA)
    ),
    FilmedCamera(
        "simpang-lima-timur", "Simpang Lima Timur", "simpang-lima", _part(224, 110), labels=_labels(*_LIMA)
    ),
    FilmedCamera("lawang-sewu", "Lawang Sewu", "tugu-muda", _part(112, 40), labels=_labels(*_MUDA)),
    FilmedCamera(
        "tugu-muda-timur", "Tugu Muda Timur", "tugu-muda", _part(224, 126),
        labels=_labels(*_MUDA, public="status"),
    ),
    FilmedCamera(
        "kaligawe-1", "Jl. Kaligawe Raya 01", "simpang-lima",
        _part(112, 110, rain=True), labels=_labels(*_GENUK),
    ),
    FilmedCamera(
        "kaligawe-2", "Jl. Kaligawe Raya 02", "simpang-lima",
        _part(0, 60, rain=True), labels=_labels(*_GENUK),
    ),
    FilmedCamera(
        "genuk-pos-banjir", "Genuk Pos Banjir", "tugu-muda",
        _part(0, 126, rain=True),
        # From its second quarter of a minute on it is away, as a camera without power.
        outage=DemoOutage(first_s=25.0, length_s=3600.0, every_s=3600.0), labels=_labels(*_GENUK),
    ),
)  # fmt: skip
