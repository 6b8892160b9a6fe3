"""The browser app's files, as Vite built them. Public: they hold no data, and the login is one of them."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from litestar import Response
from litestar.params import FromPath

from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, Packed, packed
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from storage.sentences import Sentence

__all__ = ["ROUTES", "SECURITY_HEADERS", "index_file", "policy_for_frames"]

# Everything comes from this server. hls.js plays from blob: addresses and works in a blob: worker; snapshots may be
# kept as one.
_POLICY: Final = "; ".join(
    [
        "default-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "img-src 'self' blob: data:",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)


def policy_for_frames(origins: Sequence[str]) -> str:
    """The page's policy, where pages of these may show it within theirs."""
    return _POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}")


# On every answer, whatever it is.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", re.ASCII)
_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>nvr</title>
<h1>The page is not built</h1>
<p>The server works; its browser app is missing. It is in every wheel of nvr: if this is one, install it again. In a
checkout, run <code>make setup</code>, or <code>cd nvr/web &amp;&amp; npm ci &amp;&amp; npm run build</code>, and load
this page again.</p>
<p>The HTTP interface is described at <a href="api/schema">api/schema</a>.</p>
</html>
"""
# The page has a few dozen files, of 2 MB in all.
_LARGEST_KEPT_BYTES: Final = 2 << 20
_OWN_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"')
_POLICY_WITHIN: Final = 4096
_TEXT: Final = frozenset({"application/json", "application/javascript", "image/svg+xml", "application/manifest+json"})


def _file(request: ApiRequest, folder: Path, name: str, cache: str) -> Response[bytes]:
    if not _NAME.fullmatch(name):
        raise ApiError("not_found", Sentence("there is no such address"))
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = media_type.startswith("text/") or media_type in _TEXT
    try:
        state = (folder / name).stat()
        if state.st_size <= _LARGEST_KEPT_BYTES:
            file = _kept(folder / name, is_text, state.st_mtime_ns, state.st_size)
        else:
            file = packed((folder / name).read_bytes(), worth_it=is_text)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise ApiError("not_found", Sentence("there is no such address")) from None
    return file.answer(request, _with_charset(media_type) if is_text else media_type, {"Cache-Control": cache})


@lru_cache(maxsize=64)
def _kept(path: Path, is_text: bool, mtime_ns: int, size: int) -> Packed:
    """A file of the page as it is since then."""
    return packed(path.read_bytes(), worth_it=is_text)


@get("/verifier.html", action="public", summary="The page that checks exports", in_schema=False)
def verifier(request: ApiRequest, services: Injected) -> Response[bytes]:
    """One file, for recipients to keep. All of it is inside, so what may run is named in it, by its hash."""
    answer = _file(request, services.page_folder, "verifier.html", "no-cache")
    found = _OWN_POLICY.search((services.page_folder / "verifier.html").read_text(encoding="utf-8")[:_POLICY_WITHIN])
    policy = "default-src 'none'" if found is None else found[1]
    answer.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
    return answer


def _with_charset(media_type: str) -> str:
    # The framework says it for text by itself.
    return media_type if media_type.startswith("text/") else f"{media_type}; charset=utf-8"


@get("/", action="public", summary="The page", media_type="text/html", in_schema=False)
def index(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The page itself."""
    return index_file(request, services)


def index_file(request: ApiRequest, services: Services) -> Response[bytes]:
    """The page: asked for anew each time, so that an upgrade is seen."""
    if not (services.page_folder / "index.html").is_file():
        return Response(_NOT_BUILT, media_type="text/html", headers={"Cache-Control": "no-store"})
    return _file(request, services.page_folder, "index.html", "no-cache")


@get("/{name:str}", action="public", summary="A file of the page", in_schema=False)
def public_file(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """What Vite copied as it is, such as the icon."""
    return _file(request, services.page_folder, name, "no-cache")


@get("/assets/{name:str}", action="public", summary="A hashed file of the page", in_schema=False)
def asset(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """Its name changes with its content."""
    return _file(request, services.page_folder / "assets", name, "public, max-age=31536000, immutable")


ROUTES: list[object] = [index, verifier, public_file, asset]
