"""An identity provider (OpenID Connect) in a thread of this process: it answers over HTTP as one does, and signs what a
test wants it to say."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

__all__ = ["IdentityProvider"]


class IdentityProvider:
    """``claims`` are put into each ID token, ``info`` into the user info; a claim of None is left out. ``paths``: what
    it was asked."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.claims: dict[str, Any] = {}
        self.info: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}
        self.paths: list[str] = []
        self.algorithm = "RS256"
        self.signing: Any = None
        self.client = ("nvr", "correct-horse")
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                provider.answer(self, dict(parse_qsl(body.decode())))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, form: Mapping[str, str]) -> None:
        path = urlsplit(handler.path).path
        self.paths.append(path)
        status, body = 200, None
        if path == "/.well-known/openid-configuration":
            body = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                **self.discovery,
            }
        elif path == "/keys":
            body = {"keys": [self.key.as_dict(private=False, use="sig", alg="RS256")]}
        elif path == "/userinfo":
            body = {"sub": self.claims.get("sub", "s-1"), **self.info}
        elif path == "/token":
            status, body = self._exchange(handler.headers.get("Authorization", ""), form)
        data = json.dumps(body if body is not None else {"error": "not_found"}).encode()
        handler.send_response(status if body is not None else 404)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _exchange(self, authorization: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        asked = self.asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if pair != ":".join(self.client):
            return 401, {"error": "invalid_client"}
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        return self.sign({"nonce": nonce, "exp": now + 300, "auth_time": now, **self.claims})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token that says this, beside what all say."""
        said = {"iss": self.issuer, "aud": "nvr", "sub": "s-1", "iat": int(time.time()), **claims}
        told = {name: value for name, value in said.items() if value is not None}
        key = self.key if self.signing is None else self.signing
        # Escaped, so that it can say what is no text.
        text = json.dumps(told).encode()
        return jws.serialize_compact(
            {"alg": self.algorithm, "kid": "one", "typ": "JWT"}, text, key, algorithms=[self.algorithm]
        )

    def log_in(self, location: str) -> dict[str, str]:
        """Somebody logs in there whose browser was sent to this address: what they bring back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert urlsplit(location).path == "/authorize" and asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256" and asked["client_id"] == self.client[0]
        code = secrets.token_urlsafe(16)
        self.asked[code] = asked
        return {"code": code, "state": asked["state"]}
