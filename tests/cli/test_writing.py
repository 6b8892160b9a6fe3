"""What could not be finished leaves nothing: a full disk, a mistake on the way, a command that is told to end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.config.last_good import keep
from nvr.evidence.seal.keys import KeyFolder
from storage.disk.roots import IDENTITY_FILE, open_root
from storage.durable_files import new_file
from storage.errors import RootError
from tests.support.mounts import mounted
from tests.support.waiting import until


def fill(folder: Path) -> None:
    """Until not a byte is left."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with pytest.raises(ZeroDivisionError), new_file(path) as file:
        file.write(b"half")
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
    with new_file(path, 0o600) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole" and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError), new_file(path) as file:
        file.write(b"another")
    assert path.read_bytes() == b"whole"


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "128k") as disk:
        config = disk / "config.toml"
        config.write_text("#" * 10_000)
        (disk / "root").mkdir()
        (disk / "keys").mkdir()
        fill(disk)
        before = sorted(disk.rglob("*"))
        with pytest.raises(OSError), new_file(disk / "report") as file:
            file.write(bytes(10_000))
        keep(config)
        with pytest.raises(OSError):
            KeyFolder(disk / "keys", "Office").ensure()
        with pytest.raises(RootError):
            open_root(disk / "root", known=None)
        assert sorted(disk.rglob("*")) == before
        (disk / "ballast").unlink()
        keep(config)
        open_root(disk / "root", known=None)
        assert (disk / "root" / IDENTITY_FILE).exists() and (disk / ".config.toml.last-good").exists()


def test_a_rebuild_that_fails_leaves_no_half_of_a_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("[storage]\nroots = ['root']\ncatalogue = 'data/catalogue.sqlite'\n")
    open_root_at = tmp_path / "root"
    open_root_at.mkdir()
    open_root(open_root_at, known=None)

    def broken(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("storage.recovery.rebuild.rebuild", broken)
    found = CliRunner().invoke(main, ["rebuild", "--config", str(tmp_path / "config.toml")])
    assert found.exit_code
    assert [path.name for path in (tmp_path / "data").iterdir() if "rebuilding" in path.name] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_removes_what_it_has_not_finished(tmp_path: Path, number: signal.Signals) -> None:
    code = f"""
import signal
import time
from pathlib import Path
from nvr.cli.writing import end_in_order
from storage.durable_files import new_file
# Tests that run on without a terminal hand down that it is ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
end_in_order()
with new_file(Path({str(tmp_path / "report")!r})) as file:
    file.write(b"half")
    print("writing", flush=True)
    while True:
        # A signal that comes right before a long sleep is heard after it.
        time.sleep(0.05)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None and made.stdout.readline() == "writing\n"
        assert list(tmp_path.iterdir())
        made.send_signal(number)
        try:
            assert made.wait(30) == 128 + number
        finally:
            made.kill()
    assert not list(tmp_path.iterdir())


def test_the_command_itself_ends_so(tmp_path: Path) -> None:
    """By the handler, not by the system: what it holds is released."""
    nvr = Path(sys.executable).with_name("nvr")
    fifo = tmp_path / "config.toml"
    os.mkfifo(fifo)
    with subprocess.Popen([nvr, "check-config", "--config", fifo], stderr=subprocess.DEVNULL) as made:

        def listens() -> bool:
            status = Path(f"/proc/{made.pid}/status").read_text()
            caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
            return bool(caught >> (signal.SIGTERM - 1) & 1)

        until(listens, "a handler of SIGTERM", 60, look_s=0.05)
        made.terminate()
        assert made.wait(30) == 128 + signal.SIGTERM
