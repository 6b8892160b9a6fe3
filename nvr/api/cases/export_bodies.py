"""Exports and certificates, as they are asked for and answered."""

from __future__ import annotations

import msgspec

from nvr.api.cases.links import ExportLinkBody
from nvr.cases.exports import CheckOutcome, ExportState

__all__ = ["CertificateBody", "Certificates", "CheckBody", "ExportBody", "ExportFile", "Exports", "NewExport"]


class NewExport(msgspec.Struct, forbid_unknown_fields=True):
    """Either ``request``, the id of an approved request of a case, which says all the rest; or cameras and a range."""

    request: str | None = None
    cameras: list[str] = []
    start: str | None = None
    end: str | None = None
    case: str = ""
    legal_basis: str = ""
    purpose: str = ""
    requester: str = ""
    approver: str = ""


class ExportFile(msgspec.Struct):
    """A file of a package."""

    name: str
    bytes: int


class CheckBody(msgspec.Struct):
    """What reading a package back has found; ``details`` for people."""

    at: str
    outcome: CheckOutcome
    details: list[str]


class ExportBody(msgspec.Struct):
    """An export. ``names``: what its cameras are called, in their order. ``reason`` says why it waits or ended.
    ``download`` is where its ZIP is, once it is done, and ``bytes`` how large. ``may_download``: whether it is for
    whoever asks; only they are told where it is, and its links. ``begins``: when it is expected to begin, while its
    range is not over. ``checked``: what reading its package back has found; null of one that never was. ``stated_by``:
    of ``case``, ``legal_basis``, ``purpose``, ``requester`` and ``approver``, those that are only somebody's words,
    with whose."""

    id: str
    state: ExportState
    cameras: list[str]
    names: list[str]
    start: str
    end: str
    case: str
    legal_basis: str
    purpose: str
    requester: str
    approver: str
    requested_by: str
    requested: str
    started: str | None
    ended: str | None
    total_bytes: int | None
    done_bytes: int
    reason: str | None
    warnings: list[str]
    files: list[ExportFile]
    bytes: int | None
    download: str | None
    may_download: bool
    links: list[ExportLinkBody]
    begins: str | None
    checked: CheckBody | None
    stated_by: dict[str, str]


class Exports(msgspec.Struct):
    """The latest exports."""

    exports: list[ExportBody]


class CertificateBody(msgspec.Struct):
    """A certificate that exports are or were signed with. ``certificate_sha256`` is its fingerprint."""

    certificate_sha256: str
    subject: str
    bits: int
    not_before: str
    not_after: str
    current: bool


class Certificates(msgspec.Struct):
    """All certificates, the one in use first."""

    certificates: list[CertificateBody]
