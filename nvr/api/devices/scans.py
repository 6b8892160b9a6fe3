"""Routes of searches: begun, resumed and stopped here, and run by a process of their own (``python -m nvr.devices``),
below recording and below this one. It ends when this process does, and can be resumed."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.api.devices.bodies import ScanBody, ScanList, scan_body
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.devices import searches
from nvr.devices.searches import ScanError, ScanRow
from nvr.devices.settings import ScanSettings
from nvr.devices.targets import TargetError, blocks_of, check_wanted
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


class NewScan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A search of ``networks`` (none: all that the configuration allows). ``username`` and ``password``: the login to
    try at devices that none is known of."""

    networks: list[str] = []
    username: str | None = None
    password: str | None = None


def _found(conn: sqlite3.Connection, row: ScanRow) -> int:
    return searches.count_sightings(conn, row.id)


def _body(services: Services, scan: str) -> ScanBody:
    with services.db.read() as conn:
        row = searches.find_scan(conn, scan, now_us=services.now_us())
        if row is None:
            raise ApiError("scan_not_found", Sentence("there is no such search"))
        return scan_body(row, _found(conn, row))


@get(
    "/api/scans",
    action="edit_cameras",
    scope="fleet",
    summary="The last searches for devices, and which networks may be searched",
    errors=[],
    answer=ScanList,
)
def list_scans(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The latest first."""
    with services.db.read() as conn:
        found = [scan_body(row, _found(conn, row)) for row in searches.scans(conn, now_us=services.now_us())]
    return json_answer(request, ScanList(list(services.settings.scan_networks), found))


@post(
    "/api/scans",
    action="edit_cameras",
    scope="fleet",
    summary="Search networks for devices; at most one login a device",
    errors=["invalid_request", "scan_not_allowed", "scan_running"],
    answer=ScanBody,
)
async def begin_scan(request: ApiRequest, services: Injected, data: JSONBody[NewScan]) -> Response[bytes]:
    """Begins a search."""

    def begin() -> str:
        try:
            wanted = check_wanted(data.networks, services.settings.scan_networks)
            with services.db.write() as conn:
                return searches.begin_scan(
                    conn,
                    networks=wanted,
                    blocks=len(blocks_of(wanted)),
                    username=data.username,
                    password=data.password,
                    now_us=services.now_us(),
                )
        except TargetError as error:
            raise ApiError("scan_not_allowed", sentence_of(error)) from None
        except ScanError as error:
            raise ApiError("scan_running", sentence_of(error)) from None

    if data.password is not None and data.username is None:
        raise ApiError("invalid_request", Sentence("a password needs a username"))
    scan = await services.pools.changes.run(begin)
    await _start(services, scan)
    body = await services.pools.quick.run(_body, services, scan)
    return json_answer(request, body, status=201)


@post(
    "/api/scans/resume",
    action="edit_cameras",
    scope="fleet",
    summary="Go on with the last search, which was interrupted, stopped or failed",
    errors=["scan_running"],
    status=200,
    answer=ScanBody,
)
async def resume_scan(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Goes on."""

    def resume() -> str:
        try:
            with services.db.write() as conn:
                return searches.resume_scan(conn, now_us=services.now_us()).id
        except ScanError as error:
            raise ApiError("scan_running", sentence_of(error)) from None

    scan = await services.pools.changes.run(resume)
    await _start(services, scan)
    return json_answer(request, await services.pools.quick.run(_body, services, scan))


@post(
    "/api/scans/{scan:str}/stop",
    action="edit_cameras",
    scope="fleet",
    summary="Stop a search; what it found until then counts",
    errors=["scan_not_found"],
    status=200,
    answer=ScanBody,
)
def stop_scan(request: ApiRequest, services: Injected, scan: FromPath[str]) -> Response[bytes]:
    """Stops it within a second or two."""
    body = _body(services, scan)
    with services.db.write() as conn:
        searches.stop_scan(conn, scan, now_us=services.now_us())
    return json_answer(request, msgspec.structs.replace(body, state=_body(services, scan).state))


async def _start(services: Services, scan: str) -> None:
    told = services.settings
    settings = ScanSettings(
        catalogue=told.catalogue,
        scan=scan,
        networks=tuple(told.scan_networks),
        ports=tuple(told.scan_ports),
        rate=told.scan_rate,
        at_once=told.scan_at_once,
        follow_moves=told.follow_moves,
        discovery_port=told.discovery_port,
        log_level=told.log_level,
    )
    child = await asyncio.to_thread(_begin, msgspec.json.encode(settings))
    # As long as its stdin is open: it ends with this process.
    services.children.add(child)
    over = partial(_over, services, child)
    following = partial(_follow, child, partial(asyncio.get_running_loop().call_soon_threadsafe, over))
    # Nobody waits for this thread, whatever the search is at.
    threading.Thread(target=following, name=f"scan {scan}", daemon=True).start()


def _begin(first: bytes) -> subprocess.Popen[bytes]:
    # Not by the loop: uvloop forks, and what Python cleans up in the fork may wait for a lock that a thread had.
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "nvr.devices"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert child.stdin is not None
    child.stdin.write(first + b"\n")
    return child


def _follow(child: subprocess.Popen[bytes], over: Callable[[], object]) -> None:
    assert child.stdout is not None
    while child.stdout.read(1 << 16):
        pass
    child.wait()
    child.stdout.close()
    with contextlib.suppress(RuntimeError):  # the loop is over
        over()


def _over(services: Services, child: subprocess.Popen[bytes]) -> None:
    services.children.discard(child)
    if child.stdin is not None:
        child.stdin.close()
    if services.settings.follow_moves:
        services.on_cameras_changed()


ROUTES: list[object] = [list_scans, begin_scan, resume_scan, stop_scan]
