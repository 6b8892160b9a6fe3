"""What stands before and behind every route: the front, HEAD, headers that each answer has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, cast

from litestar import Litestar, Response
from litestar._kwargs.extractors import create_query_default_dict
from litestar._parsers import parse_query_string
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Message, Receive, Scope, Send

from nvr.api.answers.page import SECURITY_HEADERS
from nvr.api.http.errors import ApiError, refusal
from nvr.api.http.front import Front
from nvr.api.http.schema import Describer
from nvr.api.http.services import Services

__all__ = ["Application", "add_headers"]

_LONGEST_QUERY_KEPT = 512
_Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class Application(Litestar):
    """Stands behind ``Front``. Answers HEAD like GET without the body, for every route alike: role, status and headers
    can't differ."""

    front = Front()

    def serving(self, services: Services, described: Describer, lifespan: _Lifespan) -> Application:
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


async def add_headers(message: Message, scope: Scope) -> None:
    """Before an answer is sent: what it does not say itself."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
