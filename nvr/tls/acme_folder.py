"""What an installation keeps for an authority that speaks ACME: its account's key, what it answers to challenges, and
the certificate that it was given.

Invariants: keys are 0600 in a folder of 0700; the certificate and its key are one file, so that no crash leaves two
that don't fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nvr.tls.authority import Authority
from nvr.tls.errors import TlsError
from nvr.tls.pair import Pair, read_pair
from storage.durable_files import replace_file

__all__ = ["AcmeFolder", "is_token", "pem_of"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_PLACEHOLDER: Final = "nvr, this installation only"


class AcmeFolder:
    """Where an installation has what concerns ACME."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pair = path / "acme.pem"
        """The certificate, those it follows from, and its key."""
        self.challenges = path / "challenges"
        self.account = path / "acme-account.key"
        """By which the authority knows this installation."""

    def read(self) -> Pair | None:
        """The certificate there is; None: none that can be used."""
        try:
            return read_pair(self.pair, self.pair)
        except TlsError:
            return None

    def is_placeholder(self) -> bool:
        """Whether what is there was made here, for want of a better one."""
        pair = self.read()
        return pair is not None and _PLACEHOLDER in pair.issuer.replace("\\", "")

    def make(self) -> None:
        """Makes the folders.

        Raises:
            OSError: they can't be made.
        """
        for folder in (self.path, self.challenges):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def place_holder(self, names: Sequence[str], label: str) -> bool:
        """A certificate of our own, until the authority has given one: the server speaks TLS from the first moment.
        Says whether one was needed.

        Raises:
            OSError: it can't be written.
        """
        if self.read() is not None:
            return False
        self.make()
        now = datetime.now(UTC).replace(microsecond=0)
        certificate, key = Authority.make(label, names, now).issue(names, now)
        replace_file(self.pair, certificate + key, 0o600)
        return True

    def answer(self, token: str) -> bytes | None:
        """What is said to an authority that asks for this token; None: it was not asked for."""
        if not is_token(token):
            return None
        try:
            return (self.challenges / token).read_bytes()
        except OSError:
            return None

    def account_key(self) -> ec.EllipticCurvePrivateKey:
        """The key by which the authority knows this installation; made when it is first needed.

        Raises:
            TlsError: what is there is no such key.
            OSError: it can't be read or written.
        """
        if not self.account.exists():
            replace_file(self.account, pem_of(ec.generate_private_key(ec.SECP256R1())), 0o600)
        try:
            key = serialization.load_pem_private_key(self.account.read_bytes(), password=None)
        except (ValueError, TypeError):
            raise TlsError(f"{self.account} is no key; remove it, and another account is made") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TlsError(f"{self.account} is no key that was made here; remove it, and another account is made")
        return key


def is_token(text: str) -> bool:
    """Whether this can be the token of a challenge: it is a file's name."""
    return _TOKEN.fullmatch(text) is not None


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as it is in files."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
