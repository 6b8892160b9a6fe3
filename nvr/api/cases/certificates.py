"""Routes of the certificates that exports are signed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Response
from litestar.params import FromPath

from nvr.api.cases.export_bodies import (
    CertificateBody,
    Certificates,
)
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from nvr.evidence.seal.errors import KeyProblem
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.evidence.seal.keys import KeyFolder

__all__ = ["list_certificates", "one_certificate"]


def _keys(services: Services) -> KeyFolder:
    from nvr.evidence.seal.keys import KeyFolder

    return KeyFolder(services.keys_folder, services.settings.name)


@get(
    "/api/certificates",
    action="public",
    summary="The certificates that exports are, or were, signed with",
    answer=Certificates,
)
def list_certificates(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The one in use first. Public: whoever verifies a package needs them."""
    try:
        kept = _keys(services).certificates()
    except (KeyProblem, OSError):
        kept = []
    bodies = [
        CertificateBody(
            each.certificate.fingerprint,
            each.certificate.subject,
            each.certificate.bits,
            format_time(each.certificate.not_before_us),
            format_time(each.certificate.not_after_us),
            each.is_current,
        )
        for each in kept
    ]
    return json_answer(request, Certificates(bodies))


@get(
    "/api/certificates/{name:str}",
    action="public",
    summary="A certificate, `{certificate_sha256}.der` or `.pem`; `current.der` is the one in use",
    errors=["certificate_not_found"],
    media_type="application/pkix-cert",
)
def one_certificate(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """To be kept by those who verify."""
    fingerprint, _, form = name.rpartition(".")
    is_whole = len(fingerprint) == 64 or fingerprint == "current"
    try:
        if not is_whole or form not in ("der", "pem"):
            raise KeyError(name)
        found = _keys(services).find(fingerprint)
    except (KeyError, KeyProblem, OSError):
        raise ApiError("certificate_not_found", Sentence("there is no certificate {name!r}", name=name)) from None
    kind = "application/pkix-cert" if form == "der" else "application/x-pem-file"
    headers = {"Content-Disposition": f'attachment; filename="{found.fingerprint[:16]}.{form}"'}
    return Response(found.der if form == "der" else found.pem, media_type=kind, headers=headers)
