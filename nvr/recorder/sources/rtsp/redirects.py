"""Whether a camera's redirect is followed. Pure.

A camera that was taken over, or somebody who answers in its place, may name any host: the login, and what this machine
can reach, are not for that host.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from nvr.config import CameraSettings
from nvr.recorder.sources.rtp.errors import ProtocolError, RedirectError
from nvr.recorder.sources.rtsp.urls import control_url

__all__ = ["redirected"]


def redirected(camera: CameraSettings, url: str, location: str, address: str) -> str:
    """Where to ask instead. ``url`` was asked, at the IP address ``address``; ``location`` is what the camera said,
    absolute or relative.

    Only the same host is asked, by name or by the address that was reached, or one that the setting ``redirect_hosts``
    names, whatever address that has; and never without TLS where it was asked with it.

    Raises:
        RedirectError: it is not followed.
        ProtocolError: it is no URL.
    """
    if not location.strip():
        raise RedirectError("the camera redirects without saying where")
    target = control_url(url, location)
    try:
        was, to = urlsplit(url), urlsplit(target)
        host, port = _host(to.hostname), to.port
    except ValueError:
        raise ProtocolError("the camera named something that is no URL") from None
    if to.scheme.lower() not in ("rtsp", "rtsps") or port == 0:
        raise RedirectError("the camera redirects to something else than RTSP")
    if was.scheme.lower() == "rtsps" and to.scheme.lower() != "rtsps":
        raise RedirectError("the camera redirects to an address without encryption")
    allowed = {_host(was.hostname), _host(urlsplit(camera.url).hostname), address, *map(_host, camera.redirect_hosts)}
    if host not in allowed:
        raise RedirectError(
            "the camera redirects to another host;"
            " if that is right, configure that address or name it in redirect_hosts"
        )
    return target


def _host(name: str | None) -> str:
    return (name or "").rstrip(".").lower()
