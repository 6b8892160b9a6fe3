"""Clients that send or take nothing, too many of them, and those who are merely slow."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.api import ApiSettings, create_app
from nvr.api.connections import Limits
from nvr.api.parsing import MOST_HEAD_BYTES, MOST_HEAD_LINES, HeadTooLarge, Parser
from nvr.api.server import bind, make_server
from tests.api.catalogue import World
from tests.api.http.test_process import running
from tests.support.waiting import until

BIG = 40 << 20
HEAD = b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"


@contextmanager
def serving(world: World, limits: Limits, **settings: object) -> Iterator[tuple[int, Callable[[], dict[str, int]]]]:
    """The API as it is, but for its limits: its port, and what it refused."""
    dist = world.folder / "dist"
    (dist / "assets").mkdir(parents=True, exist_ok=True)
    (dist / "assets/big.js").write_bytes(bytes(BIG))
    made = ApiSettings(catalogue=str(world.db.path), node="n1", web_dist=str(dist), **settings)  # type: ignore[arg-type]
    app = create_app(made)
    server = make_server(app, limits)
    # Signals are the main thread's.
    server.capture_signals = nullcontext  # type: ignore[method-assign]
    sockets = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    until(lambda: server.started, "the server")
    try:
        yield sockets[0].getsockname()[1], app.state.services.refusals.counts
    finally:
        server.should_exit = True
        thread.join(60)


def connect(port: int, data: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    made.sendall(data)
    return made


def asks(port: int) -> float:
    """How long health and page take, in seconds."""
    began = time.monotonic()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        assert http.get("/api/health").status_code == 200
        assert http.get("/").status_code in (200, 404)
    return time.monotonic() - began


def is_ended(sock: socket.socket, within_s: float) -> bool:
    """Whether the server ends the connection; what it says before is read."""
    sock.settimeout(within_s)
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_1500_unfinished_requests_and_300_slow_bodies_leave_room(world: World) -> None:
    """The process as it is: page and health answer, and who holds on is put out."""
    with running(world) as api:
        port = api.hear()["port"]
        asks(port)
        held = [connect(port, HEAD if number % 2 else b"") for number in range(1500)]
        body = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"
        held += [connect(port, body) for _ in range(300)]
        asks(port)  # they have all arrived
        # If they had to wait for room, for the ten seconds after which a head is late.
        assert min(asks(port) for _ in range(3)) < 5
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=world.bearer("viewer")).text
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("nvr_api_"))
        assert float(values["nvr_api_connections"]) <= 512
        assert float(values['nvr_api_refused_total{code="connection_gave_way"}']) >= 1800 - 512
        # The last of those without a whole head, after 10 s.
        assert is_ended(held[1499], 60)
        for one in held:
            one.close()


def test_heads_and_bodies_have_their_time(world: World) -> None:
    limits = Limits(head_s=1, body_s=1, body_bytes_per_s=1000)
    with serving(world, limits) as (port, refused):
        silent, unfinished = connect(port), connect(port, HEAD)
        stuck = connect(port, b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{")
        unread = connect(port, b"POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{")
        steady = connect(port, b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n")
        trickling = connect(port, b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n")

        def trickle() -> None:
            try:
                while True:
                    trickling.sendall(b" ")
                    time.sleep(0.05)  # sleep: the client is slow
            except OSError:
                return

        threading.Thread(target=trickle, daemon=True).start()
        for _ in range(12):
            steady.sendall(b" " * 1000)
            time.sleep(0.25)  # sleep: the client is slow, but fast enough
        assert steady.recv(12) == b"HTTP/1.1 400"
        assert silent.recv(12) == b"HTTP/1.1 408"
        assert unfinished.recv(12) == b"HTTP/1.1 408"
        assert stuck.recv(12) == b"HTTP/1.1 408"
        assert unread.recv(12) == b"HTTP/1.1 401"  # answered; the rest of its body is not waited for
        for one in (silent, unfinished, stuck, unread, trickling):
            assert is_ended(one, 30)
        assert refused()["timeout_head"] == 2
        assert refused()["timeout_body"] == 3
        assert "internal" not in refused()


def test_who_takes_something_is_kept_and_who_takes_nothing_is_not(world: World) -> None:
    with serving(world, Limits(stalled_s=2)) as (port, refused):
        asked = b"GET /assets/big.js HTTP/1.1\r\nHost: x\r\n\r\n"
        stuck, slow = connect(port), connect(port)
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
            if got >= BIG:
                break
        assert got >= BIG
        assert is_ended(stuck, 60)


def test_answers_that_nobody_takes_fill_no_memory(world: World) -> None:
    """Whole ones wait in memory: who takes nothing for the longest gives way, not who takes something."""
    with serving(world, Limits(unsent_bytes_of_one=60 << 20)) as (port, refused):
        asked = b"GET /assets/big.js HTTP/1.1\r\nHost: x\r\n\r\n"
        stuck, slow = connect(port), connect(port)
        for one in (stuck, slow):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        stuck.sendall(asked)
        until(lambda: len(stuck.recv(1, socket.MSG_PEEK)) == 1, "its answer")
        slow.sendall(asked)
        pieces: list[int] = []

        def has_given_way() -> bool:
            pieces.append(len(slow.recv(100_000)))
            return bool(refused().get("unsent"))

        until(has_given_way, "the one that takes nothing is ended", look_s=0.1)
        got = sum(pieces)
        assert is_ended(stuck, 5)
        slow.settimeout(10)
        while got < BIG and (more := slow.recv(1 << 20)):
            got += len(more)
        assert got >= BIG
        assert refused()["unsent"] == 1


def test_requests_sent_ahead_are_answered_in_order_a_few_a_second(world: World) -> None:
    """Browsers send none ahead; a thousand at once are no thousand that others wait for."""
    with serving(world, Limits()) as (port, _):
        began = time.monotonic()
        ahead = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\nGET /api/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        polite, hasty = connect(port), connect(port, ahead * 2 + last)
        answers = b""
        while more := hasty.recv(65536):
            answers += more
        took_s = time.monotonic() - began
        assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"404", b"200", b"404", b"200"]
        assert took_s > 4 * 0.24
        # One after the other, on one connection, waits for nothing.
        began = time.monotonic()
        for _ in range(8):
            polite.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in polite.recv(65536)
        assert time.monotonic() - began < took_s
        polite.close()


def test_one_address_and_all_have_their_bound(world: World) -> None:
    with serving(world, Limits(most=40, most_of_one=10)) as (port, refused):
        held = [connect(port, HEAD) for _ in range(30)]
        # If they had to wait for room, for the ten seconds after which a head is late.
        assert min(asks(port) for _ in range(3)) < 5
        assert refused()["connection_gave_way"] >= 20
        # Those that are answered do not give way to strangers.
        assert sum(is_ended(one, 0.05) for one in held) >= 20


def test_a_proxy_that_is_trusted_is_many_addresses(world: World) -> None:
    with serving(world, Limits(most=40, most_of_one=10), trusted_proxies=["127.0.0.1"]) as (port, refused):
        held = [connect(port, HEAD) for _ in range(30)]
        # If they had to wait for room, for the ten seconds after which a head is late.
        assert min(asks(port) for _ in range(3)) < 5
        assert "connection_gave_way" not in refused()
        held += [connect(port, HEAD) for _ in range(30)]
        # If they had to wait for room, for the ten seconds after which a head is late.
        assert min(asks(port) for _ in range(3)) < 5
        assert refused()["connection_gave_way"] >= 20


@pytest.mark.parametrize("descriptors", [64, 256, 1024, 20_000, 1 << 20])
def test_connections_are_at_most_half_of_what_can_be_open(descriptors: int) -> None:
    limits = Limits.within(descriptors)
    assert 32 <= limits.most <= max(32, descriptors // 2)
    assert limits.most_of_one <= limits.most // 2
    assert Path("/proc/self/fd").exists()


def test_a_body_of_two_lengths_ends_the_connection(world: World) -> None:
    """A proxy in front may see the second request within the first one's body, or the other way round."""
    body = b'{"username":"a","password":"b"}'
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with serving(world, Limits()) as (port, refused):
        for lengths in (
            b"Content-Length: 6\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length: 6",
        ):
            head = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            sock = connect(port, head + lengths + b"\r\n\r\n" + chunk + HEAD + b"\r\n")
            answer = b""
            while data := sock.recv(65536):
                answer += data
            assert answer.count(b"HTTP/1.1 ") == 1
            assert answer.startswith(b"HTTP/1.1 400 ") and b'"invalid_request"' in answer
        assert refused()["invalid_request"] == 2


def answer_to(port: int, data: bytes) -> bytes:
    """All that is said until the connection ends."""
    sock = connect(port)
    answer = b""
    try:
        sock.sendall(data)
        while more := sock.recv(65536):
            answer += more
    except ConnectionError:
        pass
    finally:
        sock.close()
    return answer


LOGIN = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
SLIGHT = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 40_000 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /api/health HTTP/1.1\r\n" + b"a:b\r\n" * 50_000 + b"\r\n", b"431"),
        (b"GET /api/health HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET /api/health HTTP/1.1\r\nX: y\r\n" + b" z\r\n" * 60_000 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET /api/health HTTP/1.1\n" + b"a:b\n" * 300 + b"\n", b"431"),
        (LOGIN + SLIGHT, b"400"),
        (b"GET /api/health HTTP/1.1\r\nHost: x\r\n" + SLIGHT, b"400"),
        (b"\x16\x03\x01 no HTTP\r\n\r\n", b"400"),
    ],
)
def test_what_costs_much_to_parse_is_not_parsed(world: World, head: bytes, status: bytes) -> None:
    """A header of four bytes, or a chunk of one, costs as much as one of thousands, on the loop that all wait for."""
    with serving(world, Limits()) as (port, refused):
        asks(port)
        answer = answer_to(port, head * 3)
        assert answer.count(b"HTTP/1.1") <= 1
        assert answer[9:12] in (status, b"") or answer.startswith(b"HTTP/1.1 200")
        counted = refused()
        assert counted.get("head_too_large", 0) + counted.get("invalid_http", 0) == 1
        assert ("head_too_large" in counted) == (status == b"431")
        assert "internal" not in counted
        assert asks(port) < 3  # on a busy machine, too


@given(
    sizes=st.lists(st.integers(1, 3_000), max_size=40),
    lines=st.integers(0, 250),
    value=st.integers(0, MOST_HEAD_BYTES),
)
def test_a_request_within_the_bounds_is_parsed_property(sizes: list[int], lines: int, value: int) -> None:
    """However it is cut into pieces, the answer is the same: within them it is whole, beyond them it never is."""
    body = b"".join(b"%x\r\n%b\r\n" % (size, b"b" * size) for size in sizes) + b"0\r\n\r\n"
    head = LOGIN + b"Transfer-Encoding: chunked\r\nX: " + b"x" * value + b"\r\n" + b"a: b\r\n" * lines + b"\r\n"
    fits = len(head) <= MOST_HEAD_BYTES and head.count(b"\n") <= MOST_HEAD_LINES
    for step in (len(head + body), 4_096, 700):
        parser, got, whole = Parser(), b"", False
        try:
            for at in range(0, len(head + body), step):
                parser.receive_data((head + body)[at : at + step])
                while (event := parser.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                    got += event.data if isinstance(event, h11.Data) else b""
                    whole |= isinstance(event, h11.EndOfMessage)
        except HeadTooLarge:
            assert not fits
            continue
        assert fits and whole
        assert got == b"b" * sum(sizes)
