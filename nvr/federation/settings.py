"""What is set of an identity provider, as processes tell each other."""

from __future__ import annotations

import msgspec

__all__ = ["LoginProvider"]


class LoginProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An identity provider: as of ``nvr.config.model.IdentityProvider``."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str | None = None
    scopes: tuple[str, ...] = ("openid", "profile")
    username_claim: str = "preferred_username"
    groups_claim: str = "groups"
    groups: dict[str, str] = {}
    new_users: bool = False
    second_factor: bool = False

    def __repr__(self) -> str:
        return f"LoginProvider({self.id!r}, {self.issuer!r})"
