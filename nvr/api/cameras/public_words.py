"""What citizens are told of a camera, in Indonesian and English. Pure.

Less than operators see: who must act and whether it is meant so, no addresses, no error texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from storage.causes import Cause, CauseClass, class_of

__all__ = ["public_state", "public_text"]

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "recording": ("Kamera bekerja.", "The camera is working."),
    "disabled": (
        "Kamera dinonaktifkan sementara berdasarkan surat nomor {letter}.",
        "The camera is switched off for now by letter no. {letter}.",
    ),
    "maintenance": (
        "Kamera sedang dalam pemeliharaan terencana.",
        "The camera is under planned maintenance.",
    ),
    "schedule": ("Kamera sedang di luar jam perekaman.", "The camera is outside its recording hours."),
    "privacy": (
        "Tampilan publik kamera ini sedang ditutup demi privasi.",
        "The public view of this camera is closed for privacy.",
    ),
    "setup": ("Kamera sedang disiapkan.", "The camera is being set up."),
    "network": (
        "Kamera tidak terhubung: gangguan jaringan atau listrik di lokasi.",
        "The camera is not connected: a fault of the network or the power at its place.",
    ),
    "camera": ("Kamera mengalami gangguan.", "The camera has a fault."),
    "server": ("Server perekaman mengalami gangguan.", "The recording server has a fault."),
}
_OF_CLASS: Final = {CauseClass.NETWORK: "network", CauseClass.CAMERA: "camera"}
_OF_CAUSE: Final = {
    Cause.DISABLED: "disabled",
    Cause.MAINTENANCE: "maintenance",
    Cause.SCHEDULE: "schedule",
    Cause.NOT_CONFIGURED: "setup",
    # Nearly always a closed connection is the line's or the camera's power.
    Cause.ENDED: "network",
    Cause.STALLED: "network",
}


def public_state(state: str, cause: Cause | None, detail: Mapping[str, Any] | None = None) -> str:
    """The named status: a key of the texts."""
    if state == "recording":
        return "recording"
    if cause is None:
        return "server"
    if cause is Cause.STALLED and class_of(cause, detail or {}) is CauseClass.SERVER:
        # A recorder begins.
        return "setup"
    return _OF_CAUSE.get(cause) or _OF_CLASS.get(class_of(cause, detail or {}), "server")


def public_text(name: str, detail: Mapping[str, Any]) -> dict[str, str]:
    """The sentence for a named status, by language."""
    indonesian, english = _TEXTS[name]
    letter = str(detail.get("letter", ""))
    return {"id": indonesian.format(letter=letter), "en": english.format(letter=letter)}
