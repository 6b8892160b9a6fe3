"""The folder of keys: one key that signs, and the certificates of those before it, which stay so that old exports can
be verified.

``<fingerprint>.der`` is a certificate, ``<fingerprint>.pem`` its private key, and ``current`` names the fingerprint
that signs now. Invariants: private keys are never readable by others (0600 in a folder of 0700, and refused otherwise);
a certificate is never removed.
"""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass
from pathlib import Path

from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.signing import Certificate, Signer, make_signer, read_certificate, read_signer
from storage.durable_files import replace_file

__all__ = ["Kept", "KeyFolder"]

_CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate that this server signs with, or did. ``since_us``: when its file was made."""

    certificate: Certificate
    is_current: bool
    since_us: int


class KeyFolder:
    """The folder at ``path``. ``name`` is the subject of certificates made here."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._name = name

    def ensure(self) -> Signer:
        """The key that signs; one is made if there is none.

        Raises:
            KeyProblem: there is one, and it can't be used.
        """
        if not (self.path / _CURRENT).exists():
            self._add(make_signer(self._name, now_us=time.time_ns() // 1000))
        return self.current()

    def current(self) -> Signer:
        """The key that signs.

        Raises:
            KeyProblem: there is none, or it can't be used, or others may read it.
        """
        try:
            fingerprint = self._current()
            key, certificate = self.path / f"{fingerprint}.pem", self.path / f"{fingerprint}.der"
            mode = stat.S_IMODE(key.stat().st_mode)
            if mode & 0o077:
                raise KeyProblem(f"others can read the key {key} (mode {mode:03o}): run chmod 600 on it")
            signer = read_signer(key.read_bytes(), certificate.read_bytes())
        except OSError as error:
            raise KeyProblem(f"the key in {self.path} can't be read: {error.strerror}") from None
        if signer.certificate.fingerprint != fingerprint:
            raise KeyProblem(f"{certificate} is not the certificate that its name says")
        return signer

    def rotate(self) -> Signer:
        """Makes a new key, which signs from now on. The old certificate stays; the old private key too, until somebody
        removes it."""
        self._add(make_signer(self._name, now_us=time.time_ns() // 1000))
        return self.current()

    def supply(self, key_pem: bytes, certificate: bytes, password: bytes | None = None) -> Signer:
        """Takes a key and certificate made elsewhere, which sign from now on.

        Raises:
            KeyProblem: they can't be used.
        """
        signer = read_signer(key_pem, certificate, password)
        if not signer.certificate.covers(time.time_ns() // 1000):
            raise KeyProblem("the certificate is not valid now")
        self._add(signer)
        return self.current()

    def certificates(self) -> list[Kept]:
        """All certificates, the one in use first, then the newest first.

        Raises:
            KeyProblem: one can't be read.
        """
        current = self._current() if (self.path / _CURRENT).exists() else None
        found = []
        for path in sorted(self.path.glob("*.der")) if self.path.is_dir() else []:
            try:
                certificate = read_certificate(path.read_bytes(), path.name)
                since_us = path.stat().st_mtime_ns // 1000
            except OSError as error:
                raise KeyProblem(f"the certificate {path} can't be read: {error.strerror}") from None
            found.append(Kept(certificate, certificate.fingerprint == current, since_us))
        return sorted(found, key=lambda kept: (not kept.is_current, -kept.since_us, kept.certificate.fingerprint))

    def find(self, fingerprint: str) -> Certificate:
        """The certificate whose fingerprint begins with this, or the one in use for ``current``.

        Raises:
            KeyError: none does, or several do.
        """
        kept = [
            each.certificate
            for each in self.certificates()
            if (each.is_current if fingerprint == _CURRENT else each.certificate.fingerprint.startswith(fingerprint))
        ]
        if len(kept) != 1 or not fingerprint:
            raise KeyError(fingerprint)
        return kept[0]

    def _current(self) -> str:
        text = (self.path / _CURRENT).read_text(encoding="ascii", errors="replace").strip()
        if len(text) != 64 or set(text) - set("0123456789abcdef"):
            raise KeyProblem(f"{self.path / _CURRENT} does not name a key")
        return text

    def _add(self, signer: Signer) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fingerprint = signer.certificate.fingerprint
        # The name of what signs comes last: a crash before leaves what was.
        replace_file(self.path / f"{fingerprint}.pem", signer.key_pem(), 0o600)
        replace_file(self.path / f"{fingerprint}.der", signer.certificate.der, 0o644)
        replace_file(self.path / _CURRENT, fingerprint.encode() + b"\n", 0o644)
