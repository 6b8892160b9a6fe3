"""Every answer that is an error: one table of codes, and how exceptions become ``application/problem+json`` (RFC 9457).

Invariant: an error that is not ours to tell says an incident's number and nothing else; what it was is in the log.
"""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from nvr.access.errors import AccessError
from nvr.accounts import AccountError
from nvr.api.http.codes import CODES
from nvr.config import redact
from nvr.playback.errors import PlaybackError, RangeNotSatisfiable
from nvr.texts import Language, accepted, say, words
from storage.errors import CatalogueError
from storage.retention.holds import HoldError
from storage.sentences import Sentence, joined, quoted, sentence_of
from storage.texts import TextError, escaped

__all__ = ["ApiError", "ClipPart", "Mistake", "Problem", "no_camera", "refusal", "said_to", "shown_path", "to_problem"]

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
    """What is wrong in a field, or a line of a table, in the language of ``detail``."""

    field: str
    message: str


class ClipPart(msgspec.Struct):
    """A part of a range, with the address of its clip."""

    start: str
    end: str
    url: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an error. ``code`` is a stable word; ``title``, the same with every error of a code, and ``detail``
    are for people, in the first language of ``Accept-Language`` that there is, else in English; ``parameters`` are what
    is filled in in ``detail``. ``parts`` and ``archive`` (all parts
    as one ZIP) are of a clip that falls into several; ``known_until``, ``retry_at`` and ``so_far`` of one whose range
    is not over."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    parameters: dict[str, str] = {}
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
        sentence: Sentence,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.status: int = CODES[code][0]
        self.sentence = sentence
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to any exception a handler, a guard or the router lets out."""
    found = _known(error)
    if isinstance(error, UnicodeDecodeError) and request.method in ("POST", "PATCH"):
        # What msgspec says of a body with bytes that are no UTF-8; Litestar lets it through.
        found = ApiError("invalid_request", Sentence("the body is not UTF-8"))
    if found is None:
        incident = secrets.token_hex(4)
        log.error(
            "incident %s, report this, with these lines: %s %s",
            incident, request.method, shown_path(request.scope["path"]), exc_info=error,
        )  # fmt: skip
        found = ApiError(
            "internal",
            Sentence("the server failed; its log tells more under incident {incident}", incident=incident),
            extra={"incident": incident},
        )
    request.app.state.services.refusals.add(found.code)
    return refusal(found, request.scope)


def said_to(request: Request[Any, Any, Any], sentence: Sentence) -> str:
    """The sentence in the language that the request asks for."""
    return say(sentence, _language_of(request.scope))


def _language_of(scope: Mapping[str, Any]) -> Language:
    asked = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    return accepted(asked.decode("latin-1"))


def refusal(error: ApiError, scope: Mapping[str, Any]) -> Response[bytes]:
    """The problem as an answer to the request of this ASGI scope, in its language."""
    language = _language_of(scope)
    headers = {"Cache-Control": "no-store", "Content-Language": language, **error.headers}
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="nvr"')

    def said(value: object) -> str:
        # It may repeat what was sent, a camera's address with its password too.
        return _plain(redact(say(value, language) if isinstance(value, Sentence) else str(value)))

    body = {
        "type": "about:blank",
        "title": words(language).errors[error.code],
        "status": error.status,
        "detail": said(error.sentence),
        # A path may hold bytes that are no text.
        "instance": _plain(shown_path(scope["path"])),
        "code": error.code,
        "parameters": {name: said(value) for name, value in error.sentence.values.items()},
        **error.extra,
    }
    if "errors" in body:
        body["errors"] = [{name: said(value) for name, value in entry.items()} for entry in body["errors"]]
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
        case AccountError() | AccessError() if error.code in CODES:
            return ApiError(error.code, sentence_of(error))
        case CatalogueError() | sqlite3.OperationalError():
            # The path or SQL in the message is for the log.
            log.error("the catalogue refused: %s", redact(str(error)))
            return ApiError(
                "catalogue_unavailable", Sentence("the catalogue does not answer"), headers={"Retry-After": "5"}
            )
        case RangeNotSatisfiable():
            headers = {"Content-Range": f"bytes */{error.size}", "Accept-Ranges": "bytes"}
            return ApiError(error.code, Sentence("there are {size} bytes", size=error.size), headers=headers)
        case PlaybackError() if error.code in CODES:
            if CODES[error.code][0] >= 500:
                log.error("%s", error)
            return ApiError(error.code, sentence_of(error))
        case OverflowError():
            # Of a number that only the database finds too large.
            return ApiError("invalid_request", Sentence("a number is too large"))
        case HoldError():
            # Requests and exports place holds as well.
            return ApiError("invalid_hold", sentence_of(error))
        case TextError():
            return ApiError("invalid_request", sentence_of(error))
        case SerializationException():
            return ApiError("invalid_request", Sentence("the body is not valid JSON"))
        case ValidationException():
            return ApiError("invalid_request", _validation_detail(error), extra={"errors": _field_errors(error)})
        case HTTPException() if error.status_code in _BY_STATUS:
            code = _BY_STATUS[error.status_code]
            return ApiError(code, _plain_detail(code, error), headers=error.headers)
        case HTTPException() if 400 <= error.status_code < 500:
            return ApiError(
                "invalid_request",
                quoted(error.detail) if error.detail else Sentence("the request can't be understood"),
            )
        case _:
            return None


def _plain_detail(code: str, error: HTTPException) -> Sentence:
    if code == "method_not_allowed":
        return Sentence("this address does not take this method")
    if code == "not_found":
        return Sentence("there is no such address")
    return quoted(error.detail or CODES[code][1])


def _field_errors(error: ValidationException) -> list[dict[str, Sentence]]:
    entries = error.extra if isinstance(error.extra, list) else []
    return [
        {"field": quoted(str(entry.get("key", ""))), "message": _of_type(str(entry.get("message", "")))}
        for entry in entries
        if isinstance(entry, dict)
    ]


# What msgspec says of a value that does not fit; the rest of its words are for programmers.
_WRONG: Final = (
    (re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<given>[^`]+)`"), Sentence("must be {wanted}, not {given}")),
    (re.compile(r"Expected `(?P<kind>[^`]+)` (?P<bound>[<>]=? .+)"), Sentence("must be {kind} {bound}")),
    (re.compile(r"Object missing required field `(?P<name>[^`]+)`"), Sentence("{name} is missing")),
    (re.compile(r"Object contains unknown field `(?P<name>[^`]+)`"), Sentence("{name} is no field of it")),
    (re.compile(r"Invalid enum value '(?P<value>[^']*)'"), Sentence("can't be {value!r}")),
)


def _of_type(message: str) -> Sentence:
    for pattern, sentence in _WRONG:
        if found := pattern.match(message):
            return sentence.given(**found.groupdict())
    return quoted(message)


def _validation_detail(error: ValidationException) -> Sentence:
    # Litestar's own detail repeats the whole address; who asked knows it.
    found = _field_errors(error)
    if not found:
        return Sentence("a parameter is missing or of the wrong type")
    return joined(Sentence("{field}: {message}", **one) if str(one["field"]) else one["message"] for one in found)


def no_camera(camera: str) -> ApiError:
    """The error of an id that no camera has."""
    return ApiError("camera_not_found", Sentence("there is no camera {camera!r}", camera=camera))
