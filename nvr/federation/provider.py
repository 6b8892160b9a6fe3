"""The conversation with an identity provider: what it says of itself, its keys, and the exchange of a code for who
logged in.

Blocks; asked in a pool of its own. Invariants: no answer is taken that is not of the provider that the settings name;
answers are bounded in size and time, and no redirect is followed; secrets are in no error.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from nvr.federation.claims import ALGORITHMS, TokenRefused
from nvr.federation.settings import LoginProvider

__all__ = ["Conversation", "Conversations", "Discovered", "ProviderUnreachable"]

_TIMEOUT_S: Final = 8.0
_LARGEST_BYTES: Final = 512 << 10
_KEPT_S: Final = 3600.0
_ADDRESS: Final = re.compile(r"[!-~]{1,2048}", re.ASCII)
# Who does not answer is not asked for each browser that begins a login: each would wait as long.
_FAILED_S: Final = 10.0
# Keys that are not known are asked for again, and not for each token that names one.
_AGAIN_S: Final = 30.0


class ProviderUnreachable(Exception):
    """It does not answer, or not as a provider does. For the log; holds no secret."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    says_issuer: bool
    by_post: bool


class Conversation:
    """With one provider. Safe to use from several threads."""

    def __init__(self, settings: LoginProvider) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._discovered: tuple[float, Discovered] | None = None
        self._failed: tuple[float, str] | None = None
        self._keys: tuple[float, Any] | None = None

    def discovered(self) -> Discovered:
        """What it says of itself, at most an hour old.

        Raises:
            ProviderUnreachable: it does not answer, did not a moment ago, or is another one.
        """
        kept, failed = self._discovered, self._failed
        if kept is not None and time.monotonic() - kept[0] < _KEPT_S:
            return kept[1]
        if failed is not None and time.monotonic() - failed[0] < _FAILED_S:
            raise ProviderUnreachable(failed[1])
        try:
            found = self._discover()
        except ProviderUnreachable as error:
            self._failed = (time.monotonic(), str(error))
            raise
        self._discovered, self._failed = (time.monotonic(), found), None
        return found

    def _discover(self) -> Discovered:
        said = self._get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != self.settings.issuer:
            raise ProviderUnreachable(f"it calls itself {str(said.get('issuer'))[:200]!r}")
        methods = said.get("token_endpoint_auth_methods_supported")
        return Discovered(
            self._endpoint(said, "authorization_endpoint"),
            self._endpoint(said, "token_endpoint"),
            self._endpoint(said, "jwks_uri"),
            self._endpoint(said, "userinfo_endpoint") if said.get("userinfo_endpoint") else None,
            said.get("authorization_response_iss_parameter_supported") is True,
            isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods,
        )

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        value = said.get(name)
        parts = urlsplit(value) if isinstance(value, str) else None
        plain = urlsplit(self.settings.issuer).scheme == "http"
        is_one = parts is not None and parts.hostname and parts.scheme in (("http", "https") if plain else ("https",))
        # One of them stands in a header of ours: a line end in it would be the beginning of another.
        if not is_one or not _ADDRESS.fullmatch(str(value)):
            raise ProviderUnreachable(f"its {name} can't be used")
        return str(value)

    def login_address(
        self, *, redirect: str, state: str, nonce: str, verifier: str, again: bool, longest_s: int
    ) -> str:
        """Where a browser is sent to log in. ``again``: it asks anew, whoever is logged in there; ``longest_s``: it
        asks anew who proved longer ago who they are.

        Raises:
            ProviderUnreachable: as ``discovered``.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            # With it the provider has to say when they proved who they are.
            "max_age": "0" if again else str(longest_s),
            **({"prompt": "login"} if again else {}),
        }
        where = self.discovered().authorization
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(asked, quote_via=quote)}"

    def exchange(self, code: str, *, verifier: str, redirect: str) -> tuple[dict[str, Any], str | None]:
        """What the ID token says that a code is exchanged for, its signature verified and nothing else; and the access
        token, if there is one.

        Raises:
            ProviderUnreachable: it does not answer.
            TokenRefused: it did not take the code, or its token is not its own.
        """
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        secret, headers = self.settings.client_secret, {"Accept": "application/json"}
        known = self.discovered()
        if secret is None or known.by_post:
            asked |= {"client_id": self.settings.client_id, **({} if secret is None else {"client_secret": secret})}
        else:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        said = self._ask("POST", known.token, data=asked, headers=headers)
        token, access = said.get("id_token"), said.get("access_token")
        if not isinstance(token, str):
            raise TokenRefused("the answer has no ID token")
        return self.verified(token), access if isinstance(access, str) else None

    def userinfo(self, access: str, subject: str) -> dict[str, Any]:
        """What it says of who logged in, beside the ID token; nothing if it does not.

        Raises:
            ProviderUnreachable: it does not answer.
            TokenRefused: it speaks of somebody else.
        """
        where = self.discovered().userinfo
        if where is None:
            return {}
        said = self._get(where, Authorization=f"Bearer {access}")
        if said.get("sub") != subject:
            raise TokenRefused("its user info is of somebody else")
        return said

    def verified(self, token: str) -> dict[str, Any]:
        """What a token says that a key of the provider's signed; nothing of it is checked but that.

        Raises:
            ProviderUnreachable: its keys can't be had.
            TokenRefused: no key of it did.
        """
        for again in (False, True):
            try:
                return self._decoded(token, self._key_set(again=again))
            except TokenRefused:
                if again:
                    raise
        raise AssertionError("the loop returns or raises")

    def _decoded(self, token: str, keys: Any) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            claims = dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
            _check_text(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TokenRefused(f"its signature is not good ({type(error).__name__})") from None
        return claims

    def _key_set(self, *, again: bool) -> Any:
        with self._lock:
            kept = self._keys
            age_s = None if kept is None else time.monotonic() - kept[0]
            if kept is not None and age_s is not None and age_s < (_AGAIN_S if again else _KEPT_S):
                return kept[1]
            said = self._get(self.discovered().keys)
            found = _keys_of(said)
            self._keys = (time.monotonic(), found)
            return found

    def _get(self, address: str, **headers: str) -> dict[str, Any]:
        return self._ask("GET", address, headers={"Accept": "application/json", **headers})

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        import httpx

        began_s, data = time.monotonic(), b""
        try:
            with httpx.stream(method, address, timeout=_TIMEOUT_S, follow_redirects=False, **more) as answer:
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > _LARGEST_BYTES or time.monotonic() - began_s > 2 * _TIMEOUT_S:
                        raise ProviderUnreachable("its answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text may hold what was sent.
            raise ProviderUnreachable(f"it can't be reached ({type(error).__name__})") from None
        try:
            said = json.loads(data)
            _check_text(said)
        except (ValueError, RecursionError):
            said = None
        if answer.status_code != 200 or not isinstance(said, dict):
            why = str(said.get("error", ""))[:60] if isinstance(said, dict) else ""
            raise (TokenRefused if method == "POST" else ProviderUnreachable)(
                f"it answered {answer.status_code} {why if why.isprintable() else ''}".strip()
            )
        return said


def _keys_of(said: dict[str, Any]) -> Any:
    """The keys that can be used. Those of kinds that are not known are passed over (RFC 7517 §5).

    Raises:
        ProviderUnreachable: there are none.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, import_key

    found = []
    listed = said.get("keys")
    for one in listed if isinstance(listed, list) else ():
        with contextlib.suppress(JoseError, ValueError, TypeError, KeyError):
            found.append(import_key(one))
    if not found:
        raise ProviderUnreachable("its keys can't be read")
    return KeySet(found)


def _check_text(said: object) -> None:
    """Passes if all texts in what was said are text: JSON can hold what no catalogue, hash or log can.

    Raises:
        ValueError: they are not.
    """
    json.dumps(said, ensure_ascii=False).encode()


class Conversations:
    """With those of the settings: one each, as long as its settings stay."""

    def __init__(self) -> None:
        self._open: dict[str, Conversation] = {}

    def of(self, settings: LoginProvider) -> Conversation:
        """The conversation with a provider."""
        found = self._open.get(settings.id)
        if found is None or found.settings != settings:
            found = self._open[settings.id] = Conversation(settings)
        return found
