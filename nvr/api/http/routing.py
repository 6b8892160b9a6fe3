"""How a route is declared: with what it needs, its summary and its errors, or not at all.

Invariant: ``check_rights`` passes only if every handler of the application declares an action and a scope that exist.
"""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from litestar import Litestar
from litestar.enums import HttpMethod, MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.routes import HTTPRoute
from litestar.types import Empty

from nvr.access.roles import FOOTAGE
from nvr.api.http.bounds import check_numbers
from nvr.api.http.codes import CODES
from nvr.api.http.errors import Problem
from nvr.api.http.permissions import ACTIONS, PUBLIC, SCOPES, ActionName, ScopeName
from nvr.api.http.plain_bodies import check_texts
from nvr.api.http.pools import Pool
from nvr.api.http.services import Services

__all__ = ["RouteError", "check_rights", "delete", "get", "patch", "post"]

# Of ``nvr.api.http.pools``.
PoolName = Literal["strangers", "quick", "changes", "heavy", "entries", "metrics", "health"]

# ``step_up``: where the settings say so; ``always``: whatever they say.
ProofName = Literal["step_up", "always"]

_LARGEST_PUBLIC_BYTES: Final = 16 << 10

# What any request may be answered with, before its route is asked or whatever the route is.
_ANYWHERE: Final = (
    "invalid_request",
    "too_large",
    "wrong_host",
    "too_many_attempts",
    "internal",
    "catalogue_unavailable",
    "busy",
)

_REFUSALS: Final = (
    "not_authenticated",
    "forbidden",
    "password_change_needed",
    "second_factor_needed",
    "second_factor_setup_needed",
)
# Changes of these have a proof of who asks that is recent, where the settings say so: a session left open must not give
# footage away, delete it, or let others in.
_PROVED: Final = frozenset({"export", "approve", "orders", "retention", "people"})
_OF_FOOTAGE: Final = ("closed_for_privacy", "outside_grant")

_Decorator = Callable[[Callable[..., Any]], HTTPRouteHandler]


class RouteError(Exception):
    """A route was declared wrongly: a fault of the program, found when it starts."""


def _route(
    method: HttpMethod,
    path: str,
    *,
    action: ActionName,
    summary: str,
    errors: Iterable[str],
    status: int,
    scope: ScopeName = "none",
    answer: Any = None,
    media_type: str = MediaType.JSON,
    in_schema: bool = True,
    audit: str | None = None,
    largest_body_bytes: int | None = None,
    before_change: bool = False,
    before_factor: bool = False,
    before_setup: bool = False,
    on_screens: bool = False,
    proof: ProofName | None = None,
    pool: PoolName | None = None,
) -> _Decorator:
    # Before anybody is known, only what a login needs.
    largest = _LARGEST_PUBLIC_BYTES if largest_body_bytes is None and action == PUBLIC else largest_body_bytes
    usual: PoolName = "strangers" if action == PUBLIC else "quick" if method is HttpMethod.GET else "changes"
    refusals = _REFUSALS if action != PUBLIC else ()
    footage = _OF_FOOTAGE if scope == "camera" and not FOOTAGE.isdisjoint(ACTIONS[action]) else ()
    if proof is None and method is not HttpMethod.GET and action in _PROVED and not path.endswith("/preview"):
        proof = "step_up"
    proofs = ("proof_needed",) if proof is not None else ()
    codes = sorted({*errors, *refusals, *proofs, *footage, *(("camera_not_found",) if scope == "camera" else ())})
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in sorted({*codes, *_ANYWHERE}):
        by_status[CODES[code][0]].append(f"`{code}`: {CODES[code][1]}")
    responses = {
        number: ResponseSpec(
            Problem, generate_examples=False, description="\n\n".join(lines), media_type="application/problem+json"
        )
        for number, lines in by_status.items()
    }
    if answer is not None:
        responses[status] = ResponseSpec(
            answer, generate_examples=False, description="The answer", media_type=media_type
        )

    def decorate(function: Callable[..., Any]) -> HTTPRouteHandler:
        handler = HTTPRouteHandler(
            path,
            http_method=method,
            status_code=status,
            media_type=media_type,
            operation_id=function.__name__,
            summary=summary,
            description=_needed(action, scope),
            opt={
                "action": action,
                "scope": scope,
                "errors": tuple(codes),
                "audit": audit,
                "before_change": before_change,
                "before_factor": before_factor,
                "before_setup": before_setup,
                "on_screens": on_screens,
                "proof": proof,
            },
            responses=responses,
            raises=[],
            include_in_schema=in_schema,
            # Without, that of the application.
            request_max_body_size=largest if largest is not None else Empty,
        )
        plain = _checked(function)
        return handler(plain if inspect.iscoroutinefunction(function) else _in_thread(plain, pool or usual))

    return decorate


def _needed(action: str, scope: str) -> str:
    """What a route needs, in the description of the routes."""
    return f"Right: {action}." if scope == "none" else f"Right: {action}, {scope}."


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The handler, called only with parameters and a body whose numbers and texts can be kept."""

    def check(values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name == "data":
                check_texts(value)
                check_numbers(value, "")
            elif isinstance(value, int):
                check_numbers(value, name, "invalid_parameter")

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def checked_coroutine(*args: Any, **kwargs: Any) -> Any:
            check(kwargs)
            return await function(*args, **kwargs)

        return checked_coroutine

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check(kwargs)
        return function(*args, **kwargs)

    return checked


def _in_thread(function: Callable[..., Any], pool: PoolName) -> Callable[..., Any]:
    """Whatever is not a coroutine may wait for the catalogue or a disk, and must not do so on the event loop, nor keep
    work of another kind waiting.

    Litestar's own ``sync_to_thread`` wraps a function once more for each further method registered on its path (2.25),
    and then takes the inner coroutine for the answer.
    """

    @functools.wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        request = kwargs.get("request")
        services: Services = kwargs["services"] if request is None else request.app.state.services
        chosen: Pool = getattr(services.pools, pool)
        return await chosen.run(function, *args, **kwargs)

    return wrapped


def get(path: str, *, action: ActionName, summary: str, errors: Iterable[str] = (), **more: Any) -> _Decorator:
    """A route that reads; HEAD is answered alike, without the body. ``audit``: the word under which the look is entered
    in the audit log, of a route that shows footage."""
    return _route(HttpMethod.GET, path, action=action, summary=summary, errors=errors, status=200, **more)


def post(
    path: str, *, action: ActionName, summary: str, errors: Iterable[str] = (), status: int = 201, **more: Any
) -> _Decorator:
    """A route that makes or does something. ``proof``: in a session, only if whoever asks proved lately who they
    are."""
    return _route(
        HttpMethod.POST, path, action=action, summary=summary, errors=("cross_origin", *errors), status=status, **more
    )


def patch(path: str, *, action: ActionName, summary: str, errors: Iterable[str] = (), **more: Any) -> _Decorator:
    """A route that changes something."""
    return _route(
        HttpMethod.PATCH, path, action=action, summary=summary, errors=("cross_origin", *errors), status=200, **more
    )


def delete(path: str, *, action: ActionName, summary: str, errors: Iterable[str] = (), **more: Any) -> _Decorator:
    """A route that removes something."""
    return _route(
        HttpMethod.DELETE, path, action=action, summary=summary, errors=("cross_origin", *errors), status=204, **more
    )


def check_rights(app: Litestar) -> None:
    """Refuses an application with a route that does not say who may use it, and with which cameras.

    Raises:
        RouteError: which one.
    """
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise RouteError(f"{route.path}: only HTTP routes are guarded, this is another kind")
        for handler in route.route_handlers:
            if handler.http_methods == {HttpMethod.OPTIONS}:
                continue  # the framework's own; the guard refuses it
            what = f"{'/'.join(sorted(handler.http_methods))} {route.path}"
            action, scope = handler.opt.get("action"), handler.opt.get("scope")
            if action not in ACTIONS or scope not in SCOPES:
                raise RouteError(f"{what} declares no right (has {action!r} of {scope!r})")
            if ACTIONS[action] and scope == "none":
                raise RouteError(f"{what} needs {action}, and does not say of which cameras")
            if scope == "camera" and "{camera:" not in route.path:
                raise RouteError(f"{what} has no camera in its path")
