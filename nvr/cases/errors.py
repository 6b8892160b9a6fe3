"""What can be refused of cases, their requests, links and addresses. Messages say why, in the reader's language."""

from __future__ import annotations

from storage.sentences import Sentence

__all__ = ["AddressError", "CaseError", "LinkError", "RefusedError"]


class RefusedError(ValueError):
    """The base of all of them. ``code`` is a stable word."""

    def __init__(self, code: str, message: Sentence) -> None:
        super().__init__(message)
        self.code = code


class CaseError(RefusedError):
    """A case or a request can't be as it was asked for."""


class LinkError(RefusedError):
    """A link can't be made, or opened, like this."""


class AddressError(RefusedError):
    """An address can't be made like this."""
