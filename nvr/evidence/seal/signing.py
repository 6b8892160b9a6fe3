"""RSA signatures and X.509 certificates, as exports use them: RSASSA-PSS, SHA-256, MGF1 with SHA-256, a salt of 20
bytes, trailer 0xBC.

That is the export format's default algorithm; nothing else is written, and nothing else is accepted
(``docs/design/evidence.md`` says how another would come in). Everything signs digests, so that files of any size are
read once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from nvr.evidence.seal.errors import KeyProblem

__all__ = [
    "ALGORITHM",
    "LEAST_BITS",
    "MADE_BITS",
    "MOST_BITS",
    "Certificate",
    "Signer",
    "make_signer",
    "read_certificate",
    "read_signer",
]

ALGORITHM: Final = "RSASSA-PSS, SHA-256, MGF1 SHA-256, salt 20"
LEAST_BITS: Final = 2048
MOST_BITS: Final = 4096
# As strong as the 128 bits of SHA-256's collision resistance (NIST SP 800-57): beyond, only time is lost.
MADE_BITS: Final = 3072
_SALT_BYTES: Final = 20
# A package must be verifiable long after; who may be trusted is for whoever verifies to say, not for a date.
_VALID_YEARS: Final = 20
_LARGEST_FILE_BYTES: Final = 1 << 16

_PADDING: Final = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)
_PREHASHED: Final = Prehashed(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with a key that exports may be signed with. ``fingerprint``: the SHA-256 of ``der``,
    hexadecimal."""

    der: bytes
    fingerprint: str
    subject: str
    bits: int
    not_before_us: int
    not_after_us: int
    _key: rsa.RSAPublicKey

    @property
    def signature_bytes(self) -> int:
        """How long its signatures are."""
        return (self.bits + 7) // 8

    @property
    def pem(self) -> bytes:
        """As PEM."""
        return x509.load_der_x509_certificate(self.der).public_bytes(serialization.Encoding.PEM)

    def verifies(self, digest: bytes, signature: bytes) -> bool:
        """Whether this key made this signature of this SHA-256 digest."""
        if len(signature) != self.signature_bytes:
            return False
        try:
            self._key.verify(signature, digest, _PADDING, _PREHASHED)
        except InvalidSignature:
            return False
        return True

    def covers(self, at_us: int) -> bool:
        """Whether it was valid at this time by its own word."""
        return self.not_before_us <= at_us <= self.not_after_us


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its certificate."""

    certificate: Certificate
    _key: rsa.RSAPrivateKey

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest."""
        return self._key.sign(digest, _PADDING, _PREHASHED)

    def key_pem(self) -> bytes:
        """The private key, unencrypted PKCS #8. Secret: for a file that only its owner can read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def read_certificate(data: bytes, what: str = "the certificate") -> Certificate:
    """A certificate, in DER or PEM. Of several in a PEM file only one is allowed: which is meant must not be guessed.

    Raises:
        KeyProblem: it can't be read, or its key can't have signed an export.
    """
    if len(data) > _LARGEST_FILE_BYTES:
        raise KeyProblem(f"{what} is larger than any certificate")
    try:
        if b"-----BEGIN" in data:
            many = x509.load_pem_x509_certificates(data)
            if len(many) != 1:
                raise KeyProblem(f"{what} holds {len(many)} certificates: one is needed")
            found = many[0]
        else:
            found = x509.load_der_x509_certificate(data)
        key = found.public_key()
        der = found.public_bytes(serialization.Encoding.DER)
        names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        subject = str(names[0].value) if names else found.subject.rfc4514_string()
        begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    except KeyProblem:
        raise
    except Exception as error:
        # The library has no common base for what a hostile certificate can make it raise.
        raise KeyProblem(f"{what} is not a certificate in DER or PEM ({type(error).__name__})") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyProblem(f"{what} is not for an RSA key")
    if not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise KeyProblem(f"{what} has an RSA key of {key.key_size} bits: {LEAST_BITS} to {MOST_BITS} are allowed")
    fingerprint = hashlib.sha256(der).hexdigest()
    return Certificate(der, fingerprint, subject, key.key_size, _us(begin), _us(end), key)


def read_signer(key_pem: bytes, certificate: bytes, password: bytes | None = None) -> Signer:
    """The key (PEM) with its certificate (DER or PEM).

    Raises:
        KeyProblem: one of them can't be read, or they don't belong together.
    """
    read = read_certificate(certificate)
    try:
        key = serialization.load_pem_private_key(key_pem, password)
    except TypeError:
        raise KeyProblem("the key is encrypted and no password was given, or the other way round") from None
    except Exception:
        raise KeyProblem("the key is not a private key in PEM, or its password is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyProblem("the key is not an RSA key")
    if key.public_key() != read._key:
        raise KeyProblem("the key and the certificate do not belong together")
    return Signer(read, key)


def make_signer(name: str, *, now_us: int, bits: int = MADE_BITS) -> Signer:
    """A new key with a self-signed certificate for ``name``, valid from the day before (clocks differ) for 20 years."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.fromtimestamp(now_us // 1_000_000, UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _VALID_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return Signer(read_certificate(built.public_bytes(serialization.Encoding.DER)), key)
