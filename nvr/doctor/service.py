"""The server itself: its version and the catalogue's, whether it runs, its port and certificate, and what it
records."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from nvr import __version__
from nvr.cameras.present import CameraNow, present
from nvr.config import Config
from nvr.doctor.finding import DoctorFinding, good, notice, unknown, wrong
from nvr.tls.acme_folder import AcmeFolder
from nvr.tls.errors import TlsError
from nvr.tls.pair import read_pair
from nvr.tls.renewal import RenewalState, read_renewal
from storage.catalogue.database import Database
from storage.catalogue.node import is_held
from storage.errors import CatalogueError
from storage.sentences import Sentence, listed, quoted
from storage.upgrade.standing import SchemaStanding, standing

__all__ = [
    "cameras_recorded",
    "catalogue",
    "certificate",
    "examine_service",
    "holder_of",
    "not_looked",
    "port",
    "renewal",
]

_DAY_US: Final = 86_400_000_000
_LISTED: Final = 10
_PATIENCE_S: Final = 3.0


def examine_service(config: Config) -> Iterator[DoctorFinding]:
    """Looks."""
    path = config.storage.catalogue
    server = holder_of(path.with_suffix(".lock"))
    yield good("version", Sentence("nvr {version}", version=__version__))
    if server is None:
        what = Sentence("the server does not run: nothing is recorded")
        yield wrong("server", what, Sentence("start it: systemctl start nvr, or nvr serve"))
    else:
        yield good("server", Sentence("the server runs (process {pid})", pid=server))
    if path.is_file():
        yield from _by_catalogue(path, is_served=server is not None)
    else:
        what = Sentence("there is no catalogue {path} yet", path=path)
        yield notice("catalogue", what, Sentence("the first start of the server makes it"))
    yield port(config.server.host, config.server.port, is_served=server is not None)
    if config.server.certificate is not None and config.server.key is not None:
        yield certificate(config.server.certificate, config.server.key, now_us=time.time_ns() // 1000)
    if config.acme.names and path.is_file():
        yield from _renewed(config, path)


def holder_of(lock: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process that holds a lock on the file; None: nobody does. 0: somebody, who can't be named."""
    if not is_held(lock):
        return None
    try:
        inode = lock.stat().st_ino
        for line in locks.read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1:3] == ["FLOCK", "ADVISORY"] and fields[5].rpartition(":")[2] == str(inode):
                return int(fields[4])
    except (OSError, ValueError, IndexError):
        return 0
    return 0


def _renewed(config: Config, path: Path) -> Iterator[DoctorFinding]:
    database = Database(path)
    try:
        with database.read() as conn:
            state = read_renewal(conn)
    except (sqlite3.Error, CatalogueError):
        # The look at the catalogue says so.
        return
    finally:
        database.close()
    yield renewal(state, is_placeholder=AcmeFolder(config.tls_folder).is_placeholder())


def renewal(state: RenewalState, *, is_placeholder: bool) -> DoctorFinding:
    """Whether the authority gives certificates, by how it went last."""
    if state.failed is not None:
        values = {"failures": state.failures, "error": state.failed}
        what = Sentence("no certificate from the authority of [acme], {failures} times: {error}", **values)
        advice = Sentence(
            "its names must lead to this server, and port 80 of them to redirect_port; after that: nvr tls renew"
        )
        return (wrong if is_placeholder else notice)("renewal", what, advice)
    if is_placeholder:
        what = Sentence("the page shows a certificate of its own until the authority of [acme] has given one")
        return notice("renewal", what, Sentence("wait a minute; nvr tls renew says what is wrong"))
    return good("renewal", Sentence("the authority of [acme] renews the certificate of the page"))


def _by_catalogue(path: Path, *, is_served: bool) -> Iterator[DoctorFinding]:
    database = Database(path)
    try:
        with database.read() as conn:
            found = standing(conn)
            yield catalogue(path, found)
            if not found.missing and not found.unknown and is_served:
                yield cameras_recorded(present(conn, time.time_ns() // 1000))
    except (sqlite3.Error, CatalogueError) as error:
        what = Sentence("the catalogue {path} can't be read: {error}", path=path, error=error)
        yield wrong("catalogue", what, Sentence("ask as the server's user; if it is damaged, restore a backup"))
    finally:
        database.close()


def catalogue(path: Path, found: SchemaStanding) -> DoctorFinding:
    """By its schema."""
    values = {"path": path, "schema": found.schema, "version": found.version or "?"}
    if found.unknown:
        return wrong(
            "catalogue",
            Sentence("the catalogue {path} is of a newer version, nvr {version}, schema {schema}", **values),
            Sentence("use that version, or go back with it: nvr upgrade --back"),
        )
    if found.missing:
        return wrong(
            "catalogue",
            Sentence("the catalogue {path} is of an older version, nvr {version}, schema {schema}", **values),
            Sentence("stop the server and call nvr upgrade"),
        )
    if found.version not in (None, __version__):
        return notice(
            "catalogue",
            Sentence("the server that used the catalogue last was nvr {version}; this is another", **values),
            Sentence("restart the server"),
        )
    return good("catalogue", Sentence("the catalogue {path} is of this version's schema", path=path))


def port(host: str, number: int, *, is_served: bool) -> DoctorFinding:
    """By asking for it: of a server that runs it has to answer, else it has to be free."""
    values = {"host": host, "port": number}
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.settimeout(_PATIENCE_S)
            if is_served:
                probe.connect(address)
                return good("port", Sentence("the page answers at port {port}", port=number))
            # As the server does: a port whose last connections still linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return good("port", Sentence("port {port} is free", port=number))
    except OSError as error:
        if is_served:
            what = Sentence("the server records, but nobody answers at {host}, port {port}", **values)
            return wrong("port", what, Sentence("see why in its log; recording goes on meanwhile"))
        if error.errno == errno.EADDRINUSE:
            what = Sentence("another program has port {port}", port=number)
            return wrong("port", what, Sentence("end it, or choose another port in [server]"))
        if error.errno == errno.EACCES:
            what = Sentence("port {port} is for privileged programs", port=number)
            return wrong("port", what, Sentence("give the service CAP_NET_BIND_SERVICE, as its unit does"))
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        what = Sentence("{host} is no address of this machine: {error}", host=host, error=why)
        return wrong("port", what, Sentence("correct host in [server]"))


def certificate(chain: Path, key: Path, *, now_us: int) -> DoctorFinding:
    """By the files."""
    try:
        pair = read_pair(chain, key)
    except TlsError as error:
        return wrong("certificate", quoted(str(error)), Sentence("nvr check-config says what is wrong"))
    days = (pair.ends_us - now_us) // _DAY_US
    if pair.validity(now_us) is not None or days < 0:
        what = Sentence("the certificate of the page is not valid now: browsers refuse it")
        return wrong("certificate", what, Sentence("renew it"))
    if pair.ends_soon(now_us):
        what = Sentence("the certificate of the page ends in {days} days", days=days)
        return notice("certificate", what, Sentence("renew it"))
    return good("certificate", Sentence("the certificate of the page is good for {days} days", days=days))


def cameras_recorded(fleet: Mapping[str, CameraNow]) -> DoctorFinding:
    """By what each camera does now."""
    required = [camera for camera in fleet.values() if camera.is_required]
    down = [camera for camera in required if camera.is_down]
    values = {"recorded": len(required) - len(down), "required": len(required)}
    if not fleet:
        advice = Sentence("add one to the configuration or at the page")
        return notice("cameras", Sentence("there is no camera"), advice)
    if not down:
        return good("cameras", Sentence("{recorded} of {required} cameras are recorded", **values))
    classes = _counted(camera.cause_class.value for camera in down)
    names = listed(sorted(camera.camera for camera in down), _LISTED)
    what = Sentence(
        "{recorded} of {required} cameras are recorded; not: {names} ({classes})",
        names=names,
        classes=classes,
        **values,
    )
    advice = Sentence("nvr gaps and the page say why; nvr probe asks one")
    # One of a thousand is always away.
    return (wrong if len(down) * 20 > len(required) else notice)("cameras", what, advice)


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())


def not_looked(look: str, error: Exception) -> DoctorFinding:
    """It could not be looked at, for this reason."""
    return unknown(look, Sentence("could not be looked at: {error}", error=error))
