"""What can go wrong with a camera's RTSP. Messages hold no credentials: never a URL with userinfo, never a header of
ours."""

from __future__ import annotations

__all__ = [
    "CertificateError",
    "ClosedError",
    "LoginError",
    "NativeError",
    "NoAnswerError",
    "ProtocolError",
    "RedirectError",
    "StatusError",
    "TransportError",
    "UnsupportedError",
    "bare",
]


def bare(error: BaseException) -> None:
    """Clears the traceback and causes of an error that is kept: that holds everything it passed, which would hold the
    error in turn, until the collector comes."""
    error.__traceback__ = error.__context__ = error.__cause__ = None


class NativeError(Exception):
    """The base of all of them."""


class ProtocolError(NativeError):
    """What the camera sent is not what the protocol asks for."""


class UnsupportedError(NativeError):
    """The camera speaks correctly of something that this source does not: the ``av`` source may."""


class TransportError(UnsupportedError):
    """The camera does not send over TCP."""


class NoAnswerError(NativeError):
    """The camera did not answer a request in time."""


class ClosedError(NativeError):
    """The camera closed the connection."""


class LoginError(NativeError):
    """The camera wants a login that it does not get. ``until_us``: none is tried before; 0: not for want of
    patience."""

    def __init__(self, text: str, until_us: int = 0) -> None:
        super().__init__(text)
        self.until_us = until_us


class CertificateError(NativeError):
    """The camera's certificate is not the one that it must have."""


class RedirectError(NativeError):
    """The camera sends us to a host that was not configured."""


class StatusError(NativeError):
    """A request was answered with an error. ``status`` is RTSP's number."""

    def __init__(self, method: str, status: int, reason: str) -> None:
        super().__init__(f"{method}: {status} {reason}".rstrip())
        self.status = status
