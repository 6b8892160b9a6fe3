"""What the service manager is told, over a socket of the test's own."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.supervisor.notify import ServiceManager
from tests.support.server import Server
from tests.support.waiting import remains, until


class Manager:
    """A service manager's socket, and what came there."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.setblocking(False)
        self.heard: list[dict[str, str]] = []

    def states(self) -> list[str]:
        """By their first words."""
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except BlockingIOError:
                return [next(iter(one)) for one in self.heard]
            self.heard.append(dict(line.partition("=")[::2] for line in text.splitlines()))

    def count(self, state: str) -> int:
        return self.states().count(state)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


def test_states_go_to_the_socket_and_children_have_no_part_in_it(tmp_path: Path, manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000", "HOME": "/"}
    now = [0.0]
    ours = ServiceManager(environment, clock=lambda: now[0])
    assert environment == {"HOME": "/"}
    ours.ready("recording")
    ours.reloading()
    ours.stopping()
    assert manager.states() == ["READY", "RELOADING", "STOPPING"]
    assert manager.heard[0] == {"READY": "1", "STATUS": "recording"}
    assert int(manager.heard[1]["MONOTONIC_USEC"]) > 0
    # Four times within the time after which it would act, however often recorders beat.
    for tenth in range(80):
        now[0] = tenth / 10
        ours.beat()
    assert manager.count("WATCHDOG") == 4


def test_an_abstract_address(manager: Manager) -> None:
    address = f"@nvr-test-{os.getpid()}"
    other = Manager(address)
    ServiceManager({"NOTIFY_SOCKET": address}).ready("x")
    assert other.states() == ["READY"]
    other.socket.close()


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "2000000"}, {"WATCHDOG_USEC": "2000000"}],
)
def test_without_a_service_manager_nothing_fails(environment: dict[str, str]) -> None:
    ours = ServiceManager(environment)
    ours.ready("x")
    ours.beat()
    ours.stopping()


def test_one_that_does_not_read_holds_nobody_up(tmp_path: Path, manager: Manager) -> None:
    ours = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    for _ in range(10_000):
        ours.ready("x" * 1000)
    assert manager.count("READY") < 10_000


def test_anothers_watchdog_is_not_fed(tmp_path: Path, manager: Manager) -> None:
    ours = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000", "WATCHDOG_PID": "1"})
    ours.beat()
    assert manager.states() == []


def test_a_server_says_when_it_is_ready_reloads_lives_and_stops(tmp_path: Path, manager: Manager) -> None:
    server = Server(tmp_path, [], workers=1)
    server.start({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"})
    try:
        server.until(lambda: "READY" in manager.states(), what="READY")
        # Recorders beat, and that is passed on.
        fed = manager.count("WATCHDOG")
        server.until(lambda: manager.count("WATCHDOG") > fed + 1, what="WATCHDOG")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGHUP)
        server.until(lambda: manager.states().count("READY") == 2, what="READY after RELOADING")
        assert [state for state in manager.states() if state != "WATCHDOG"] == ["READY", "RELOADING", "READY"]
        # A file that can't be read leaves all as it was, and a reload ends all the same.
        server.config.write_text("[server]\nprot = 1\n")
        os.kill(server.process.pid, signal.SIGHUP)
        server.until(lambda: manager.states().count("READY") == 3, what="READY after a mistake")
        assert [one["STATUS"] for one in manager.heard if "READY" in one][-1].endswith("stays as it was, see the log")
        # No recorder beats, as on a machine that hangs: the service manager is to see that.
        (recorder,) = server.children("nvr.recorder")
        os.kill(recorder, signal.SIGSTOP)
        try:
            manager.states()
            last = [0]

            def quiet() -> bool:
                before, last[0] = last[0], manager.count("WATCHDOG")
                return before == last[0]

            until(quiet, "no more beats", look_s=1.5)
            remains(quiet, "no beat is made up", 3.0, look_s=1.0)
        finally:
            os.kill(recorder, signal.SIGCONT)
        server.until(lambda: not quiet(), what="beats again")
    finally:
        assert server.stop() == 0
    assert "STOPPING" in manager.states()
