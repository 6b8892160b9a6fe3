"""An authenticator of passkeys in Python: what a browser's device does, without one."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Authenticator"]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Authenticator:
    """A device with one passkey, on a page of this ``origin``. ``verifies``: it knows its user by a finger."""

    origin: str = "https://nvr.test"
    verifies: bool = True
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, host: str, *, with_key: bool) -> bytes:
        flags = 0x01 | (0x04 if self.verifies else 0) | (0x40 if with_key else 0)
        self.counter += 1
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def make(self, options: str) -> str:
        """What a browser answers that was asked to make a passkey."""
        asked = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose: dict[int, Any] = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        data = self._data(asked["rp"]["id"], with_key=True)
        data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        return json.dumps(
            {
                "id": _text(self.id),
                "rawId": _text(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": _text(self._client_data("webauthn.create", asked["challenge"])),
                    "attestationObject": _text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
                },
            }
        )

    def sign(self, options: str) -> str:
        """What a browser answers that was asked for a passkey."""
        asked = json.loads(options)
        client = self._client_data("webauthn.get", asked["challenge"])
        data = self._data(asked["rpId"], with_key=False)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            {
                "id": _text(self.id),
                "rawId": _text(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": _text(client),
                    "authenticatorData": _text(data),
                    "signature": _text(signature),
                },
            }
        )
