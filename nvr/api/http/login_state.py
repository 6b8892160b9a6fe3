"""How far somebody has come in: what of a login is still to be done before the routes answer, and whether it was lately
that they proved who they are.

Invariant: a session that waits for a second factor reaches what gives one, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvr.access.snapshot import Rights
from nvr.accounts.screens import SCREEN
from nvr.accounts.session_rows import Session
from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["LATELY_US", "LoginState", "check_login", "login_state", "needs_factor"]

LATELY_US: Final = 900 * 1_000_000
"""What has to do with factors themselves needs a proof that is no older, whatever the settings say."""


@dataclass(frozen=True, slots=True)
class LoginState:
    """Of a session; of a token all is done. ``waits``: for the second factor; ``must_change``: they logged in with a
    password that was made for them; ``must_set_up``: a role of theirs needs a second factor, and they have none.
    ``proved_us``: when they last proved who they are, None: not known. ``has_factor``: whether they do so by a second
    factor. ``on_screen``: it is a screen's on a wall."""

    waits: bool = False
    must_change: bool = False
    must_set_up: bool = False
    proved_us: int | None = None
    has_factor: bool = False
    on_screen: bool = False


def needs_factor(rights: Rights, roles: Collection[str]) -> bool:
    """Whether a grant in force is of a role that needs a second factor."""
    return bool(roles) and any(grant.role in roles for grant in rights.grants)


def login_state(session: Session, rights: Rights, roles: Collection[str]) -> LoginState:
    """The state of a session. ``roles`` are those that need a second factor."""
    return LoginState(
        session.waits,
        session.user.must_change,
        session.factor_us is None and not session.has_factor and needs_factor(rights, roles),
        session.proved_us,
        session.has_factor,
        session.way == SCREEN,
    )


def check_login(
    state: LoginState, opt: Mapping[str, Any], *, now_us: int, step_up_us: int | None, changes: bool = False
) -> None:
    """Lets a session through to a route of these options. ``step_up_us``: how long a proof is good for what needs one;
    None: as long as the session. ``changes``: it is asked to change something.

    Raises:
        ApiError: ``forbidden``, ``second_factor_needed``, ``password_change_needed``, ``second_factor_setup_needed`` or
            ``proof_needed``.
    """
    if state.on_screen and changes and not opt.get("on_screens"):
        # Whoever stands before it would leave themselves a way in: a passkey, an address for a player.
        raise ApiError("forbidden", Sentence("a screen shows what is live, and nothing is changed at it"))
    if state.waits:
        if opt.get("before_factor"):
            return
        raise ApiError("second_factor_needed", Sentence("give your second factor first: the password was right"))
    if state.must_change and not opt.get("before_change"):
        raise ApiError(
            "password_change_needed", Sentence("set a password of your own first: this one was made for you")
        )
    if state.must_set_up and not (opt.get("before_setup") or opt.get("before_change")):
        raise ApiError(
            "second_factor_setup_needed", Sentence("set up a second factor first: a role of yours needs one")
        )
    wanted = opt.get("proof")
    good_us = step_up_us if wanted != "always" else step_up_us or LATELY_US
    if wanted is None or good_us is None:
        return
    if state.proved_us is None or now_us - state.proved_us > good_us:
        raise ApiError(
            "proof_needed",
            Sentence("prove once more that it is you: with your second factor, or your password if you have none"),
        )
