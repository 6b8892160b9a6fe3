"""The API by TLS, with real sockets: what is spoken, who is waited for, and what plain HTTP is answered."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nvr.api.accepting import ServedCertificate
from nvr.api.connections import Limits
from nvr.tls.authority import TlsFolder
from nvr.tls.errors import TlsError
from tests.api.catalogue import PASSWORDS, World
from tests.api.http.test_connections import BIG, connect, is_ended, serving
from tests.api.http.test_process import running
from tests.support.waiting import until

NAME = "cctv.nvr.test"


@pytest.fixture
def folder(tmp_path: Path) -> TlsFolder:
    made = TlsFolder(tmp_path / "tls")
    made.create("city", [NAME, "127.0.0.1"])
    return made


@contextmanager
def by_tls(
    world: World, folder: TlsFolder, limits: Limits | None = None, **more: object
) -> Iterator[tuple[int, Callable[[], dict[str, int]]]]:
    files = {"certificate": str(folder.certificate), "key": str(folder.key)}
    with serving(world, limits or Limits(), **files, **more) as found:
        yield found


def context(folder: TlsFolder) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder.authority)


def tls(port: int, folder: TlsFolder, **more: ssl.TLSVersion) -> ssl.SSLSocket:
    made = context(folder)
    for name, value in more.items():
        setattr(made, name, value)
    return made.wrap_socket(connect(port), server_hostname=NAME)


def client(port: int, folder: TlsFolder) -> httpx.Client:
    return httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context(folder), timeout=20)


def shown(port: int, folder: TlsFolder) -> bytes:
    with tls(port, folder) as one:
        return one.getpeercert(binary_form=True) or b""


def test_it_speaks_tls_1_2_and_1_3_with_forward_secrecy_and_nothing_older(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder) as (port, refused):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with tls(port, folder, minimum_version=version, maximum_version=version) as one:
                cipher = one.cipher()
                assert cipher is not None and (version.name == "TLSv1_3" or cipher[0].startswith("ECDHE"))
        old = context(folder)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            old.wrap_socket(connect(port), server_hostname=NAME)
        weak = context(folder)
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, OSError)):
            weak.wrap_socket(connect(port), server_hostname=NAME)
        assert refused()["tls_handshake"] == 2


def test_cookies_are_secure_and_the_client_is_known_by_its_address(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder) as (port, _), client(port, folder) as http:
        assert http.get("/api/health").status_code == 200
        login = {"username": "vera", "password": PASSWORDS["vera"]}
        answer = http.post("/api/login", json=login)
        assert answer.status_code == 200, answer.text
        assert "; Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" not in answer.headers
        assert http.get("/api/me").json()["user"] == "vera"


def test_plain_http_is_sent_to_https_on_the_same_port(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder, hosts=["cctv.example"]) as (port, _):
        plain = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        answer = plain.get("/api/cameras?a=b%20c", headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.headers["location"]) == (
            308,
            f"https://127.0.0.1:{port}/api/cameras?a=b%20c",
        )
        assert plain.post("/api/login", json={}).status_code == 308
        assert plain.head("/").status_code == 308
        assert plain.get("/", headers={"Host": "cctv.example"}).headers["location"] == "https://cctv.example/"
        # No foreign name is passed on.
        assert plain.get("/", headers={"Host": "evil.example"}).status_code == 421
        token = {"Host": "evil.example", "Authorization": "Bearer x"}
        assert plain.get("/", headers=token).status_code == 421
        odd = connect(port, b"GET //evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"location: https://127.0.0.1//evil.example/" in odd.recv(4096)
        with client(port, folder) as http:
            http.follow_redirects = True
            assert http.get(f"http://127.0.0.1:{port}/api/health").json()["status"]


def test_a_renewed_certificate_is_shown_without_a_restart(world: World, folder: TlsFolder) -> None:
    made = ServedCertificate(folder.certificate, folder.key)
    before = made.context
    assert not made.refresh() and made.context is before
    good, key = folder.certificate.read_bytes(), folder.key.read_bytes()
    folder.create("city", [NAME, "127.0.0.1"])
    new_key = folder.key.read_bytes()
    # Half of a renewal: what was stays.
    folder.key.write_bytes(key)
    assert not made.refresh() and made.context is before
    folder.key.write_bytes(new_key)
    assert made.refresh() and made.context is not before
    folder.certificate.unlink()
    assert not made.refresh()
    folder.certificate.write_bytes(good)
    folder.key.write_bytes(key)
    assert made.refresh()
    with pytest.raises(TlsError):
        ServedCertificate(folder.certificate, folder.certificate)


@pytest.mark.nightly
def test_the_process_takes_a_renewed_certificate_and_keeps_open_connections(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder) as (port, _), client(port, folder) as http:
        first = shown(port, folder)
        assert http.get("/api/health").status_code == 200
        folder.create("city", [NAME, "127.0.0.1"])
        until(lambda: shown(port, folder) != first, "the renewed certificate", look_s=0.2)
        assert http.get("/api/health").status_code == 200


def test_who_begins_no_handshake_or_ends_none_is_put_out(world: World, folder: TlsFolder) -> None:
    hello = ssl.MemoryBIO()
    out = ssl.MemoryBIO()
    half = context(folder).wrap_bio(hello, out, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    flight = out.read()
    with by_tls(world, folder, Limits(head_s=1)) as (port, refused):
        silent, garbage = connect(port), connect(port, b"\x16\x03\x01\x00\x05hello")
        begun, waiting = connect(port, flight[:20]), connect(port, flight)
        after = tls(port, folder)
        for one in (silent, garbage, begun, waiting):
            assert is_ended(one, 5)
        # Within TLS the bounds are those of plain connections.
        assert after.recv(12) == b"HTTP/1.1 408"
        assert is_ended(after, 15)
        with client(port, folder) as http:
            assert http.get("/api/health").status_code == 200
            text = http.get("/metrics", headers=world.bearer("viewer")).text
        assert "nvr_api_connections 1" in text
        assert refused()["timeout_head"] >= 2


def test_a_stranger_without_handshakes_takes_nobodys_place(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder, Limits(most=40, most_of_one=20, head_s=60)) as (port, refused):
        held = [connect(port) for _ in range(60)]
        with client(port, folder) as http:
            assert http.get("/api/health").status_code == 200
        assert refused()["connection_gave_way"] >= 40
        for one in held:
            one.close()


def test_1500_without_a_handshake_leave_room_in_the_process_as_it_is(world: World, folder: TlsFolder) -> None:
    with running(world, certificate=str(folder.certificate), key=str(folder.key)) as api:
        port = api.hear()["port"]
        held = [connect(port) for _ in range(1500)]
        with client(port, folder) as http:
            began = time.monotonic()
            assert http.get("/api/health").status_code == 200
            assert time.monotonic() - began < 5
        for one in held:
            one.close()


def test_within_tls_who_takes_something_is_kept_and_who_takes_nothing_is_not(world: World, folder: TlsFolder) -> None:
    with by_tls(world, folder, Limits(stalled_s=2)) as (port, refused):
        asked = f"GET /assets/big.js HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
        stuck, slow = tls(port, folder), tls(port, folder)
        for one in (stuck, slow):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            one.sendall(asked)
        got, began = 0, time.monotonic()
        while time.monotonic() - began < 4 or not refused().get("timeout_write"):
            assert time.monotonic() - began < 60, "who takes nothing is kept"
            got += len(slow.recv(100_000))
            time.sleep(0.2)  # sleep: the client is slow
        assert refused().get("timeout_write") == 1
        slow.settimeout(60)
        while more := slow.recv(1 << 20):
            got += len(more)
        assert got > BIG
        assert is_ended(stuck, 60)


def test_it_ends_in_time_with_handshakes_under_way(world: World, folder: TlsFolder) -> None:
    with running(world, certificate=str(folder.certificate), key=str(folder.key)) as api:
        port = api.hear()["port"]
        held = [connect(port, data) for data in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01")]
        began = time.monotonic()
        api.process.terminate()
        assert api.process.wait(60) == 0
        # What is under way has three seconds; the supervisor waits for twelve.
        assert time.monotonic() - began < 8
        for one in held:
            one.close()
