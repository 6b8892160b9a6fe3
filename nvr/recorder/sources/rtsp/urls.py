"""Request URLs of a presentation and its tracks, out of what the camera said about them. Pure.

RFC 2326 C.1.1 wants RFC 1808 resolution, which replaces the last part of a base without a trailing slash; cameras that
leave the slash out mean it all the same, and FFmpeg and VLC, against which they were tested, append. So do we: a
relative control is appended, never substituted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from nvr.recorder.sources.rtp.errors import ProtocolError

__all__ = ["base_url", "control_url", "without_credentials"]

_ABSOLUTE = re.compile(r"rtspu?s?://", re.IGNORECASE)
# A base that begins with host and port is absolute, as if its scheme stood before it.
_HOST_AND_PORT = re.compile(r"(?:\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}(?=/|$)", re.IGNORECASE)
# rtsp://rtsp://host: seen of cameras.
_TWICE = re.compile(r"(?:rtspu?s?://)+(?=rtspu?s?://)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


def base_url(request_url: str, headers: Mapping[str, str]) -> str:
    """What controls are relative to: ``Content-Base``, else ``Content-Location``, else the URL that was asked (RFC 2326
    C.1.1).

    ``headers`` have names in lower case. A base may itself be relative to the URL asked.

    Raises:
        ProtocolError: the camera's base can't be a URL.
    """
    for name in ("content-base", "content-location"):
        value = _TWICE.sub("", headers.get(name, "").strip())
        if value and not _is_absolute(value) and _begins_with_host(value, request_url):
            value = f"{urlsplit(request_url).scheme}://{value}"
        if value:
            return without_credentials(value) if _is_absolute(value) else _join(request_url, value)
    return request_url


def _begins_with_host(text: str, request_url: str) -> bool:
    host = urlsplit(request_url).hostname
    return _HOST_AND_PORT.match(text) is not None or (host is not None and text.partition("/")[0].lower() == host)


def control_url(base: str, control: str | None) -> str:
    """The URL for requests about what has this ``a=control``; without one, or for ``*``, the base itself.

    Raises:
        ProtocolError: the control can't be part of a request line.
    """
    control = (control or "").strip()
    if control in ("", "*"):
        return base
    if _is_absolute(control):
        return without_credentials(control)
    return _join(base, control)


def without_credentials(url: str) -> str:
    """The URL without userinfo: some cameras repeat it back, and it does not belong into requests or messages.

    Raises:
        ProtocolError: it is not a URL.
    """
    _check(url)
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if not host:
            raise ProtocolError("the camera named a URL without a host")
        return urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    except ValueError:
        raise ProtocolError("the camera named something that is no URL") from None


def _is_absolute(text: str) -> bool:
    return _ABSOLUTE.match(text) is not None


def _check(text: str) -> None:
    # A line end here would let a description write requests of its own.
    if _UNSAFE.search(text):
        raise ProtocolError("the camera named a URL with a space or control character")


def _join(base: str, tail: str) -> str:
    _check(tail)
    if tail.startswith("/"):
        try:
            parts = urlsplit(base)
        except ValueError:
            raise ProtocolError("the camera named something that is no URL") from None
        return f"{parts.scheme}://{parts.netloc}{tail}"
    # With a query in the base the tail goes after it: that is where cameras with URLs like /cam?channel=1 look for it.
    return f"{base}{tail}" if base.endswith("/") else f"{base}/{tail}"
