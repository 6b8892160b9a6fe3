"""Keys: made once, never readable by others, rotated without losing a certificate, supplied, and refused when they
can't be."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from nvr.evidence.seal import keys
from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.keys import KeyFolder
from nvr.evidence.seal.signing import Signer, make_signer, read_certificate, read_signer
from storage.durable_files import replace_file
from tests.evidence.conftest import NOW_US

DIGEST = bytes(range(32))


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys", "Recorder")
    made = folder.ensure()
    assert folder.ensure().certificate == made.certificate
    assert made.certificate.subject == "Recorder"
    assert made.certificate.bits == 3072
    assert made.certificate.verifies(DIGEST, made.sign(DIGEST))
    assert not made.certificate.verifies(DIGEST[::-1], made.sign(DIGEST))
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    (key,) = (tmp_path / "keys").glob("*.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o640)
    with pytest.raises(KeyProblem, match="chmod 600"):
        folder.current()


def test_rotation_keeps_every_certificate(tmp_path: Path, signer: Signer) -> None:
    folder = KeyFolder(tmp_path, "Recorder")
    assert folder.certificates() == []
    first = folder.supply(signer.key_pem(), signer.certificate.pem)
    second = folder.rotate()
    kept = folder.certificates()
    assert [each.certificate for each in kept] == [second.certificate, first.certificate]
    assert [each.is_current for each in kept] == [True, False]
    assert folder.current().certificate == second.certificate
    assert folder.find("current") == second.certificate
    assert folder.find(first.certificate.fingerprint[:12]) == first.certificate
    for unknown in ("0" * 64, "", "../../etc/passwd"):
        with pytest.raises(KeyError):
            folder.find(unknown)


def test_what_does_not_belong_together_or_is_too_weak_is_refused(signer: Signer, other_signer: Signer) -> None:
    with pytest.raises(KeyProblem, match="belong together"):
        read_signer(signer.key_pem(), other_signer.certificate.der)
    with pytest.raises(KeyProblem, match="PEM"):
        read_signer(b"nonsense", signer.certificate.der)
    for nonsense in (b"", b"0" * 100, b"-----BEGIN CERTIFICATE-----\n", b"\x30\x82" + bytes(200), bytes(1 << 17)):
        with pytest.raises(KeyProblem):
            read_certificate(nonsense)
    with pytest.raises(KeyProblem, match="holds 2 certificates"):
        read_certificate(signer.certificate.pem * 2)
    with pytest.raises(KeyProblem, match="1024 bits"):
        make_signer("weak", now_us=NOW_US, bits=1024)


def test_a_certificate_that_is_not_rsa_is_refused(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=ec", "-days", "9"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(KeyProblem, match="not for an RSA key"):
        read_certificate((tmp_path / "c.pem").read_bytes())


def test_a_key_that_openssl_made_signs(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:secret", "-keyout", "k.pem"]
    command += ["-out", "c.pem", "-subj", "/CN=Second person", "-days", "9"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    key, certificate = (tmp_path / "k.pem").read_bytes(), (tmp_path / "c.pem").read_bytes()
    signer = read_signer(key, certificate, b"secret")
    assert signer.certificate.verifies(DIGEST, signer.sign(DIGEST))
    for password in (None, b"wrong"):
        with pytest.raises(KeyProblem):
            read_signer(key, certificate, password)


def test_a_crash_before_the_name_leaves_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signer: Signer
) -> None:
    folder = KeyFolder(tmp_path, "Recorder")
    first = folder.supply(signer.key_pem(), signer.certificate.der)

    def failing(path: Path, data: bytes, mode: int) -> None:
        if path.name == "current":
            raise OSError("no more")
        replace_file(path, data, mode)

    monkeypatch.setattr(keys, "replace_file", failing)
    with pytest.raises(OSError, match="no more"):
        folder.rotate()
    assert folder.current().certificate == first.certificate
