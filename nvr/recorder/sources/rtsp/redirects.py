"""Whether a camera's redirect is followed. Pure.

A camera that was taken over, or somebody who answers in its place, may name any host: the login, and what this machine
can reach, are not for that host.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp.errors import ProtocolError, RedirectError
from nvr.recorder.sources.rtsp.urls import control_url

__all__ = ["Redirect", "redirected"]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to ask instead. ``at``: the address to connect to, where the host was reached before; empty: whatever its
    name resolves to."""

    url: str
    at: str = ""


def redirected(camera: RecordedCamera, url: str, location: str, address: str) -> Redirect:
    """Where to ask instead. ``url`` was asked, at the IP address ``address``; ``location`` is what the camera said,
    absolute or relative.

    Only the same host is asked, by name or by the address that was reached, or one that the setting ``redirect_hosts``
    names, whatever address that has; and never without TLS where it was asked with it. The same host is asked at the
    same address: its name may lead to another machine, or to this one, when it is looked up again.

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
    return Redirect(target, address if host in (_host(was.hostname), address) else "")


def _host(name: str | None) -> str:
    return (name or "").rstrip(".").lower()
