"""Routes of recorded bytes as they are: segments and inits, which playlists name."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from io import FileIO
from typing import Any, Final

from litestar import Response
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath
from litestar.response import Stream

from nvr.api.errors import ApiError
from nvr.api.ranges import Selected, select
from nvr.api.respond import ApiRequest, matches_etag
from nvr.api.routing import get
from nvr.api.services import Injected
from storage import segments
from storage.database import Database
from storage.layout import NODE_ID
from storage.segments import Key, Segment

__all__ = ["IMMUTABLE", "ROUTES"]

# Only for whoever asked: a proxy must not hand footage to people who are not logged in.
IMMUTABLE: Final = "private, max-age=31536000, immutable"

_NAME: Final = re.compile(rf"(?P<start>\d{{1,18}})-(?P<epoch>\d{{1,18}})-(?P<node>{NODE_ID})\.mp4", re.ASCII)
_INIT: Final = re.compile(r"(?P<sha256>[0-9a-f]{64})\.mp4", re.ASCII)
_CHUNK_BYTES: Final = 256 << 10


def _gone() -> ApiError:
    return ApiError("segment_not_found", "there is no such segment, or it was deleted")


def _opened(db: Database, key: Key) -> tuple[Segment, FileIO]:
    """The segment and its file, open for reading. A growing one is renamed when it closes: then it is looked up once more."""
    for _ in range(2):
        with db.read() as conn:
            segment = segments.get(conn, key)
        if segment is None:
            break
        try:
            return segment, FileIO(segment.path)
        except FileNotFoundError:
            continue
    raise _gone()


async def _chunks(file: FileIO, selected: Selected) -> AsyncIterator[bytes]:
    # If the client leaves before the first chunk this never runs; the file object closes itself then.
    with file:
        at, end = selected.first, selected.last + 1
        while at < end:
            chunk = await sync_to_thread(os.pread, file.fileno(), min(_CHUNK_BYTES, end - at), at)
            if not chunk:
                # Fewer bytes than promised: the connection must break, not pretend to be whole.
                raise OSError("a segment's file became shorter while it was read")
            at += len(chunk)
            yield chunk


@get(
    "/api/cameras/{camera:str}/segments/{name:str}",
    role="viewer",
    summary="Recorded bytes: {start_us}-{epoch}-{node}.mp4",
    errors=["segment_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def segment_bytes(request: ApiRequest, services: Injected, camera: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """One segment's file, or a ``Range`` of it. A growing one is as long as it is now."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise _gone()
    key = Key(camera, int(match["start"]), match["node"], int(match["epoch"]))
    segment, file = _opened(services.db, key)
    try:
        size = os.fstat(file.fileno()).st_size
        etag = None if segment.growing else f'"{key.start_us}-{key.epoch}-{key.node}-{size}"'
        headers = {"Cache-Control": "no-store" if etag is None else IMMUTABLE}
        if etag is not None:
            headers["ETag"] = etag
            if matches_etag(request.headers.get("if-none-match"), etag):
                file.close()
                return Response(b"", status_code=304, headers=headers, media_type="video/mp4")
        selected = select(request.headers, size=size, etag=etag)
    except ApiError:
        file.close()
        raise
    return Stream(
        _chunks(file, selected),
        status_code=selected.status,
        headers={**headers, **selected.headers()},
        media_type="video/mp4",
    )


@get(
    "/api/inits/{name:str}",
    role="viewer",
    summary="What makes fragments decodable: {sha256}.mp4",
    errors=["init_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def init_bytes(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """An init; its name is its content's SHA-256, so it never changes."""
    match = _INIT.fullmatch(name)
    with services.db.read() as conn:
        found = segments.init(conn, match["sha256"]) if match else None
    if found is None:
        raise ApiError("init_not_found", "there is no such init")
    etag = f'"{found.id}"'
    headers = {"Cache-Control": IMMUTABLE, "ETag": etag}
    if matches_etag(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers, media_type="video/mp4")
    selected = select(request.headers, size=len(found.data), etag=etag)
    return Response(
        found.data[selected.first : selected.last + 1],
        status_code=selected.status,
        headers={**headers, **selected.headers()},
        media_type="video/mp4",
    )


ROUTES: list[object] = [segment_bytes, init_bytes]
