"""What a verification found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

__all__ = ["EXIT_CODES", "Finding", "FindingKind", "SignatureReport", "VerificationReport"]


class FindingKind(StrEnum):
    """What is wrong, the gravest first: of several, the first one names the outcome."""

    MALFORMED = "malformed"
    MODIFIED = "modified"
    MISSING = "missing"
    ADDED = "added"
    UNSUPPORTED = "unsupported"
    UNKNOWN_KEY = "unknown_key"


EXIT_CODES: Final[Mapping[str, int]] = {
    "valid": 0,
    FindingKind.MODIFIED: 10,
    FindingKind.MISSING: 11,
    FindingKind.ADDED: 12,
    FindingKind.UNKNOWN_KEY: 13,
    FindingKind.UNSUPPORTED: 14,
    FindingKind.MALFORMED: 15,
}
"""Of the command, by outcome. 1 and 2 are for a target that can't be read at all and for wrong usage."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, in which file, and where in it. ``code`` is a stable word with its text in ``words``; ``values``
    go into that text."""

    kind: FindingKind
    where: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """A signature that holds, over everything: 1 is the exporter's, later ones are counter-signatures. ``known``: its
    certificate is one of those that were given."""

    number: int
    fingerprint: str
    subject: str
    not_before_us: int
    not_after_us: int
    remark: str
    known: bool


@dataclass(slots=True)
class VerificationReport:
    """A verification. ``form`` is directory, zip or mp4; ``about`` the manifest's own words, or the seal's; ``notes``
    what it admits itself, as codes with values: nobody tampered, but a reader must know."""

    target: str
    form: str
    pinned: bool
    findings: list[Finding] = field(default_factory=list)
    signatures: list[SignatureReport] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    files: int = 0
    bytes: int = 0

    def add(self, kind: FindingKind, where: str, code: str, **values: Any) -> None:
        """Adds a finding."""
        self.findings.append(Finding(kind, where, code, values))

    @property
    def outcome(self) -> str:
        """``valid``, or the gravest kind found."""
        kinds = {finding.kind for finding in self.findings}
        return next((kind.value for kind in FindingKind if kind in kinds), "valid")

    @property
    def exit_code(self) -> int:
        """The command's."""
        return EXIT_CODES[self.outcome]

    @property
    def signer_known(self) -> bool:
        """Whether a certificate that was given vouches for all of it."""
        return any(signature.known for signature in self.signatures)
