"""From what went wrong on a connection to a cause. Pure."""

from __future__ import annotations

import socket
from typing import Any

from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtp.errors import (
    CertificateError,
    ClosedError,
    LoginError,
    NativeError,
    NoAnswerError,
    RedirectError,
    StatusError,
)
from storage.causes import Cause

__all__ = ["cause_of"]


def cause_of(error: OSError | NativeError, *, plays: bool) -> Ended:
    """``plays``: the camera had begun to send."""
    if isinstance(error, NativeError):
        return _native(error, plays)
    text = error.strerror or type(error).__name__
    if isinstance(error, socket.gaierror):
        return Ended(Cause.UNREACHABLE, {"reason": "dns", "error": error.strerror or "not a host name"})
    if plays:
        return Ended(Cause.ENDED, {"error": text})
    return Ended(Cause.UNREACHABLE, {"reason": "connect", "error": text})


def _native(error: NativeError, plays: bool) -> Ended:
    text = str(error)
    if isinstance(error, LoginError):
        detail: dict[str, Any] = {"reason": "login", "error": text}
        if error.until_us:
            detail["until_us"] = error.until_us
        return Ended(Cause.UNAUTHORIZED, detail)
    if isinstance(error, StatusError):
        if error.status in (401, 403):
            return Ended(Cause.UNAUTHORIZED, {"error": text})
        return Ended(Cause.ENDED if plays else Cause.REJECTED, {"error": text})
    if isinstance(error, NoAnswerError):
        if plays:
            return Ended(Cause.STALLED, {"error": text})
        return Ended(Cause.UNREACHABLE, {"reason": "timeout", "error": text})
    if isinstance(error, ClosedError):
        if plays:
            return Ended(Cause.ENDED, {"error": text})
        return Ended(Cause.REJECTED, {"error": "the camera closed the connection before it sent anything"})
    if isinstance(error, CertificateError):
        return Ended(Cause.REJECTED, {"reason": "certificate", "error": text})
    if isinstance(error, RedirectError):
        return Ended(Cause.REJECTED, {"reason": "redirect", "error": text})
    return Ended(Cause.CORRUPT if plays else Cause.REJECTED, {"error": text})
