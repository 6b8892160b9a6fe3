"""What evidence can answer instead of a package or a verdict. One small tree; messages are for people and hold no
secret."""

from __future__ import annotations

__all__ = [
    "Cancelled",
    "EvidenceError",
    "ExportRefused",
    "KeyProblem",
    "NothingToExport",
    "SourceChanged",
    "WronglyWritten",
]


class EvidenceError(Exception):
    """Base of the tree."""


class KeyProblem(EvidenceError):
    """A key or certificate can't be used; the message says which, and what to do."""


class ExportRefused(EvidenceError):
    """An export can't be made like this."""


class NothingToExport(ExportRefused):
    """Nothing of the range was recorded, by any of the cameras."""


class SourceChanged(EvidenceError):
    """Recorded footage could not be read to the end while it was copied: the export is not made, rather than made
    short."""


class WronglyWritten(EvidenceError):
    """What was read back is not what was recorded: it is never handed out."""


class Cancelled(EvidenceError):
    """Somebody ended the export before it was done."""
