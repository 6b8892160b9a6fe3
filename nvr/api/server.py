"""Running the application under uvicorn, as a child that talks JSON lines with its supervisor.

Invariant: it ends within 5 s of being asked to, whoever is still being served.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from litestar import Litestar

from nvr.api.accepting import Acceptor, ServedCertificate, Unproven
from nvr.api.app import create_app
from nvr.api.connections import Connections, Limits
from nvr.api.guarded_protocol import protocol_for
from nvr.api.http.services import Services
from nvr.api.http.settings import ApiSettings

__all__ = ["PortError", "bind", "make_server", "serve"]

log = logging.getLogger(__name__)

# How long a thread that computes keeps the event loop from its turn: a tenth of what Python has by itself, since the
# loop needs many turns for one answer, and several threads may compute.
_TURN_S: Final = 0.0005
_GRACE_S: Final = 3
_LAST_S: Final = 4.5
# Connections that wait to be taken, as many as Linux lets by default: whoever finds no place is asked again after a
# second.
_WAITING: Final = 4096
_say_lock = threading.Lock()


class PortError(Exception):
    """The address can't be listened on."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of the host; port 0 takes a free one, the same on all.

    Raises:
        PortError: what is in the way, and what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise PortError(f"[server] host {host!r} is no address of this machine: {error.strerror}") from None
    sockets: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address[0] == "::" else 1)
            sock.bind((address[0], port, *address[2:]))
            sock.listen(_WAITING)
        except OSError as error:
            sock.close()
            if sockets and error.errno == errno.EADDRNOTAVAIL:
                continue  # "localhost" has an IPv6 address that a container may lack
            for other in sockets:
                other.close()
            raise PortError(_why(host, port, error)) from None
        port = sock.getsockname()[1]
        sockets.append(sock)
    return sockets


def _why(host: str, port: int, error: OSError) -> str:
    place = f"{host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use by another program: stop that one, or choose another [server] port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{place} may not be used by this user: choose a [server] port from 1024 up"
    return f"{place} can't be listened on: {error.strerror}"


def _say(line: dict[str, object]) -> None:
    """A line to the supervisor. One that is gone doesn't hear it; stdin tells that it is."""
    data = json.dumps(line).encode() + b"\n"
    try:
        with _say_lock:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except OSError:
        log.warning("the supervisor does not listen any more")


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to us: uvicorn would end the process with the signal's exit code. With
    a certificate it accepts by ``nvr.api.accepting``."""

    def __init__(self, config: uvicorn.Config, guard: Connections, certificate: ServedCertificate | None) -> None:
        super().__init__(config)
        self._guard = guard
        self._certificate = certificate
        self._acceptor: Acceptor | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._certificate is None or sockets is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._acceptor = Acceptor(sockets, self._certificate, self._guard, self._protocol)
            self._acceptor.start()
        if self.started and sockets:
            _say({"ready": True, "port": sockets[0].getsockname()[1]})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._acceptor is not None:
            self._acceptor.stop()
        await super().shutdown(sockets)

    def _protocol(self, before: Unproven) -> asyncio.Protocol:
        make = functools.partial(protocol_for(self._guard), before=before)
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=None
        )
        return made

    def stop(self) -> None:
        """Asks it to end: open answers have a grace, then they are cut."""
        if not self.should_exit:
            self.should_exit = True
            last = threading.Timer(_LAST_S, os._exit, (0,))
            last.daemon = True
            last.start()


def _follow_stdin(server: _Server, services: Services) -> None:
    """Takes new settings from stdin, and ends the server with it: no orphan keeps the port."""
    for line in sys.stdin.buffer:
        try:
            services.configure(msgspec.json.decode(line, type=ApiSettings))
        except msgspec.DecodeError as error:
            log.error("a line on stdin that is no settings: %s", error)
    server.stop()


def make_server(app: Litestar, limits: Limits) -> _Server:
    """The server for an application: not started.

    Raises:
        TlsError: the certificate of the settings, or its key, can't be used.
    """
    services: Services = app.state.services
    guard = Connections(limits, lambda: services.settings, services.refusals)
    services.connections = lambda: guard.count
    settings = services.settings
    certificate = None
    if settings.certificate is not None and settings.key is not None:
        certificate = ServedCertificate(Path(settings.certificate), Path(settings.key))
    return _Server(
        uvicorn.Config(
            app,
            http=protocol_for(guard),
            log_config=None,
            access_log=False,
            server_header=False,
            # nvr.api.http.front believes those that a setting names.
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_GRACE_S,
            ws="none",
        ),
        guard,
        certificate,
    )


def serve(settings: ApiSettings, sockets: list[socket.socket], limits: Limits) -> None:
    """Serves until SIGTERM or the end of stdin.

    Raises:
        TlsError: the certificate of the settings, or its key, can't be used.
    """
    sys.setswitchinterval(_TURN_S)
    app = create_app(settings, on_cameras_changed=lambda: _say({"event": "cameras_changed"}))
    # What is there from now to the end is no garbage. Looking through it took a tenth of a second, with the catalogue's
    # lock held if it so happened.
    gc.freeze()
    server = make_server(app, limits)
    threading.Thread(target=_follow_stdin, args=(server, app.state.services), name="stdin", daemon=True).start()
    server.run(sockets=sockets)
