"""Routes of links: one recipient fetches one export by one, without an account.

The secret is never in an address that a server or a proxy sees: a link is the page's address with the secret behind
``#``; the page sends it in a body and gets a cookie for the download's path. Invariant: a link that is unknown, over,
revoked, or whose export is deleted is answered alike.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.api.cases import link_footage
from nvr.api.cases.export_requests import check_may_have, find_export, manifest_of, package_of
from nvr.api.cases.link_footage import not_valid
from nvr.api.cases.seen import names_of
from nvr.api.http.auth import Principal, address_of, principal_of
from nvr.api.http.cookies import LINK_COOKIE, make_cookie
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time, parse_time
from nvr.cases import exports, links
from nvr.cases.errors import LinkError
from nvr.cases.exports import Export
from nvr.cases.links import Link
from nvr.cases.links import LinkState as LinkState
from storage.catalogue import audit
from storage.catalogue.actors import NOBODY
from storage.catalogue.audit import Act
from storage.causes import Cause
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES", "ExportLinkBody", "link_body"]

# Of videos and gaps: a page shows no more; all are in the package.
_MOST_SHOWN: Final = 200


class NewLink(msgspec.Struct, forbid_unknown_fields=True):
    """Whom it is for, and either how long or until when."""

    recipient: str
    expires_s: int | None = None
    until: str | None = None


class ExportLinkBody(msgspec.Struct, omit_defaults=True):
    """A link. ``state``: ``valid``, ``over``, ``revoked`` or ``ended`` (its export is deleted). ``path``, its address
    on this server, is answered once: when it is made."""

    id: str
    recipient: str
    made_by: str
    made: str
    until: str
    state: LinkState
    openings: int
    downloads: int
    used: str | None
    revoked: str | None
    revoked_by: str | None
    path: str | msgspec.UnsetType = msgspec.UNSET


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """The text behind ``#/link/``."""

    link: str


class LinkedCamera(msgspec.Struct):
    """A camera of the export."""

    id: str
    name: str


class LinkedVideo(msgspec.Struct):
    """A video of the package: what it shows of which camera, and where it can be looked at."""

    name: str
    camera: str
    start: str
    end: str
    address: str


class LinkedGap(msgspec.Struct):
    """What of the range its reader will not find: a gap, by cause, or footage that could not be delivered."""

    camera: str
    start: str
    end: str
    cause: Cause | None


class OpenedLink(msgspec.Struct):
    """What the recipient is told. ``bytes`` is the size of the ZIP, ``download`` where it is. ``certificate_sha256``:
    of the certificate that the package is signed with, to be compared with what was given on another way."""

    recipient: str
    until: str
    cameras: list[LinkedCamera]
    start: str
    end: str
    case: str
    name: str
    bytes: int
    download: str
    server: str
    zone: str
    requester: str
    approver: str
    made: str
    certificate_sha256: str
    signer: str
    videos: list[LinkedVideo]
    gaps: list[LinkedGap]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def link_body(link: Link) -> ExportLinkBody:
    """A link as it is listed."""
    return ExportLinkBody(
        link.id,
        link.recipient,
        link.made_by,
        format_time(link.made_us),
        format_time(link.until_us),
        link.state,
        link.openings,
        link.downloads,
        _time(link.used_us),
        _time(link.revoked_us),
        link.revoked_by,
    )


def _allowed(conn: sqlite3.Connection, id_: str, who: Principal) -> Export:
    job = find_export(conn, id_, who)
    check_may_have(who, job)
    return job


@post(
    "/api/exports/{export:str}/links",
    action="export",
    scope="cameras",
    summary="Make a link by which one recipient fetches an export",
    errors=[
        "invalid_request",
        "invalid_link",
        "naive_time",
        "invalid_time",
        "time_out_of_range",
        "not_your_export",
        "export_not_found",
        "export_not_ready",
        "export_wrong",
    ],
    answer=ExportLinkBody,
)
def make_link(
    request: ApiRequest, services: Injected, export: FromPath[str], data: JSONBody[NewLink]
) -> Response[bytes]:
    """For whoever may download it. The answer holds the link's address, this once."""
    who, now_us = principal_of(request), services.now_us()
    with services.db.write() as conn:
        _allowed(conn, export, who)
        if (data.expires_s is None) == (data.until is None):
            raise ApiError("invalid_link", Sentence("say either expires_s or until"))
        if data.expires_s is not None:
            # Far beyond what is allowed, but no number that the catalogue can't hold.
            until_us = now_us + min(max(data.expires_s, 0), 10**9) * 1_000_000
        else:
            until_us = parse_time("until", data.until)
        try:
            link, text = links.make(
                conn, export, recipient=data.recipient, until_us=until_us, by=who.actor, now_us=now_us
            )
        except LinkError as error:
            raise ApiError(error.code, sentence_of(error)) from None
    body = link_body(link)
    body.path = services.url(f"/#/link/{text}")
    return json_answer(request, body, status=201)


@post(
    "/api/exports/{export:str}/links/{link:str}/revoke",
    action="export",
    scope="cameras",
    summary="Revoke a link",
    errors=["not_your_export", "export_not_found", "link_not_found"],
    status=200,
    answer=ExportLinkBody,
)
def revoke_link(request: ApiRequest, services: Injected, export: FromPath[str], link: FromPath[str]) -> Response[bytes]:
    """It opens nothing from now on; a download that is under way breaks off within a second."""
    who, now_us = principal_of(request), services.now_us()
    with services.db.write() as conn:
        _allowed(conn, export, who)
        known = links.find(conn, link, now_us)
        if known is None or known.export != export:
            raise ApiError("link_not_found", Sentence("there is no link {link!r} to this export", link=link))
        revoked = links.revoke(conn, link, by=who.actor, now_us=now_us)
    return json_answer(request, link_body(revoked))


@post(
    "/api/links/open",
    action="public",
    summary="Open a link: what it is, and a cookie to download it",
    errors=["invalid_request", "link_not_valid", "too_many_attempts"],
    status=200,
    answer=OpenedLink,
)
def open_link(request: ApiRequest, services: Injected, data: JSONBody[Opening]) -> Response[bytes]:
    """Guessing gets slower and slower, as with logins."""
    address, now_us = address_of(request), services.now_us()
    id_ = data.link.strip().partition(".")[0]
    services.link_attempts.begin(id_, address)
    opened = None
    with services.db.read() as conn:
        known = links.find(conn, id_[:64], now_us)
    # Who guesses must not take the lock that recording waits for.
    if known is not None:
        with services.db.write() as conn, audit.acting(Act(known.actor, address, "link_opened", now_us)):
            try:
                opened = links.open_link(conn, data.link, now_us)
            except LinkError as error:
                services.link_attempts.succeeded(id_, address)
                raise ApiError(error.code, sentence_of(error), headers={"Retry-After": "60"}) from None
    if opened is None:
        if services.links_refused_entered.take() is not None:
            with services.db.write() as conn, audit.acting(Act(NOBODY, address, "link_refused", now_us)):
                links.refused(conn, data.link, now_us)
        raise not_valid()
    services.link_attempts.succeeded(id_, address)
    link, cookie = opened
    path = f"/api/links/{link.id}"
    answer = json_answer(request, _opened(services, link, path))
    answer.set_cookie(
        make_cookie(request, services, LINK_COOKIE, cookie, age_s=links.OPENING_US // 1_000_000, path=path)
    )
    return answer


def _opened(services: Services, link: Link, path: str) -> OpenedLink:
    with services.db.read() as conn:
        job = exports.find(conn, link.export)
        assert job is not None
        names = names_of(conn, job.request["cameras"])
    said = manifest_of(services, job)
    return OpenedLink(
        link.recipient,
        format_time(link.until_us),
        [LinkedCamera(id_, names.get(id_) or id_) for id_ in job.request["cameras"]],
        format_time(job.request["start_us"]),
        format_time(job.request["end_us"]),
        str(job.request.get("case", "")),
        f"{job.folder}.zip",
        package_of(services, job).size,
        services.url(f"{path}/download"),
        services.settings.name,
        services.settings.zone,
        str(job.request.get("requester", "")),
        str(job.request.get("approver", "")),
        said["made"],
        said["signer"]["certificate_sha256"],
        said["signer"]["subject"],
        [
            LinkedVideo(
                file["name"],
                file["camera"],
                file["delivered"]["start"],
                file["delivered"]["end"],
                services.url(f"{path}/videos/{file['name']}"),
            )
            for file in said["files"]
            if file["kind"] == "video"
        ][:_MOST_SHOWN],
        [
            LinkedGap(camera["id"], gap["start"], gap["end"], Cause(gap["cause"]) if "cause" in gap else None)
            for camera in said["cameras"]
            for gap in (*camera["gaps"], *camera["not_delivered"])
        ][:_MOST_SHOWN],
    )


ROUTES = [make_link, revoke_link, open_link, *link_footage.ROUTES]
