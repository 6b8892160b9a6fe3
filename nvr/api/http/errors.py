"""Every answer that is an error: one table of codes, and how exceptions become ``application/problem+json`` (RFC 9457).

Invariant: an error that is not ours to tell says an incident's number and nothing else; what it was is in the log.
"""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from nvr.accounts import AccountError
from nvr.api.http.codes import CODES
from nvr.config import redact
from nvr.playback.errors import PlaybackError, RangeNotSatisfiable
from storage.errors import CatalogueError
from storage.retention.holds import HoldError
from storage.texts import TextError, escaped

__all__ = ["ApiError", "ClipPart", "Mistake", "Problem", "no_camera", "problem_response", "shown_path", "to_problem"]

log = logging.getLogger(__name__)


_SECRET: Final = re.compile(r"(/api/watch/+)[^/]+")

_BY_STATUS: Final = {
    400: "invalid_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


class Mistake(msgspec.Struct):
    """What is wrong in a field, or a line of a table."""

    field: str
    message: str


class ClipPart(msgspec.Struct):
    """A part of a range, with the address of its clip."""

    start: str
    end: str
    url: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an error. ``code`` is a stable word; ``detail`` is for people. ``parts`` and ``archive`` (all parts
    as one ZIP) are of a clip that falls into several; ``known_until``, ``retry_at`` and ``so_far`` of one whose range
    is not over."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    incident: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[Mistake] | msgspec.UnsetType = msgspec.UNSET
    parts: list[ClipPart] | msgspec.UnsetType = msgspec.UNSET
    archive: str | msgspec.UnsetType = msgspec.UNSET
    known_until: str | msgspec.UnsetType = msgspec.UNSET
    retry_at: str | msgspec.UnsetType = msgspec.UNSET
    so_far: ClipPart | msgspec.UnsetType | None = msgspec.UNSET


class ApiError(Exception):
    """An error with a code of ``CODES``. ``extra`` are more members of the problem."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status: int = CODES[code][0]
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to any exception a handler, a guard or the router lets out."""
    found = _known(error)
    if isinstance(error, UnicodeDecodeError) and request.method in ("POST", "PATCH"):
        # What msgspec says of a body with bytes that are no UTF-8; Litestar lets it through.
        found = ApiError("invalid_request", "the body is not UTF-8")
    if found is None:
        incident = secrets.token_hex(4)
        log.error("incident %s: %s %s", incident, request.method, shown_path(request.scope["path"]), exc_info=error)
        found = ApiError(
            "internal",
            f"the server failed; its log tells more under incident {incident}",
            extra={"incident": incident},
        )
    request.app.state.services.refusals.add(found.code)
    return problem_response(found, request.scope["path"])


def problem_response(error: ApiError, path: str) -> Response[bytes]:
    """The problem as an answer."""
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="nvr"')
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        # It may repeat what was sent.
        "detail": _plain(error.detail),
        "instance": "",
        "code": error.code,
        **error.extra,
    }
    # A path may hold bytes that are no text.
    body["instance"] = _plain(shown_path(path))
    if "errors" in body:
        body["errors"] = [{name: _plain(text) for name, text in entry.items()} for entry in body["errors"]]
    return Response(
        msgspec.json.encode(body), status_code=error.status, headers=headers, media_type="application/problem+json"
    )


def _plain(text: str) -> str:
    return escaped(text.encode("utf-8", "replace").decode(), keep="\n")


def shown_path(path: str) -> str:
    """A path as it may be answered and logged: without the secret of an address."""
    return _SECRET.sub(r"\1…", path)


def _known(error: Exception) -> ApiError | None:
    match error:
        case ApiError():
            return error
        case AccountError() if error.code in CODES:
            return ApiError(error.code, str(error))
        case CatalogueError() | sqlite3.OperationalError():
            # The path or SQL in the message is for the log.
            log.error("the catalogue refused: %s", redact(str(error)))
            return ApiError("catalogue_unavailable", "the catalogue does not answer", headers={"Retry-After": "5"})
        case RangeNotSatisfiable():
            headers = {"Content-Range": f"bytes */{error.size}", "Accept-Ranges": "bytes"}
            return ApiError(error.code, f"there are {error.size} bytes", headers=headers)
        case PlaybackError() if error.code in CODES:
            if CODES[error.code][0] >= 500:
                log.error("%s", error)
            return ApiError(error.code, str(error))
        case OverflowError():
            # Of a number that only the database finds too large.
            return ApiError("invalid_request", "a number is too large")
        case HoldError():
            # Requests and exports place holds as well.
            return ApiError("invalid_hold", str(error))
        case TextError():
            return ApiError("invalid_request", str(error))
        case SerializationException():
            return ApiError("invalid_request", "the body is not valid JSON")
        case ValidationException():
            return ApiError("invalid_request", _validation_detail(error), extra={"errors": _field_errors(error)})
        case HTTPException() if error.status_code in _BY_STATUS:
            code = _BY_STATUS[error.status_code]
            return ApiError(code, _plain_detail(code, error), headers=error.headers)
        case HTTPException() if 400 <= error.status_code < 500:
            return ApiError("invalid_request", error.detail or "the request can't be understood")
        case _:
            return None


def _plain_detail(code: str, error: HTTPException) -> str:
    if code == "method_not_allowed":
        return "this address does not take this method"
    if code == "not_found":
        return "there is no such address"
    return error.detail or CODES[code][1]


def _field_errors(error: ValidationException) -> list[dict[str, str]]:
    entries = error.extra if isinstance(error.extra, list) else []
    return [
        {"field": str(entry.get("key", "")), "message": str(entry.get("message", ""))}
        for entry in entries
        if isinstance(entry, dict)
    ]


def _validation_detail(error: ValidationException) -> str:
    # Litestar's own detail repeats the whole address; who asked knows it.
    found = _field_errors(error)
    if not found:
        return "a parameter is missing or of the wrong type"
    return "; ".join(f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in found)


def no_camera(camera: str) -> ApiError:
    """The error of an id that no camera has."""
    return ApiError("camera_not_found", f"there is no camera {camera!r}")
