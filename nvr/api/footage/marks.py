"""Routes of marks: what devices reported and analyses of others saw, for who may play that footage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromQuery, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.footage.tiles import chosen_cameras
from nvr.api.http.auth import principal_of, require, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, TIME_ERRORS, format_time, parse_range, parse_time
from nvr.cameras import marks
from nvr.cameras.marks import CameraMark, MarkError, NewMark
from storage.catalogue import audit
from storage.intervals import Interval
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line

__all__ = ["ROUTES"]

_MOST_ADDED: Final = 1_000
_MOST_KINDS: Final = 50
_LONGEST_LABEL: Final = 200


class MarkToAdd(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something that was seen of a camera, from ``start`` until ``end`` (none: at that moment). ``kind``: any word of
    small letters; ``label``: what, more closely; ``score``: how sure the analysis is, 0 to 1."""

    camera: str
    kind: str
    start: str
    end: str | None = None
    label: str = ""
    score: float | None = None


class MarksToAdd(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """At most 1,000 marks of one analysis: ``source`` is its name, ``version`` that of its software and model."""

    source: str
    version: str
    marks: list[MarkToAdd]


class MarksAdded(msgspec.Struct):
    """Their ids, in the order in which they were given."""

    added: list[str]


class CameraMarkBody(msgspec.Struct):
    """``is_on``: it goes on, ``end`` is as far as is known. ``count``: how many of them it stands for. ``source`` is
    ``camera``, or the name of an analysis, with its ``version``; ``topic``: the device's own word."""

    id: str
    camera: str
    kind: str
    start: str
    end: str
    is_on: bool
    count: int
    source: str
    version: str
    topic: str
    label: str
    score: float | None


class MarkList(msgspec.Struct):
    """The latest first. ``is_whole``: there are no more in this range."""

    marks: list[CameraMarkBody]
    is_whole: bool


def _body(one: CameraMark) -> CameraMarkBody:
    score = one.detail.get("score")
    return CameraMarkBody(
        id=one.id,
        camera=one.camera,
        kind=one.kind,
        start=format_time(one.start_us),
        end=format_time(one.end_us),
        is_on=one.is_on,
        count=one.count,
        source=one.source,
        version=one.version,
        topic=str(one.detail.get("topic", "")),
        label=str(one.detail.get("label", "")),
        score=float(score) if isinstance(score, int | float) else None,
    )


@get(
    "/api/marks",
    action="playback",
    scope="cameras",
    summary="Marks of a range: of up to 16 cameras, or of all that one may play; of some kinds",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "invalid_parameter", *RANGE_ERRORS],
    answer=MarkList,
    pool="heavy",
)
def list_marks(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    kind: FromQuery[list[str] | None] = None,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Of the footage that who asks may play, at most 2,000."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    rights = rights_of(request)
    if camera:
        chosen = chosen_cameras(camera)
        for one in chosen:
            require(request, one, AccessAction.PLAYBACK, asked)
        among = frozenset(chosen)
    else:
        among = rights.cameras(AccessAction.PLAYBACK).ids
    with services.db.read() as conn:
        found = marks.between(conn, *asked, cameras=among, kinds=(kind or [])[:_MOST_KINDS])
    shown = [
        one
        for one in found
        if rights.on(one.camera, AccessAction.PLAYBACK, Interval(one.start_us, one.start_us + 1)).allowed
    ]
    return json_answer(request, MarkList([_body(one) for one in shown], len(found) < marks.MOST_MARKS))


def _wanted(data: MarksToAdd) -> list[NewMark]:
    found: list[NewMark] = []
    for one in data.marks:
        start_us = parse_time("start", one.start)
        end_us = start_us if one.end is None else parse_time("end", one.end)
        detail: dict[str, object] = {}
        if one.label:
            detail["label"] = one_line("label", one.label, longest=_LONGEST_LABEL)
        if one.score is not None:
            if not 0 <= one.score <= 1:
                raise MarkError(Sentence("a score is from 0 to 1"))
            detail["score"] = one.score
        found.append(NewMark(one.camera, one.kind, start_us, end_us, data.source, data.version, detail))
    return found


@post(
    "/api/marks",
    action="playback",
    scope="cameras",
    summary="Add what an analysis saw in footage, with its name and version: all of it or nothing",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "forbidden", "invalid_mark", *TIME_ERRORS],
    answer=MarksAdded,
)
def add_marks(request: ApiRequest, services: Injected, data: JSONBody[MarksToAdd]) -> Response[bytes]:
    """Of the footage that who asks may play."""
    if not 1 <= len(data.marks) <= _MOST_ADDED:
        raise ApiError("invalid_mark", Sentence("give 1 to {most} marks", most=_MOST_ADDED))
    try:
        wanted = _wanted(data)
        for one in wanted:
            if one.start_us <= one.end_us:
                require(request, one.camera, AccessAction.PLAYBACK, Interval(one.start_us, one.end_us + 1))
        return json_answer(request, MarksAdded(_added(request, services, wanted)), status=201)
    except (MarkError, TextError) as error:
        raise ApiError("invalid_mark", sentence_of(error)) from None


def _added(request: ApiRequest, services: Services, wanted: Sequence[NewMark]) -> list[str]:
    with services.db.write() as conn:
        try:
            made = marks.add(conn, wanted, by=principal_of(request).actor.person, now_us=services.now_us())
        except KeyError as error:
            raise no_camera(str(error.args[0])) from None
        cameras = sorted({one.camera for one in wanted})
        source = {"source": wanted[0].source, "version": wanted[0].version, "marks": len(made)}
        audit.append(conn, "marks_added", camera=cameras[0] if len(cameras) == 1 else None, detail=source)
    return made


ROUTES: list[object] = [list_marks, add_marks]
