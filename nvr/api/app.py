"""The application: routes, guard, errors, headers.

Invariant: it does not come into being with a route that declares no right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy, deepcopy
from functools import cache
from typing import Any, cast

from litestar import Litestar, Response
from litestar._kwargs.extractors import create_query_default_dict
from litestar._parsers import parse_query_string
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Message, Receive, Scope, Send

from nvr.api.access import closures, explaining, groups
from nvr.api.access import routes as access
from nvr.api.accounts import audit
from nvr.api.accounts import routes as people
from nvr.api.answers import page
from nvr.api.answers.page import SECURITY_HEADERS
from nvr.api.cameras import camera_table, fleet, probe, public, streets
from nvr.api.cameras import routes as cameras
from nvr.api.cases import exports, links, requests
from nvr.api.cases import routes as cases
from nvr.api.devices import adding, scans
from nvr.api.devices import routes as devices
from nvr.api.federation import routes as federation
from nvr.api.footage import (
    addresses,
    bookmarks,
    clips,
    clock,
    coverage,
    name_over_picture,
    playlists,
    tiles,
    tracks,
    watch,
)
from nvr.api.footage import segments as footage
from nvr.api.http import schema
from nvr.api.http.auth import guard
from nvr.api.http.bounds import BoundedRequest
from nvr.api.http.errors import ApiError, refusal, to_problem
from nvr.api.http.front import Front
from nvr.api.http.routing import check_rights
from nvr.api.http.schema import Describer
from nvr.api.http.services import PROVIDED, Services
from nvr.api.http.settings import ApiSettings
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
_LONGEST_QUERY_KEPT = 512

_Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class _Application(Litestar):
    """Stands behind ``Front``. Answers HEAD like GET without the body, for every route alike: role, status and headers
    can't differ."""

    front = Front()

    def serving(self, services: Services, described: Describer, lifespan: _Lifespan) -> _Application:
        """One with the same routes that serves these, as long as its lifespan lasts. The routes belong to none of
        them: they find their services in the state of the one that was asked."""
        made = copy(self)
        made.state = State({"services": services, "describer": described})
        made.event_emitter = copy(self.event_emitter)
        made.asgi_router = copy(self.asgi_router)
        made.asgi_router.app = made
        made._lifespan_managers = [lifespan]
        return made

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        try:
            await self._answer(scope, receive, send)
        finally:
            _forget_query(cast(Any, scope).get("query_string", b""))

    async def _answer(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        if scope["type"] == ScopeType.HTTP:
            services: Services = self.state.services
            arrived = self.front.arrive(scope, services.settings)
            scope = cast(Scope, arrived.scope)
            if arrived.refused is not None:
                services.refusals.add(arrived.refused.code)
                await _send(scope, send, refusal(arrived.refused, scope))
                return
            if arrived.text is not None:
                await _send(scope, send, Response(arrived.text, status_code=200, media_type="application/octet-stream"))
                return
            if services.settings.hsts_s and scope["scheme"] == "https":
                send = _with_hsts(send, services.settings.hsts_s)
            if arrived.location is not None:
                await _send(scope, send, Response(None, status_code=308, headers={"Location": arrived.location}))
                return
        if scope.get("method") != "HEAD":
            try:
                await super().__call__(scope, receive, send)
            except Exception as error:
                if not _broke_off(error):
                    raise
                # The server closes the connection: the client has fewer bytes than it was told.
            return
        ended = asyncio.Event()

        async def receive_head() -> Any:
            # Once the headers are out, a stream believes that its client has left, and stops reading footage for
            # nobody.
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                if ended.is_set():
                    return
                ended.set()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)  # type: ignore[arg-type]

        # A copy: the server that called still has to know that it was HEAD.
        as_get: Any = {**scope, "method": "GET", "extensions": {}}
        await super().__call__(as_get, receive_head, send_head)


def _with_hsts(send: LifeSpanSend | Send, seconds: int) -> Any:
    """What was asked for by https is so from now on."""
    value = f"max-age={seconds}".encode()

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"strict-transport-security", value)]
        await send(message)

    return sending


def _forget_query(query: bytes) -> None:
    """After a request: Litestar remembers 1,024 queries, whatever their size, and one of 10,000 parameters is a
    megabyte. Nothing is kept of a long one, nor of others then."""
    if len(query) > _LONGEST_QUERY_KEPT:
        parse_query_string.cache_clear()
        create_query_default_dict.cache_clear()


def _broke_off(error: BaseException | None) -> bool:
    """Whether an answer that had begun was ended on purpose (the right to it was revoked): no fault of ours that needs
    its traceback in the log."""
    if isinstance(error, BaseExceptionGroup):
        return all(_broke_off(one) for one in error.exceptions)
    if isinstance(error, ApiError):
        return error.code == "no_longer_allowed"
    return error is not None and _broke_off(error.__cause__)


async def _send(scope: Any, send: Any, answer: Response[Any]) -> None:
    """An answer that no route gives."""
    body = b"" if answer.content is None else answer.content
    headers = {"Cache-Control": "no-store", **SECURITY_HEADERS, **answer.headers, "Content-Length": str(len(body))}
    if body:
        headers["Content-Type"] = str(answer.media_type)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})


async def _add_headers(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")


def _routes() -> list[Any]:
    """All handlers, as copies: a handler belongs to the application it was last registered with, and takes its guards
    from there."""
    modules = (
        people,
        federation,
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
        live,
        walls,
        tiles,
        tracks,
        bookmarks,
        footage,
        addresses,
        name_over_picture,
        watch,
        orders,
        attachments,
        windows,
        public,
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
        await services.live_streams.close()
        await services.leases.settled()
        services.pools.close()
        await asyncio.to_thread(services.db.close)

    return _registered().serving(services, describer(settings.version, settings.base_path), lifespan)


@cache
def _registered() -> _Application:
    """With all routes, of nobody's services yet. To register them takes a fifth of a second, once a process."""
    app = _Application(
        _routes(),
        guards=[guard],
        dependencies=PROVIDED,
        exception_handlers={Exception: to_problem},
        before_send=[_add_headers],
        request_class=BoundedRequest,
        request_max_body_size=_LARGEST_BODY_BYTES,
        logging_config=None,
        openapi_config=None,
        debug=False,
    )
    check_rights(app)
    return app
