"""Camera addresses: taking credentials out of a URL. Pure.

The address that settings hold never has credentials in it; ``parse_camera_url`` is where they leave.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

from storage.sentences import Sentence

__all__ = ["CameraUrl", "parse_camera_url"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_AUTHORITY_END = re.compile(r"[/?#]")
_HOST_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]@]*)(?::(?P<port>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """A camera's address without credentials, and the credentials it had, percent-decoded."""

    address: str
    host: str
    username: str | None
    password: str | None


def parse_camera_url(url: str) -> CameraUrl:
    """The parts of an ``rtsp`` or ``rtsps`` URL.

    The messages never repeat the URL: it may hold a password.

    Raises:
        ValueError: what is wrong and what to do.
    """
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url):
        raise ValueError(Sentence("holds a space or a control character; remove it, or write it as %20"))
    match = _SCHEME.match(url)
    if match is None:
        raise ValueError(Sentence('is not a URL; write it as "rtsp://host/path"'))
    scheme = match[1].lower()
    if scheme not in ("rtsp", "rtsps"):
        raise ValueError(
            Sentence("has the scheme {scheme}; cameras are recorded over rtsp:// or rtsps://", scheme=scheme)
        )
    rest = url[match.end() :]
    end = found.start() if (found := _AUTHORITY_END.search(rest)) else len(rest)
    userinfo, at, host_port = rest[:end].rpartition("@")
    tail = rest[end:]
    host = _check_host_port(host_port, credentials_may_follow="@" in tail)
    address = f"{scheme}://{host_port}{tail}"
    if not at:
        return CameraUrl(address, host, None, None)
    username, colon, password = userinfo.partition(":")
    return CameraUrl(address, host, unquote(username), unquote(password) if colon else None)


def _check_host_port(host_port: str, *, credentials_may_follow: bool) -> str:
    match = _HOST_PORT.fullmatch(host_port)
    host, port = (match["host"], match["port"]) if match else ("", None)
    port_fits = port is None or (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535)
    if credentials_may_follow and (match is None or not port_fits):
        # rtsp://user:pa/ss@host: by the letter the host is "user" and the port "pa".
        raise ValueError(Sentence("has a / ? or # inside its password; use the keys username and password instead"))
    if match is None or not host:
        raise ValueError(Sentence('has no host; write it as "rtsp://host/path", an IPv6 address in [ ]'))
    if not port_fits:
        raise ValueError(Sentence("has no valid port after the host; write a number from 1 to 65535, or leave it out"))
    if re.fullmatch(r"[\d.]+", host, re.ASCII):
        try:
            IPv4Address(host)
        except ValueError:
            raise ValueError(
                Sentence("has the host {host}, which is no address; write four numbers from 0 to 255", host=host)
            ) from None
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except ValueError:
            raise ValueError(Sentence("has no valid IPv6 address between [ and ]; correct it")) from None
    return host
