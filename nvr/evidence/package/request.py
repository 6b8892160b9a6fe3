"""What an export is asked to hold, for whom and why; the fields that others (cases, approvals, the audit log) fill
in."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from storage.sentences import Sentence
from storage.texts import wrong_in

__all__ = ["OPERATING_SYSTEM", "STATEABLE", "ExportRequest", "Unit", "new_export_id"]

_LONGEST_TEXT = 500

STATEABLE: Final = ("case", "legal_basis", "purpose", "requester", "approver")
"""What of a request can be somebody's mere words."""

OPERATING_SYSTEM: Final = "the operating system"
"""Who states the name of whoever uses the command line."""


def new_export_id() -> str:
    """An id that is never given twice."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """``[start_us, end_us)`` of these cameras. All text is for people and may be empty; ``holds`` are ids of legal
    holds; ``custody`` are steps before the export, as ``{"time","event","who","detail","audit"}``; ``audit_head`` is
    how far the audit log reached when the export was begun, and ``audit_entry`` the entry by which it was asked for
    (``number:hash``). They are written into the manifest as they are given. ``stated_by``: for each text that the
    catalogue does not prove, who stated it; what is not in it is proven: the catalogue has it of its own knowledge,
    sealed in the audit log."""

    id: str
    cameras: tuple[str, ...]
    start_us: int
    end_us: int
    operator: str
    case: str = ""
    legal_basis: str = ""
    purpose: str = ""
    requester: str = ""
    approver: str = ""
    holds: tuple[str, ...] = ()
    custody: tuple[Mapping[str, str], ...] = ()
    audit_head: str = ""
    audit_entry: str = ""
    stated_by: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; ``from_json`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExportRequest:
        """The request that ``to_json`` wrote."""
        values = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        for name in ("cameras", "holds", "custody"):
            values[name] = tuple(values.get(name, ()))
        made = cls(**values)
        # Queued by a server that did not keep it: what no request of a case proves was typed by who exports.
        return made if "stated_by" in data else made.as_stated(() if made.custody else ("requester", "approver"))

    def as_stated(self, also: Iterable[str] = STATEABLE, **by: str) -> ExportRequest:
        """With ``by`` as who stated each text, and who exports for those of ``also``, and ``case``, ``legal_basis`` and
        ``purpose``; empty texts state nothing."""
        wanted = {**dict.fromkeys((*also, "case", "legal_basis", "purpose"), self.operator), **by}
        return replace(self, stated_by={name: who for name, who in wanted.items() if getattr(self, name)})

    def complaints(self) -> list[Sentence]:
        """What of it can't be: for whoever asked."""
        found = []
        if not self.cameras:
            found.append(Sentence("an export needs at least one camera"))
        if len(set(self.cameras)) != len(self.cameras):
            found.append(Sentence("a camera is named twice"))
        if self.end_us <= self.start_us:
            found.append(Sentence("the range is empty: end must be after start"))
        for name in ("operator", "case", "legal_basis", "purpose", "requester", "approver"):
            text = getattr(self, name)
            if len(text) > _LONGEST_TEXT or wrong_in(text) is not None:
                found.append(
                    Sentence(
                        "{name} must be one line of at most {most} printable characters", name=name, most=_LONGEST_TEXT
                    )
                )
        return found


@dataclass(frozen=True, slots=True)
class Unit:
    """The exporting machine: its name for people, its node, the zone for local times, and the software's version."""

    name: str
    node: str
    zone: str
    version: str
