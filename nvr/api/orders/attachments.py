"""Routes of the files that come with orders: uploaded first, named by an order then, and only ever to be saved."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.params import FromPath

from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.orders.bodies import (
    known,
)
from nvr.orders import attachments
from nvr.orders.model import DirectiveKind
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

_FORGOTTEN_PARTS: Final = 22


class Uploaded(msgspec.Struct):
    """A file that an order may name."""

    sha256: str
    bytes: int


@post(
    "/api/attachments",
    action="orders",
    scope="cameras",
    summary="Upload a file for an order: the body is the file",
    errors=["invalid_attachment", "too_large"],
    answer=Uploaded,
    largest_body_bytes=attachments.MOST_BYTES,
)
async def upload_attachment(request: ApiRequest, services: Injected) -> Response[Uploaded]:
    """Kept in the catalogue. One that no order names within a day goes."""
    data = await request.body()
    try:
        sha256 = await services.pools.changes.run(_keep, services, data)
    except attachments.AttachmentError as error:
        raise ApiError("invalid_attachment", sentence_of(error)) from None
    return Response(Uploaded(sha256, len(data)), status_code=201, headers={"Cache-Control": "no-store"})


def _keep(services: Services, data: bytes) -> str:
    file, now_us = attachments.checked(data), services.now_us()
    attachments.add(services.db, file, now_us=now_us)
    # Twice as much goes as comes: what was uploaded for nothing is gone in time, and nobody waits for all of it.
    attachments.forget(services.db, now_us=now_us, most=_FORGOTTEN_PARTS)
    return file.sha256


@get(
    "/api/orders/{order:str}/attachment",
    action="report",
    scope="fleet",
    summary="The file that came with an order",
    errors=["directive_not_found", "attachment_not_found"],
    media_type="application/octet-stream",
    audit="attachment",
)
def order_attachment(services: Injected, order: FromPath[str]) -> Response[bytes]:
    """Only ever to be saved: whatever is in it, a browser does not show it as a page of this server."""
    with services.db.read() as conn:
        found = known(conn, order, DirectiveKind.ORDER)
        data = attachments.load(conn, found.attachment) if found.attachment else None
    if data is None:
        raise ApiError("attachment_not_found", Sentence("this order has no file"))
    name = quote(found.attachment_name or f"order-{order}", safe="")
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
    )


ROUTES: list[object] = [upload_attachment, order_attachment]
