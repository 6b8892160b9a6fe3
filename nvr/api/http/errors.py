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
from nvr.config import redact
from nvr.playback.errors import PlaybackError, RangeNotSatisfiable
from storage.errors import CatalogueError
from storage.retention.holds import HoldError
from storage.texts import TextError, escaped

__all__ = [
    "CODES",
    "ApiError",
    "ClipPart",
    "Mistake",
    "Problem",
    "no_camera",
    "problem_response",
    "shown_path",
    "to_problem",
]

log = logging.getLogger(__name__)

# Every code there is: its status, and what it means (docs/reference/http.md repeats this, and a test compares).
CODES: Final[Mapping[str, tuple[int, str]]] = {
    "invalid_request": (400, "The request can't be understood: a body that is not JSON, a field of the wrong type"),
    "missing_parameter": (400, "A parameter that has to be given is not"),
    "invalid_parameter": (400, "A parameter has a value that it can't have"),
    "live_too_far_ahead": (400, "`_HLS_msn` names what can't come next: load the playlist anew"),
    "naive_time": (400, "A time has no zone: add `Z` or an offset (`+` is written `%2B` in a URL)"),
    "invalid_time": (400, "Not an ISO 8601 time"),
    "time_out_of_range": (400, "A time outside the years 1970 to 2199"),
    "empty_range": (400, "`end` is not after `start`"),
    "range_too_long": (400, "The range is longer than this route allows"),
    "invalid_camera": (400, "A camera's id, URL or another of its settings can't be; `errors` says which"),
    "invalid_hold": (400, "A hold needs a range and a reason; its release, a reason"),
    "invalid_case": (
        400,
        "A case needs a number and a legal basis; a request cameras, a range and a purpose; a refusal a reason",
    ),
    "invalid_selection": (
        400,
        "A choice of cameras that can't be read, names unknown ones, or chooses none; `errors` says which",
    ),
    "invalid_directive": (400, "An order, window or schedule that can't be, or can't be revoked like this"),
    "invalid_attachment": (400, "A file that can't be kept: empty or too large"),
    "invalid_table": (400, "A table of cameras with mistakes; `errors` has them all, by line. Nothing was changed"),
    "invalid_deletion": (400, "A deletion needs a range and a reason"),
    "invalid_cut": (400, "A public view is cut, or comes back, once and with a reason"),
    "invalid_retention": (400, "Rules that can't be: out of bounds, or a `min_age` longer than the `max_age`"),
    "invalid_account": (400, "A user's or token's name or role can't be"),
    "weak_password": (400, "The password is too short, absurdly long, or one of the first that are tried"),
    "invalid_link": (400, "A link names one recipient, and is good for a minute to 31 days"),
    "invalid_address": (400, "An address is for live view or for a range, and good for a minute to a day"),
    "invalid_export": (400, "An export can't be like this: no camera, an empty range, a text that is too long"),
    "not_authenticated": (401, "No session and no token, or one that is over"),
    "bad_credentials": (401, "The user name or the password is wrong"),
    "forbidden": (403, "The role does not allow it"),
    "password_change_needed": (
        403,
        "The password was made for this user: they set one of their own before anything else",
    ),
    "hold_too_large": (
        403,
        "With this hold, holds would keep more of the disks than `holds_share`: an administrator must place it",
    ),
    "second_person_needed": (403, "Somebody else than who asked must approve"),
    "not_your_request": (403, "Only who asked can withdraw; others refuse"),
    "not_your_export": (403, "Only who asked for the export, an administrator, or who has a link may have it"),
    "outside_address": (403, "The address shows another range, or not live view"),
    "cross_origin": (403, "The page that sent this is not this server's"),
    "not_found": (404, "There is no such address"),
    "camera_not_found": (404, "There never was a camera of this id"),
    "segment_not_found": (404, "There is no such segment, or not any more"),
    "no_footage": (404, "Nothing was recorded in this range; coverage says why"),
    "init_not_found": (404, "There is no such init"),
    "alert_not_found": (404, "There is no such alert"),
    "case_not_found": (404, "There is no such case"),
    "request_not_found": (404, "There is no such request"),
    "export_not_found": (404, "There is no such export"),
    "link_not_found": (404, "There is no such link to this export"),
    "link_not_valid": (404, "The link opens nothing, or nothing any more"),
    "address_not_found": (404, "There is no such address of yours"),
    "address_not_valid": (404, "The address shows nothing, or nothing any more"),
    "certificate_not_found": (404, "There is no such certificate"),
    "hold_not_found": (404, "There is no such hold"),
    "directive_not_found": (404, "There is no such order, window or schedule"),
    "attachment_not_found": (404, "The order has no file"),
    "public_off": (404, "There is no public page, or this camera is not on it"),
    "account_not_found": (404, "There is no such user or token"),
    "method_not_allowed": (405, "The address does not take this method"),
    "provisioned": (409, "The camera comes from the configuration file and is changed there"),
    "camera_exists": (409, "There is a camera of this id already"),
    "user_exists": (409, "There is a user of this name already"),
    "case_exists": (409, "There is a case of this number already"),
    "case_closed": (409, "The case is closed and takes no more requests"),
    "case_undecided": (409, "Requests of the case wait for a decision"),
    "request_decided": (409, "The request was approved, refused or withdrawn before"),
    "export_not_ready": (409, "The export is not done, or is deleted already; its `state` and `reason` say more"),
    "export_wrong": (409, "The package is not what was recorded: it must not be used. Make the export again"),
    "export_ended": (409, "The export has ended: there is nothing to cancel"),
    "approval_needed": (409, "An export, or here a clip too, needs a request that was approved"),
    "too_many_addresses": (409, "Too many addresses are good at once: revoke some"),
    "too_many_exports": (409, "Too many exports wait already"),
    "hold_released": (409, "The hold was released before"),
    "nothing_waits": (404, "No deletion waits for this cause"),
    "probe_failed": (502, "The look at the camera found nothing"),
    "plan_changed": (409, "What was previewed is not, or no longer, what would be done: preview again"),
    "range_not_over": (
        409,
        "Not all of the range is known yet; `retry_at` says when to come back, `so_far` what there is",
    ),
    "several_inits": (409, "The picture's format changed within the range: one clip each of `parts`"),
    "not_live": (409, "The camera is not being recorded now; its status says why"),
    "last_admin": (409, "The only administrator can't be removed"),
    "footage_gone": (410, "The footage was deleted since the catalogue was asked"),
    "too_large": (413, "The body is larger than any sensible one"),
    "wrong_host": (421, "The `Host` header has a name that is not this server's: `[server] hosts`"),
    "range_not_satisfiable": (416, "The bytes asked for lie beyond the end"),
    "too_many_attempts": (
        429,
        "Too many failed logins, tokens or openings of links; `Retry-After` says when to try again",
    ),
    "clip_too_long": (422, "The clip has more frames than can be planned: ask for parts"),
    "gap_too_long": (422, "A gap of the range is longer than a clip can keep: collapse gaps, or ask for parts"),
    "footage_damaged": (500, "A file is not what the catalogue says of it, or ends too early"),
    "internal": (500, "A fault of the server; `incident` is how to find it in the log"),
    "catalogue_unavailable": (503, "The catalogue can't be read or written now"),
    "busy": (503, "Too many reports at once; try again shortly"),
}

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
