"""Certificates that were given, in all the ways they are given wrongly; and those of an own authority."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from nvr.tls.authority import Authority, TlsFolder
from nvr.tls.errors import TlsError
from nvr.tls.pair import make_context, read_pair, warnings_of

DAY_US = 86_400_000_000
NOW = datetime.now(UTC).replace(microsecond=0)
NOW_US = int(NOW.timestamp()) * 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> TlsFolder:
    made = TlsFolder(tmp_path / "tls")
    assert made.create("city", ["cctv.example", "192.0.2.7"])
    return made


def pem(key: object) -> bytes:
    encoded: bytes = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded


def test_an_own_authority_makes_what_openssl_and_browsers_take(folder: TlsFolder) -> None:
    pair = read_pair(folder.certificate, folder.key)
    assert pair.names == ("cctv.example", "192.0.2.7")
    assert pair.validity(NOW_US) is None
    assert 799 * DAY_US <= pair.ends_us - NOW_US <= 825 * DAY_US
    assert warnings_of(pair, folder.key, now_us=NOW_US) == []
    for name in ("server.key", "authority.key"):
        assert (folder.path / name).stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    for host in ("-verify_hostname cctv.example", "-verify_ip 192.0.2.7"):
        subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", folder.authority, *host.split(), folder.certificate],
            check=True,
            capture_output=True,
        )


def test_the_authority_can_vouch_for_no_other_server(folder: TlsFolder, tmp_path: Path) -> None:
    authority = folder.load()
    assert authority is not None
    assert authority.refuses(["a.cctv.example", "127.0.0.1"]) == []
    foreign = ["bank.example", "192.0.2.8", "2001:db8::1", "cctv.example.org", "xcctv.example"]
    assert authority.refuses(foreign) == foreign
    for name in foreign:
        certificate = tmp_path / "foreign.pem"
        certificate.write_bytes(authority.issue([name], NOW)[0])
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", folder.authority, certificate], capture_output=True, text=True
        )
        assert "permitted subtree violation" in done.stderr, name


def test_renewed_by_the_same_authority_unless_asked_for_another(folder: TlsFolder) -> None:
    before, authority = read_pair(folder.certificate, folder.key), folder.authority.read_bytes()
    assert not folder.create("city", ["cctv.example"])
    assert folder.authority.read_bytes() == authority
    assert read_pair(folder.certificate, folder.key).fingerprint != before.fingerprint
    with pytest.raises(TlsError, match=r"not made for elsewhere\.example.*--new-authority"):
        folder.create("city", ["elsewhere.example"])
    assert folder.create("city", ["elsewhere.example"], new_authority=True)
    assert folder.authority.read_bytes() != authority


@pytest.mark.parametrize("name", ["with space", "ü.example", "", "a/b"])
def test_names_that_are_none_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TlsError, match="no name or address"):
        TlsFolder(tmp_path / "x").create("city", [name])
    assert not (tmp_path / "x" / "server.key").exists()


def test_what_is_given_wrongly_is_said_in_words(folder: TlsFolder, tmp_path: Path) -> None:
    other = TlsFolder(tmp_path / "other")
    other.create("city", ["cctv.example"])
    made = {
        "der": x509.load_pem_x509_certificate(folder.certificate.read_bytes()).public_bytes(serialization.Encoding.DER),
        "text": b"hello",
        "late": folder.authority.read_bytes() + folder.certificate.read_bytes(),
        "ed25519": pem(ed25519.Ed25519PrivateKey.generate()),
        "short": pem(rsa.generate_private_key(65537, 1024)),
        "encrypted": ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    good, key = folder.certificate, folder.key
    for certificate, private, why in (
        (tmp_path / "absent", key, "can't be read: No such file"),
        (good, tmp_path / "absent", "can't be read: No such file"),
        (tmp_path / "der", key, "openssl x509 -inform der"),
        (tmp_path / "text", key, "holds no certificate in PEM"),
        (key, good, "interchanged"),
        (good, good, "holds no private key"),
        (good, tmp_path / "text", "holds no private key"),
        (good, other.key, "is not the key of"),
        (tmp_path / "late", key, "must come first"),
        (good, tmp_path / "ed25519", "browsers don't take"),
        (good, tmp_path / "short", "of 1024 bits"),
        (good, tmp_path / "encrypted", "is encrypted"),
        (folder.authority, folder.path / "authority.key", "an authority's certificate"),
    ):
        for function in (read_pair, make_context):
            with pytest.raises(TlsError, match=why) as error:
                function(certificate, private)
            assert "PRIVATE KEY-----\n" not in str(error.value)


def test_validity_ends_and_is_warned_of_before(folder: TlsFolder) -> None:
    pair = read_pair(folder.certificate, folder.key)
    assert pair.validity(pair.starts_us - 1) == "is not valid yet"
    assert pair.validity(pair.ends_us - 1) is None
    assert pair.validity(pair.ends_us) == "has ended"
    (ending,) = warnings_of(pair, folder.key, now_us=pair.ends_us - 5 * DAY_US)
    assert "ends in 5 days" in ending
    (ended,) = warnings_of(pair, folder.key, now_us=pair.ends_us)
    assert "has ended" in ended
    folder.key.chmod(0o644)
    (mode,) = warnings_of(pair, folder.key, now_us=NOW_US)
    assert "mode 644" in mode


def test_a_chain_ends_with_its_first_to_end(folder: TlsFolder, tmp_path: Path) -> None:
    """Browsers refuse a chain as soon as one certificate of it has ended."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "intermediate")])
    middle = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(NOW + timedelta(days=3))
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "chain.pem"
    chain.write_bytes(folder.certificate.read_bytes() + middle.public_bytes(serialization.Encoding.PEM))
    assert read_pair(chain, folder.key).ends_us == NOW_US + 3 * DAY_US


def test_a_label_of_any_length_is_a_name_in_the_browser(tmp_path: Path) -> None:
    made = Authority.make("Dinas Kominfo Kota Semarang " * 9, ["a"], NOW)
    assert made.certificate.subject.rfc4514_string().startswith("CN=Dinas Kominfo")
