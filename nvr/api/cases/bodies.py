"""Cases and the requests in them, as they are asked for and answered."""

from __future__ import annotations

import msgspec

from nvr.cases.requests import RequestState

__all__ = ["Approval", "CaseBody", "Cases", "FootageRequestBody", "NewCase", "NewRequest", "Refusal"]


class NewCase(msgspec.Struct, forbid_unknown_fields=True):
    """``number`` as the authority writes it; ``legal_basis``: the law, the letter."""

    number: str
    legal_basis: str
    title: str = ""


class NewRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Footage asked for, and what for."""

    cameras: list[str]
    start: str
    end: str
    purpose: str


class Approval(msgspec.Struct, forbid_unknown_fields=True):
    """A word on it, if any. ``until``: how long who asked may have the footage themselves; null: 30 days."""

    reason: str = ""
    until: str | None = None


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """Why; with ``release`` the holds end too."""

    reason: str
    release: bool = False


class FootageRequestBody(msgspec.Struct):
    """A request. ``state``: ``asked``, ``approved``, ``refused`` or ``withdrawn``. ``holds``: one a camera, in the same
    order; ``names``: what the cameras are called, in that order too. ``mine``: whoever reads this made it, themselves
    or by a token of theirs. ``may_decide``: whoever reads this may approve or refuse it."""

    id: str
    case: str
    cameras: list[str]
    names: list[str]
    holds: list[str]
    start: str
    end: str
    purpose: str
    state: RequestState
    requester: str
    mine: bool
    may_decide: bool
    requested: str
    decided_by: str | None
    decided: str | None
    decision: str | None
    export: str | None


class CaseBody(msgspec.Struct):
    """A case and its requests, the latest first."""

    id: str
    number: str
    legal_basis: str
    title: str
    opened_by: str
    opened: str
    closed: str | None
    closed_by: str | None
    close_reason: str | None
    requests: list[FootageRequestBody]


class Cases(msgspec.Struct):
    """All cases. ``second_person``: whoever asked may not approve."""

    second_person: bool
    cases: list[CaseBody]
