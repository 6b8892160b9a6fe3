"""A PostgreSQL cluster of Debian's binaries for tests: in a folder of its own, on loopback, gone with the test session.

PostgreSQL refuses to run as root: then it runs as ``nobody``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import until

__all__ = ["PASSWORD", "Cluster", "cluster", "postgres_bin"]

PASSWORD = "rahasia-armada"
_USER = "nobody"


def postgres_bin() -> Path | None:
    """The folder of the newest PostgreSQL of this machine, 15 or later; None: there is none."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    fitting = [path for path in found if int(path.parent.name) >= 15 and (path / "initdb").exists()]
    return max(fitting, key=lambda path: int(path.parent.name), default=None)


@dataclass
class Cluster:
    """A cluster whose superuser is ``nvr`` with ``PASSWORD``."""

    bin: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Without the password."""
        return f"postgresql://nvr@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        self.process = _run_as(
            [
                str(self.bin / "postgres"),
                *("-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1"),
                *("-k", str(self.folder), "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40"),
            ],
            self.folder / "log",
        )
        until(self.answers, "PostgreSQL answers")

    def answers(self) -> bool:
        """Whether it takes connections."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        asked = subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, timeout=60
        )
        return asked.returncode == 0

    def stop(self) -> None:
        """At once, as a machine that goes down; what was committed stays."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)
        self.process = None

    def freeze(self, is_frozen: bool) -> None:
        """Its processes answer nothing, or again: connections stay open."""
        assert self.process is not None
        number = signal.SIGSTOP if is_frozen else signal.SIGCONT
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            os.kill(pid, number)

    def create(self, database: str) -> str:
        """A new database; returns its address."""
        self._ask("createdb", database)
        return self.url(database)

    def query(self, database: str, statement: str) -> str:
        """What its superuser is answered, unadorned."""
        return self._ask("psql", "-v", "ON_ERROR_STOP=1", "-qAt", "-c", statement, database)

    def _ask(self, program: str, *words: str) -> str:
        place = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "nvr")
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        done = subprocess.run(
            [self.bin / program, *place, *words],
            check=True,
            timeout=60,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.stdout


def _run_as(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    user = {"user": _USER, "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/", **user
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """One that runs. Skips where PostgreSQL or its driver is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'nvr[fleet]'")
    found = postgres_bin()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # Short: the path of its socket lies within.
    folder = Path(tempfile.mkdtemp(prefix="nvr-pg-"))
    folder.chmod(0o755)
    try:
        password, log = folder / "password", folder / "log"
        password.write_text(PASSWORD + "\n")
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
            shutil.chown(password, _USER)
        made = _run_as(
            [
                str(found / "initdb"),
                *("-D", str(folder / "data"), "-U", "nvr", f"--pwfile={password}", "-A", "scram-sha-256"),
                *("--no-sync", "-E", "UTF8", "--locale=C"),
            ],
            log,
        )
        assert made.wait(120) == 0, log.read_text()
        running = Cluster(found, folder, free_port())
        running.start()
        try:
            yield running
        finally:
            if running.process is not None and running.process.poll() is None:
                running.freeze(False)
                running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
