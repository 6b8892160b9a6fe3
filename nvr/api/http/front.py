"""What stands before the routes: who really asks, by which name this server was asked, and the path that a proxy put it
under.

Invariants: the address of whoever asks is an IP address, and only a proxy that a setting names is believed when it says
another's; a request by a name that is not this server's reaches no handler, unless it brings a good token, which no
foreign page can have.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from nvr.api.http.cookies import own_cookies
from nvr.api.http.errors import ApiError
from nvr.api.http.settings import ApiSettings
from storage.sentences import Sentence

__all__ = ["WRONG_HOST", "Arrived", "Front", "host_of", "is_trusted", "parse_address", "received"]

log = logging.getLogger(__name__)

WRONG_HOST: Final = "nvr.wrong_host"
"""In a scope: why the name is not this server's, where a token may make up for it."""

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

# No public name server answers for these (RFC 6761, 6762, 8375, ICANN's .internal), so that no stranger's page can come
# by one.
_PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".home", ".test")
# In characters; the longest of ours has some 300. The framework remembers a thousand.
_LONGEST_PATH: Final = 1_024
# RFC 8555, 8.3.
_CHALLENGE: Final = "/.well-known/acme-challenge/"
_HTTP: Final = 80
_HTTPS: Final = 443
_NO_HOST: Final = Sentence("the Host header names no host")
_NAME: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
_PORT: Final = re.compile(r"\d{1,5}", re.ASCII)


def parse_address(text: str) -> _Address | None:
    """An IP address as ``X-Forwarded-For`` may have it: ``192.0.2.1``, ``192.0.2.1:4711``, ``2001:db8::1``,
    ``[2001:db8::1]:4711``. None if it is none."""
    text = text.strip()
    if len(text) > 60:
        return None
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _PORT.fullmatch(port.removeprefix(":"))):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _PORT.fullmatch(port):
            return None
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def host_of(header: str) -> str | None:
    """The host of a ``Host`` header in small letters, without port and last dot; an IPv6 address without brackets. None
    if it is no host."""
    text = header.strip().lower()
    if text.startswith("["):
        address = parse_address(text)
        return None if address is None else str(address)
    name, colon, port = text.partition(":")
    if colon and not _PORT.fullmatch(port):
        return None
    name = name.removesuffix(".")
    try:
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return None
    return name if _NAME.fullmatch(name) else None


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ip_network(text) for text in texts)


def _is_in(address: _Address, networks: Sequence[_Network]) -> bool:
    return any(address in network for network in networks)


def is_trusted(peer: str, settings: ApiSettings) -> bool:
    """Whether this is the address of a proxy that a setting names."""
    address = parse_address(peer)
    return address is not None and _is_in(address, _networks(tuple(settings.trusted_proxies)))


def received(peer: str, forwarded: Sequence[str], trusted: Sequence[str]) -> str:
    """The address that asks: the right-most of ``forwarded`` (entries of ``X-Forwarded-For``, in order) that no trusted
    proxy has; of what is not an address nothing is believed, nor of what stands left of it. Pure."""
    networks = _networks(tuple(trusted))
    at = parse_address(peer)
    if at is None:
        return peer
    for text in reversed(forwarded):
        if not _is_in(at, networks):
            break
        before = parse_address(text)
        if before is None:
            break
        at = before
    return str(at)


@cache
def _own_names() -> frozenset[str]:
    try:
        names = (socket.gethostname(), socket.getfqdn())
    except OSError:
        return frozenset()
    return frozenset(name.lower().removesuffix(".") for name in names)


def _is_ours(host: str, settings: ApiSettings) -> bool:
    """Whether this is a name of this server. A foreign page whose name was pointed at us (DNS rebinding) comes by its
    own name, which is a public one."""
    return (
        "." not in host
        or parse_address(host) is not None
        or host.endswith(_PRIVATE_SUFFIXES)
        or host == settings.host.lower()
        or host in _own_names()
        or any(
            known == "*" or host == known or (known.startswith("*.") and host.endswith(known[1:]))
            for known in settings.hosts
        )
    )


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as the routes see it; or, with ``refused``, ``location`` or ``text``, how it is answered at once."""

    scope: Any
    refused: ApiError | None = None
    location: str | None = None
    text: bytes | None = None


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """All of a list header, in order."""
    found = [value.decode("latin-1") for key, value in headers if key == name]
    return [part.strip() for line in found for part in line.split(",") if part.strip()][-64:]


@dataclass
class Front:
    """One for the whole application."""

    warned: bool = field(default=False)

    def arrive(self, scope: Any, settings: ApiSettings) -> Arrived:
        """Settles who asks, for which host and path."""
        scope = dict(scope)
        if len(scope["path"]) > _LONGEST_PATH:
            return Arrived(scope, refused=ApiError("not_found", Sentence("there is no such address")))
        headers = own_cookies(scope["headers"])
        if {b"transfer-encoding", b"content-length"} <= {name for name, _ in headers}:
            # Where such a body ends a proxy may see otherwise: what follows would pass for somebody else's request.
            two = Sentence("a body has one length: Transfer-Encoding or Content-Length, not both")
            return Arrived(scope, refused=ApiError("invalid_request", two, headers={"Connection": "close"}))
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = _values(headers, b"x-forwarded-for")
        address = parse_address(peer)
        proxied = address is not None and _is_in(address, _networks(tuple(settings.trusted_proxies)))
        if proxied:
            scope["client"] = (received(peer, forwarded, settings.trusted_proxies), 0)
            # Of several the last: that of the proxy next to us.
            proto = _values(headers, b"x-forwarded-proto")[-1:]
            if proto and proto[0].lower() in ("http", "https"):
                scope["scheme"] = proto[0].lower()
            host = _values(headers, b"x-forwarded-host")[-1:]
            if host and host_of(host[0]) is not None:
                headers = [(key, value) for key, value in headers if key != b"host"]
                headers.append((b"host", host[0].encode("latin-1")))
        else:
            if address is not None:
                scope["client"] = (str(address), scope["client"][1])
            if forwarded:
                self._warn(peer, address)
        # That of the request itself as well: many proxies pass on what somebody says of X-Forwarded-Host.
        hosts = [
            [value.decode("latin-1") for key, value in some if key == b"host"] for some in (scope["headers"], headers)
        ]
        scope["headers"] = headers
        whys = [_refused(names, settings, proxied=proxied) for names in hosts]
        if (why := next(filter(None, whys), None)) is not None:
            if why is _NO_HOST or not any(key == b"authorization" for key, _ in headers):
                return Arrived(scope, refused=ApiError("wrong_host", why))
            # A foreign page can't have a token: the guard lets in who brings one that is good.
            scope[WRONG_HOST] = why
        if settings.challenges is not None and scope["path"].startswith(_CHALLENGE):
            # Where no authority is to give a certificate, nothing that knows them is loaded.
            from nvr.tls.acme_folder import AcmeFolder

            token = scope["path"].removeprefix(_CHALLENGE)
            if (answer := AcmeFolder(Path(settings.challenges).parent).answer(token)) is not None:
                return Arrived(scope, text=answer)
        if settings.certificate is not None and scope["scheme"] == "http" and not proxied:
            return _to_https(scope, hosts[0], settings)
        base, path = settings.base_path, scope["path"]
        if base and path == base:
            return Arrived(scope, location=f"{base}/")
        # A proxy may also have taken it away.
        if base and path.startswith(f"{base}/"):
            scope["path"] = path[len(base) :]
            scope["raw_path"] = scope["path"].encode("utf-8", "surrogateescape")
        return Arrived(scope)

    def _warn(self, peer: str, address: _Address | None) -> None:
        """Once: who set up a proxy must hear of it, who knocks from elsewhere can't fill the log."""
        if self.warned or address is None or not (address.is_private or address.is_loopback):
            return
        self.warned = True
        log.warning(
            "a proxy at %s says for whom it asks, but is not believed:"
            " if it is yours, name it in [server] trusted_proxies",
            peer,
        )


def _to_https(scope: Any, hosts: list[str], settings: ApiSettings) -> Arrived:
    """Where the same is by https, of a server that has a certificate. Its name was looked at before."""
    host = host_of(hosts[0]) if len(hosts) == 1 else None
    if host is None or WRONG_HOST in scope:
        return Arrived(scope, refused=ApiError("wrong_host", _NO_HOST))
    port = re.search(r":(\d+)$", hosts[0].strip())
    number = int(port[1]) if port else _HTTP
    if number == settings.redirect_port:
        number = settings.port
    elif port is None:
        # Somebody outside turns port 80 into ours, and 443 as well.
        number = _HTTPS
    name = f"[{host}]" if ":" in host else host
    target = scope.get("raw_path", scope["path"].encode("utf-8", "surrogateescape")).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    return Arrived(
        scope,
        location=f"https://{name}{'' if number == _HTTPS else f':{number}'}{target}{f'?{query}' if query else ''}",
    )


def _refused(hosts: list[str], settings: ApiSettings, *, proxied: bool) -> Sentence | None:
    if not hosts:
        # No browser does that.
        return None
    host = host_of(hosts[0]) if len(hosts) == 1 else None
    if host is None:
        return _NO_HOST
    # A proxy that was named knows its names.
    if (proxied and not settings.hosts) or _is_ours(host, settings):
        return None
    return Sentence(
        "this server is not known by the name in the Host header; if it is to be, add it to [server] hosts, "
        "or name the proxy in front in [server] trusted_proxies"
    )
