"""Hosts of several addresses, certificates, redirects: whom a camera's connection reaches."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp.errors import NativeError, RedirectError
from nvr.recorder.sources.rtsp.dial import dial, in_turn
from nvr.recorder.sources.rtsp.ledger import LEDGER
from nvr.recorder.sources.rtsp.redirects import redirected
from storage.catalogue import devices
from storage.catalogue.database import Database
from storage.catalogue.logins import device_of
from storage.causes import Cause
from tests.recorder.sources.harness import camera, record
from tests.support.cameras.running import Startable
from tests.support.cameras.stub import Asked, StubCamera

Serve = Callable[[Startable], str]
V4, V6 = socket.AF_INET, socket.AF_INET6


# Several addresses
# -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def swallowing() -> Iterator[tuple[str, int]]:
    """An address that answers no SYN, as a firewall's: a listener whose queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        time.sleep(0.05)  # sleep: the kernel's queue fills
        yield address
        for filler in fillers:
            filler.close()


async def test_a_first_address_that_swallows_everything(
    swallowing: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, port = swallowing
    with socket.create_server(("127.0.0.1", port)):

        async def resolve(host: str, port: int) -> list[object]:
            return [(V4, socket.SOCK_STREAM, 6, "", (a, port)) for a in (dead, "127.0.0.1")]

        monkeypatch.setattr("nvr.recorder.sources.rtsp.dial._resolve", resolve)
        async with asyncio.timeout(20):
            with await dial("camera.example", port) as sock:
                assert sock.getpeername()[0] == "127.0.0.1"
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left


async def test_the_last_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[object]:
        return [(V4, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("127.0.0.1", "127.0.0.3")]

    monkeypatch.setattr("nvr.recorder.sources.rtsp.dial._resolve", resolve)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await dial("camera.example", held.getsockname()[1])


@given(st.lists(st.tuples(st.sampled_from([V4, V6]), st.integers(0, 9).map(lambda n: (f"a{n}", 1))), min_size=1))
def test_families_take_turns(found: list[tuple[socket.AddressFamily, tuple[str, int]]]) -> None:
    mixed = in_turn(found)
    assert mixed[0] == found[0] and len(set(mixed)) == len(mixed) == min(8, len(set(found)))
    if {family for family, _ in found} == {V4, V6}:
        assert mixed[1][0] != mixed[0][0]


# Certificates
# ----------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's TLS with a certificate that it has signed itself, as a camera's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "catalogue.db")
    made.migrate()
    LEDGER.open(made)
    yield made
    LEDGER.close()
    made.close()


def test_the_first_certificate_counts(serve: Serve, tmp_path: Path, database: Database) -> None:
    first = StubCamera(Asked.usual, tls=certificate(tmp_path, "first"))
    url = serve(first)
    for _ in range(2):
        assert record(url)[0].cause is Cause.STALLED
    second = StubCamera(Asked.usual, tls=certificate(tmp_path, "second"))
    other = serve(second)
    with database.write() as conn:
        known = devices.find(conn, device_of(url))
        assert known is not None
        devices.learn(conn, device_of(other), certificate=known.certificate)
    ended, _, _ = record(other, username="admin", password="s3cret")
    assert ended.cause is Cause.REJECTED and ended.detail["reason"] == "certificate"
    assert not second.asked, "something was sent to a camera of another certificate"
    with database.write() as conn:
        (changed,) = devices.changed_certificates(conn)
        assert changed.camera == "cam" and changed.offered != known.certificate
        devices.trust(conn, device_of(other))
    assert record(other)[0].cause is Cause.STALLED


def test_verified_and_not_at_all(serve: Serve, tmp_path: Path, database: Database) -> None:
    served = StubCamera(Asked.usual, tls=certificate(tmp_path, "own"))
    url = serve(served)
    ended, _, _ = record(url, tls="verify")
    assert ended.cause is Cause.REJECTED and "can't be verified" in ended.detail["error"]
    assert not served.asked
    assert record(url, tls="insecure")[0].cause is Cause.STALLED
    plain = StubCamera(Asked.usual)
    ended, _, _ = record(serve(plain).replace("rtsp://", "rtsps://"))
    assert ended.cause in (Cause.REJECTED, Cause.UNREACHABLE) and not plain.asked


# Redirects
# -------------------------------------------------------------------------------------------------------------------

CAMERA = camera("rtsp://cam.example:8554/live", redirect_hosts=["other.example"])


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("rtsp://cam.example:8554/two", "rtsp://cam.example:8554/two"),
        ("rtsp://CAM.example./two", "rtsp://CAM.example./two"),
        ("rtsps://cam.example/two", "rtsps://cam.example/two"),
        ("rtsp://10.0.0.5/two", "rtsp://10.0.0.5/two"),
        ("rtsp://u:p@other.example/two", "rtsp://other.example/two"),
        ("/two", "rtsp://cam.example:8554/two"),
    ],
)
def test_followed(location: str, target: str) -> None:
    found = redirected(CAMERA, CAMERA.url, location, "10.0.0.5")
    assert found.url == target
    # Of the same host the address stays, whatever its name leads to by now.
    assert found.at == ("" if "other.example" in target else "10.0.0.5")


@pytest.mark.parametrize(
    "location",
    [
        "",
        "rtsp://evil.example/",
        "rtsp://127.0.0.1/",
        "rtsp://[::1]/",
        "rtsp://[::ffff:127.0.0.1]/",
        "rtsp://[::ffff:a00:5]/",
        "rtsp://0x7f000001/",
        "rtsp://127.1/",
        "rtsp://0/",
        "rtsp://localhost/",
        "rtsp://cam%2eexample/",
        "rtsp://[fe80::1%25eth0]/",
        "rtsp://169.254.169.254/",
        "rtsp://cam.example@evil.example/",
        "rtsp://cam.example.evil.example/",
        "rtsp://10.0.0.50/",
        "rtsp://cam.example:0/",
        "rtspu://cam.example/",
        "rtsp://cam.example:99999/",
        "rtsp://[::1/",
        "rtsp://cam.example/\r\nX: y",
    ],
)
def test_not_followed(location: str) -> None:
    with pytest.raises(NativeError):
        redirected(CAMERA, CAMERA.url, location, "10.0.0.5")


def test_no_redirect_gives_encryption_up() -> None:
    with pytest.raises(RedirectError):
        redirected(camera("rtsps://cam.example/"), "rtsps://cam.example/", "rtsp://cam.example/", "10.0.0.5")


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "305 Proxy"])
def test_no_login_follows_a_redirect(serve: Serve, method: str, status: str) -> None:
    other = StubCamera(Asked.usual, host="127.0.0.2")
    there = serve(other)

    def reply(asked: Asked) -> bytes:
        if not asked.authorization and asked.method != "OPTIONS":
            return asked.answer("401 No", 'WWW-Authenticate: Digest realm="r", nonce="1"')
        if asked.method == method:
            return asked.answer(status, f"Location: {there}")
        return asked.usual()

    served = StubCamera(reply)
    ended, _, _ = record(serve(served), username="admin", password="s3cret")
    assert ended.cause in (Cause.REJECTED, Cause.STALLED), ended
    assert not other.connections


def test_redirected_by_a_request(serve: Serve) -> None:
    other = StubCamera(Asked.usual, host="127.0.0.2")
    there = serve(other)

    def reply(asked: Asked) -> bytes:
        tail = f"REDIRECT * RTSP/1.0\r\nCSeq: 9\r\nLocation: {there}\r\n\r\n".encode()
        return asked.usual() + (tail if asked.method == "PLAY" else b"")

    assert record(serve(StubCamera(reply)))[0].cause is Cause.ENDED
    assert not other.connections


def test_a_name_is_not_looked_up_again_for_a_redirect(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera redirects to itself by its name, which may lead to this machine by then."""
    dialled: list[str] = []

    async def once(host: str, port: int) -> socket.socket:
        dialled.append(host)
        return await dial("127.0.0.1" if dialled == ["cam.example"] else host, port)

    monkeypatch.setattr("nvr.recorder.sources.rtsp.connection.dial", once)

    def reply(asked: Asked) -> bytes:
        if asked.method == "DESCRIBE" and asked.url.endswith("/live"):
            return asked.answer("302 Found", f"Location: {asked.url.replace('/live', '/two')}")
        return asked.usual()

    served = StubCamera(reply)
    record(serve(served).replace("127.0.0.1", "cam.example"), username="admin", password="s3cret")
    assert dialled == ["cam.example", "127.0.0.1"]
    assert "PLAY" in [asked.method for asked in served.asked]


def test_a_host_that_the_setting_names_is_followed(serve: Serve) -> None:
    other = StubCamera(Asked.usual, host="127.0.0.2")
    there = serve(other)
    served = StubCamera(lambda asked: asked.answer("302 Found", f"Location: {there}"))
    record(serve(served), redirect_hosts=["127.0.0.2"])
    assert "PLAY" in [asked.method for asked in other.asked]
