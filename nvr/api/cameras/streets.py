"""The route of what the map draws under the cameras: a file of GeoJSON of the operator's own."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

from litestar import Response

from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, Packed, packed
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from storage.sentences import Sentence

__all__ = ["ROUTES"]

_MOST_BYTES: Final = 20 << 20


@lru_cache(maxsize=1)
def _read(path: Path, mtime_ns: int, size: int) -> Packed:
    data = path.read_bytes()
    try:
        kind = json.loads(data)["type"]
    except (ValueError, TypeError, KeyError):
        kind = None
    if kind not in ("FeatureCollection", "GeometryCollection", "Feature"):
        raise ApiError("not_found", Sentence("the file of [map] streets is no GeoJSON: a FeatureCollection is needed"))
    return packed(data)


@get(
    "/api/map/streets",
    action="status",
    scope="cameras",
    summary="What the map draws under the cameras, as GeoJSON",
    errors=["not_found"],
    media_type="application/geo+json",
    pool="heavy",
)
def streets(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The file of ``[map] streets``."""
    if services.settings.streets is None:
        raise ApiError("not_found", Sentence("no file of streets is configured: [map] streets"))
    path = Path(services.settings.streets)
    try:
        state = path.stat()
        if state.st_size > _MOST_BYTES:
            raise ApiError("not_found", Sentence("the file of [map] streets is larger than 20 MB"))
        found = _read(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise ApiError(
            "not_found", Sentence("the file of [map] streets can't be read: {why}", why=error.strerror or "")
        ) from None
    return found.answer(request, "application/geo+json", {"Cache-Control": "private, no-cache"})


ROUTES: list[object] = [streets]
