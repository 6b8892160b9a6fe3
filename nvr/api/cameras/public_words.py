"""What citizens are told of a camera, in every language.

Less than operators see: who must act and whether it is meant so, no addresses, no error texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nvr.texts import LANGUAGES, words
from storage.causes import Cause, CauseClass, class_of

__all__ = ["public_state", "public_text"]

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
    """The named status: a key of ``Words.public``."""
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
    letter = str(detail.get("letter", ""))
    return {language: words(language).public[name].format(letter=letter) for language in LANGUAGES}
