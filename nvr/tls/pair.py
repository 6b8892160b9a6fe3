"""A certificate and its key as they are in files, and what a server makes of them.

Invariant: no message holds anything of a private key.
"""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nvr.tls.errors import TlsError

__all__ = ["ENDS_SOON_US", "Pair", "make_context", "read_pair", "warnings_of"]

ENDS_SOON_US: Final = 21 * 86_400_000_000
"""So long before its end people are told of a certificate at the earliest, microseconds."""

# ECDHE for a key of the moment, AEAD: what browsers of the last ten years speak with TLS 1.2. TLS 1.3 has no others.
_CIPHERS_1_2: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_LEAST_RSA_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate that belongs to its key. ``names``: the names and addresses it is for. ``starts_us`` and
    ``ends_us``: when it is valid, UTC. ``fingerprint``: SHA-256, in hexadecimal digits."""

    names: tuple[str, ...]
    issuer: str
    starts_us: int
    ends_us: int
    fingerprint: str

    def ends_soon(self, now_us: int) -> bool:
        """Whether people are to be told of its end: in the last three weeks, or the last quarter of one that lasts for
        less than three months."""
        return self.ends_us - now_us < min(ENDS_SOON_US, (self.ends_us - self.starts_us) // 4)

    def validity(self, now_us: int) -> str | None:
        """Why a browser refuses it at this time; None if it does not."""
        if now_us >= self.ends_us:
            return "has ended"
        return "is not valid yet" if now_us < self.starts_us else None


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def read_pair(certificate: Path, key: Path) -> Pair:
    """The pair in these files, PEM. The first certificate is the server's own; intermediate ones follow it.

    Raises:
        TlsError: what is wrong with which file, and what to do.
    """
    chain = _chain(certificate)
    public = _public_of_key(key)
    own = chain[0]
    if _spki(own.public_key()) != public:
        if any(_spki(other.public_key()) == public for other in chain[1:]):
            raise TlsError(f"{certificate}: the server's own certificate must come first in it; put it there")
        raise TlsError(f"{key} is not the key of {certificate}; name the two that were made together")
    if _is_authority(own):
        raise TlsError(f"{certificate} is an authority's certificate, not a server's; name the server's")
    return Pair(
        names=_names(own),
        issuer=own.issuer.rfc4514_string(),
        starts_us=_us(own.not_valid_before_utc),
        ends_us=_us(min(one.not_valid_after_utc for one in chain)),
        fingerprint=own.fingerprint(hashes.SHA256()).hex(),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(f"{path} can't be read: {error.strerror}") from None


def _chain(path: Path) -> list[x509.Certificate]:
    data = _read(path)
    try:
        return x509.load_pem_x509_certificates(data)
    except (ValueError, UnsupportedAlgorithm):
        pass
    if b"PRIVATE KEY-----" in data and b"BEGIN CERTIFICATE" not in data:
        raise TlsError(f"{path} holds a key and no certificate; the two settings may be interchanged")
    raise TlsError(
        f"{path} holds no certificate in PEM (-----BEGIN CERTIFICATE-----); from DER: openssl x509 -inform der -in FILE"
    )


def _public_of_key(path: Path) -> bytes:
    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise TlsError(
            f"{path} is encrypted, and nobody is there to type its password when the server starts; write it without"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise TlsError(f"{path} holds no private key in PEM (-----BEGIN PRIVATE KEY-----)") from None
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise TlsError(f"{path} is an RSA key of {key.key_size} bits; use one of {_LEAST_RSA_BITS} or more")
    elif not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TlsError(f"{path} is of a kind that browsers don't take; use ECDSA (P-256) or RSA")
    return _spki(key.public_key())


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def warnings_of(pair: Pair, key: Path, *, now_us: int) -> list[str]:
    """What works, but not for everybody or not for long."""
    found = []
    if (why := pair.validity(now_us)) is not None:
        found.append(f"the certificate {why}: browsers refuse it")
    elif pair.ends_soon(now_us):
        found.append(f"the certificate ends in {(pair.ends_us - now_us) // 86_400_000_000} days: renew it")
    if not pair.names:
        found.append("the certificate names no server (subjectAltName): browsers refuse it")
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError:
        return found
    if mode & 0o007:
        found.append(f"every user of this machine can read the key {key} (mode {mode:03o}): run chmod 600 on it")
    return found


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a server speaks TLS with: 1.2 and 1.3, HTTP/1.1.

    Raises:
        TlsError: the files can't be used.
    """
    read_pair(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_1_2)
    # A client that renegotiates makes the server compute for nothing.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"{certificate} and {key} can't be used: {error.strerror or error}") from None
    return context
