"""From what FFmpeg says of its connection to the relay to a cause, where the relay knows none. Pure."""

from __future__ import annotations

import errno

import av.error

from nvr.recorder.media.packets import Ended
from storage.causes import Cause

__all__ = ["from_open", "from_read"]

_UNREACHABLE = frozenset(
    {
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EADDRNOTAVAIL,
    }
)


def from_open(error: Exception, waited_s: float, timeout_s: float) -> Ended:
    """Why a connection could not be made. ``waited_s`` is how long the attempt took: a camera that accepts and says
    nothing is told from one that answers nonsense only by that, FFmpeg calls both invalid data."""
    number = error.errno if isinstance(error, av.error.FFmpegError) else None
    text = _words(error)
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return Ended(Cause.UNAUTHORIZED, {"error": text})
    if isinstance(error, av.error.HTTPError):
        return Ended(Cause.REJECTED, {"error": text})
    if isinstance(error, av.error.TimeoutError) or waited_s >= 0.9 * timeout_s:
        return Ended(Cause.UNREACHABLE, {"reason": "timeout", "error": "no answer"})
    if number in _UNREACHABLE:
        return Ended(Cause.UNREACHABLE, {"reason": "connect", "error": text})
    if isinstance(error, av.error.EOFError) or number in (errno.ECONNRESET, errno.EPIPE, errno.EIO):
        return Ended(Cause.REJECTED, {"error": "the camera closed the connection before it sent anything"})
    return Ended(Cause.REJECTED, {"error": text})


def from_read(error: Exception) -> Ended:
    """Why a connection that stood did not go on."""
    if isinstance(error, av.error.TimeoutError):
        return Ended(Cause.STALLED, {"error": "no data from the camera"})
    number = error.errno if isinstance(error, av.error.FFmpegError) else None
    if number in _UNREACHABLE:
        return Ended(Cause.UNREACHABLE, {"reason": "connection lost", "error": _words(error)})
    return Ended(Cause.ENDED, {"error": _words(error)})


def _words(error: Exception) -> str:
    """The error without ``filename``, which holds the password."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)
