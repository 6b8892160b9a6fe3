"""All routes, and the application that is made of them.

Invariant: it does not come into being with a route that declares no right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from functools import cache
from typing import Any

from litestar import Litestar

from nvr.api.access import closures, explaining, groups
from nvr.api.access import routes as access
from nvr.api.accounts import audit
from nvr.api.accounts import routes as people
from nvr.api.answers import page
from nvr.api.application import Application, add_headers
from nvr.api.cameras import camera_table, citizen_reports, fleet, probe, public, streets
from nvr.api.cameras import routes as cameras
from nvr.api.cases import exports, links, requests
from nvr.api.cases import routes as cases
from nvr.api.devices import adding, ptz, scans
from nvr.api.devices import routes as devices
from nvr.api.federation import coming_back
from nvr.api.federation import routes as federation
from nvr.api.footage import (
    activity,
    addresses,
    bookmarks,
    clips,
    clock,
    coverage,
    marks,
    name_over_picture,
    playlists,
    stills,
    tiles,
    tracks,
    watch,
)
from nvr.api.footage import segments as footage
from nvr.api.http import schema
from nvr.api.http.auth import guard
from nvr.api.http.bounds import BoundedRequest
from nvr.api.http.errors import to_problem
from nvr.api.http.routing import check_rights
from nvr.api.http.schema import Describer
from nvr.api.http.services import PROVIDED, Services
from nvr.api.http.settings import ApiSettings
from nvr.api.live import public as live_public
from nvr.api.live import routes as live
from nvr.api.live import walls
from nvr.api.loop_watch import LoopWatch
from nvr.api.operations import alerts, health, metrics
from nvr.api.orders import attachments, windows
from nvr.api.orders import routes as orders
from nvr.api.reports import capacity, fleet_coverage, gaps, network
from nvr.api.retention import deletion, holds, waiting
from nvr.api.retention import routes as retention

__all__ = ["create_app", "describer"]

# The largest body there is describes a camera.
_LARGEST_BODY_BYTES = 256 << 10


def _routes() -> list[Any]:
    """All handlers, as copies: a handler belongs to the application it was last registered with, and takes its guards
    from there."""
    modules = (
        people,
        federation,
        coming_back,
        access,
        explaining,
        closures,
        groups,
        cameras,
        fleet,
        streets,
        camera_table,
        clock,
        coverage,
        fleet_coverage,
        exports,
        links,
        gaps,
        clips,
        playlists,
        stills,
        activity,
        live,
        walls,
        tiles,
        tracks,
        bookmarks,
        marks,
        footage,
        addresses,
        name_over_picture,
        watch,
        orders,
        attachments,
        windows,
        public,
        citizen_reports,
        live_public,
        holds,
        cases,
        requests,
        alerts,
        network,
        capacity,
        probe,
        devices,
        adding,
        scans,
        ptz,
        deletion,
        waiting,
        retention,
        audit,
        health,
        metrics,
        schema,
        page,
    )
    return [deepcopy(route) for module in modules for route in module.ROUTES]


def describer(version: str, base_path: str = "") -> Describer:
    """What describes all routes of this version, under this path."""
    return Describer(_routes, version, base_path)


def create_app(
    settings: ApiSettings,
    *,
    now_us: Callable[[], int] | None = None,
    on_cameras_changed: Callable[[], None] = lambda: None,
) -> Litestar:
    """The application. ``on_cameras_changed`` is called, from any thread, after cameras were added, changed or removed.

    Raises:
        RouteError: a route declares no right.
    """
    services = (
        Services(settings, on_cameras_changed=on_cameras_changed)
        if now_us is None
        else Services(settings, now_us=now_us, on_cameras_changed=on_cameras_changed)
    )

    watch = LoopWatch()
    services.loop_late = lambda: (watch.late, watch.longest_s)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        watching = [
            asyncio.create_task(watch.run(), name="loop-watch"),
            asyncio.create_task(services.streams.run(), name="open-streams"),
        ]
        yield
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await services.end_children()
        await services.live.close()
        await services.live_parts.close()
        await services.live_streams.close()
        await services.leases.settled()
        services.pools.close()
        await asyncio.to_thread(services.db.close)

    return _registered().serving(services, describer(settings.version, settings.base_path), lifespan)


@cache
def _registered() -> Application:
    """With all routes, of nobody's services yet. To register them takes a fifth of a second, once a process."""
    app = Application(
        _routes(),
        guards=[guard],
        dependencies=PROVIDED,
        exception_handlers={Exception: to_problem},
        before_send=[add_headers],
        request_class=BoundedRequest,
        request_max_body_size=_LARGEST_BODY_BYTES,
        logging_config=None,
        openapi_config=None,
        debug=False,
    )
    check_rights(app)
    return app
