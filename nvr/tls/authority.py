"""An authority of this installation alone, for networks in which nobody gives out certificates.

``authority.pem`` is what browsers are given, ``authority.key`` what signs, ``server.pem`` and ``server.key`` what the
server shows. Invariants: private keys are 0600 in a folder of 0700; the authority can vouch for the names and addresses
it was made for and for no other server in the world (name constraints), so that whoever trusts it risks nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nvr.tls.errors import TlsError
from storage.durable_files import replace_file

__all__ = ["Authority", "TlsFolder"]

_DAY: Final = timedelta(days=1)
# Of a server's certificate, whoever signed it, Apple's programs take no more than 825 days.
_SERVER_DAYS: Final = 800
_AUTHORITY_DAYS: Final = 3653

_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            if not _NAME.fullmatch(name) or len(name) > 253:
                raise TlsError(f"{name!r} is no name or address of a server") from None
            found.append(x509.DNSName(name))
    return found


def _permitted(names: Sequence[str]) -> list[x509.GeneralName]:
    """Names and what is below them; addresses one by one. Of each kind there is one: a kind that is not spoken of would
    be free."""
    found: list[x509.GeneralName] = []
    for name in (*names, "localhost", "127.0.0.1", "::1"):
        try:
            found.append(x509.IPAddress(ip_network(name)))
        except ValueError:
            found.append(x509.DNSName(name.removeprefix("*.")))
    return list(dict.fromkeys(found))


class Authority:
    """A certificate that signs others, and its key."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    @classmethod
    def make(cls, label: str, names: Sequence[str], now: datetime) -> Authority:
        """A new one, for these names and addresses. ``label``: what people read in their browser."""
        _general_names(names)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{label} (nvr, this installation only)"[:64])])
        public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _AUTHORITY_DAYS * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(public, critical=False)
            .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def issue(self, names: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
        """Certificate and key of a server by these names and addresses, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(min(now + _SERVER_DAYS * _DAY, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), _private(key)

    def refuses(self, names: Sequence[str]) -> list[str]:
        """Those that it was not made for."""
        allowed = (
            self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
        )
        networks = [one.value for one in allowed if isinstance(one, x509.IPAddress)]
        domains = [one.value for one in allowed if isinstance(one, x509.DNSName)]

        def is_allowed(name: str) -> bool:
            try:
                address = ip_address(name)
            except ValueError:
                bare = name.removeprefix("*.")
                return any(bare == domain or bare.endswith(f".{domain}") for domain in domains)
            return any(address in network for network in networks if not isinstance(network, IPv4Address | IPv6Address))

        return [name for name in names if not is_allowed(name)]

    def pem(self) -> tuple[bytes, bytes]:
        """Certificate and key."""
        return self.certificate.public_bytes(serialization.Encoding.PEM), _private(self._key)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class TlsFolder:
    """Where an installation has its authority and the server's certificate."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = path / "authority.pem"
        self.certificate = path / "server.pem"
        self.key = path / "server.key"
        self._authority_key = path / "authority.key"

    def load(self) -> Authority | None:
        """The authority; None if there is none yet.

        Raises:
            TlsError: there is one, and it can't be used.
        """
        if not self.authority.exists():
            return None
        try:
            certificate = x509.load_pem_x509_certificate(self.authority.read_bytes())
            key = serialization.load_pem_private_key(self._authority_key.read_bytes(), password=None)
        except OSError as error:
            raise TlsError(f"{error.filename} can't be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise TlsError(f"the authority in {self.path} can't be read; make a new one with --new-authority") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TlsError(f"{self._authority_key} is no key that was made here")
        return Authority(certificate, key)

    def create(self, label: str, names: Sequence[str], *, new_authority: bool = False) -> bool:
        """A certificate for the server, of its authority, which is made if there is none. A server that runs takes it
        by itself. True: the authority is new, and browsers have to be given it.

        Raises:
            TlsError: the names are no names, or the authority was not made for them.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        authority = None if new_authority else self.load()
        is_new = authority is None
        if authority is None:
            authority = Authority.make(label, names, now)
        elif refused := authority.refuses(names):
            raise TlsError(
                f"this authority was not made for {', '.join(refused)}; browsers would refuse the certificate."
                " With --new-authority another is made, which all browsers have to be given"
            )
        certificate, key = authority.issue(names, now)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_new:
            public, private = authority.pem()
            replace_file(self._authority_key, private, 0o600)
            replace_file(self.authority, public, 0o644)
        replace_file(self.key, key, 0o600)
        replace_file(self.certificate, certificate, 0o644)
        return is_new
