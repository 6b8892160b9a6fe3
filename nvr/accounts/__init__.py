"""Who may do what: users, sessions and API tokens. Works whether or not the server runs; knows nothing of HTTP."""

from __future__ import annotations

from nvr.access.roles import Role
from nvr.accounts.errors import (
    AccountError,
    BadCredentials,
    InvalidAccount,
    NoSuchAccount,
    UserExists,
    WeakPassword,
)
from nvr.accounts.first import FIRST_ADMIN
from nvr.accounts.passwords import LEAST_CHARACTERS, check_password
from nvr.accounts.sessions import (
    authenticate_session,
    authenticate_token,
    create_session,
    end_session,
    end_session_by_id,
    end_session_of_hash,
    hash_of,
    issue_token,
    prove_session,
    remove_token,
)
from nvr.accounts.setup import ensure_first_admin
from nvr.accounts.users import (
    create_user,
    remove_user,
    set_password,
    verify_password,
)

__all__ = [
    "FIRST_ADMIN",
    "LEAST_CHARACTERS",
    "AccountError",
    "BadCredentials",
    "InvalidAccount",
    "NoSuchAccount",
    "Role",
    "UserExists",
    "WeakPassword",
    "authenticate_session",
    "authenticate_token",
    "check_password",
    "create_session",
    "create_user",
    "end_session",
    "end_session_by_id",
    "end_session_of_hash",
    "ensure_first_admin",
    "hash_of",
    "issue_token",
    "prove_session",
    "remove_token",
    "remove_user",
    "set_password",
    "verify_password",
]
