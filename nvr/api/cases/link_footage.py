"""Routes by which a browser that has opened a link gets what it is for: the package, and its videos to look at."""

from __future__ import annotations

from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nvr.api.answers.sending import send
from nvr.api.cases.export_requests import archive_of, package_of
from nvr.api.http.auth import address_of
from nvr.api.http.cookies import LINK_COOKIE
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.cases import exports, links
from nvr.evidence.package.archive import PackageArchive, PackageFile
from storage.catalogue.audit import Act
from storage.sentences import Sentence

__all__ = ["ROUTES", "not_valid"]


def not_valid() -> ApiError:
    """The one answer to a link that opens nothing, whatever the reason."""
    return ApiError(
        "link_not_valid", Sentence("this link opens nothing, or nothing any more: ask whoever gave it to you")
    )


@get(
    "/api/links/{link:str}/videos/{name:str}",
    action="public",
    summary="A video of a link's package, to be looked at, from any byte on",
    errors=["link_not_valid", "range_not_satisfiable"],
    media_type="video/mp4",
)
async def link_video(request: ApiRequest, services: Injected, link: FromPath[str], name: FromPath[str]) -> ASGIResponse:
    """For an hour after it was opened; then the page opens it anew. The same bytes as in the package."""
    cookie = request.cookies.get(LINK_COOKIE, "")
    work = services.pools.entries.run(_linked_video, services, link, cookie, address_of(request), name)
    file, etag = await work

    def still() -> bool:
        with services.db.read() as conn:
            return links.find_valid(conn, link, services.now_us()) is not None

    headers = {"Cache-Control": "no-store"}
    return send(request, file, etag=etag, media_type="video/mp4", headers=headers, still=still)


def _linked_video(services: Services, id_: str, cookie: str, address: str, name: str) -> tuple[PackageFile, str]:
    now_us = services.now_us()
    with services.db.read() as conn:
        link = links.of_cookie(conn, id_, cookie, now_us)
        job = None if link is None else exports.find(conn, link.export)
    if link is None or job is None or job.check_outcome == "wrong" or not name.endswith(".mp4"):
        raise not_valid()
    file = next(
        (PackageFile(package_of(services, job), at) for at, one in enumerate(job.files) if one[0] == name), None
    )
    if file is None:
        raise not_valid()
    detail = {"export": job.id, "link": link.id, "recipient": link.recipient}
    act = Act(link.actor, address, "export_watched", now_us)
    if not services.views.goes_on(act, None, detail, now_us):
        services.views.enter(act, None, detail, now_us)
    return file, f'"{job.id}-{name}"'


@get(
    "/api/links/{link:str}/download",
    action="public",
    summary="The package of a link that this browser has opened, as a ZIP",
    errors=["link_not_valid", "range_not_satisfiable"],
    media_type="application/zip",
)
async def link_download(request: ApiRequest, services: Injected, link: FromPath[str]) -> ASGIResponse:
    """For an hour after it was opened; then the page opens it anew."""
    cookie = request.cookies.get(LINK_COOKIE, "")
    archive, name, etag = await services.pools.entries.run(_linked, services, link, cookie, address_of(request))
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.zip"'}

    def still() -> bool:
        with services.db.read() as conn:
            return links.find_valid(conn, link, services.now_us()) is not None

    return send(request, archive, etag=etag, media_type="application/zip", headers=headers, still=still)


def _linked(services: Services, id_: str, cookie: str, address: str) -> tuple[PackageArchive, str, str]:
    now_us = services.now_us()
    with services.db.read() as conn:
        link = links.of_cookie(conn, id_, cookie, now_us)
        job = None if link is None else exports.find(conn, link.export)
    if link is None or job is None:
        raise not_valid()
    archive = archive_of(services, job)
    detail = {"export": job.id, "link": link.id, "recipient": link.recipient}
    act = Act(link.actor, address, "export_downloaded", now_us)
    if not services.views.goes_on(act, None, detail, now_us):
        services.views.enter(act, None, detail, now_us, also=lambda conn: links.downloaded(conn, link, now_us))
    return archive


ROUTES: list[object] = [link_video, link_download]
