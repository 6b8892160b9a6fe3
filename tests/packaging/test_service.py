"""The service's unit, and the maintainer's scripts and configuration of the Debian package."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nvr.config import load
from tests.support.server import NVR, Server

TOP = Path(__file__).parents[2]
UNIT = TOP / "packaging/nvr.service"
DEBIAN = TOP / "packaging/debian"
# What systemd calls the service's exposure, in tenths; what lowers it says so here.
MOST_EXPOSURE = 21
# prctl(2): nothing that is writable becomes executable, as MemoryDenyWriteExecute= has it; from Linux 6.3 on.
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
PR_SET_NO_NEW_PRIVS = 38


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: the unit of systemd (there is no systemd-analyze)")
    path = tmp_path / "nvr.service"
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={NVR}", UNIT.read_text(), flags=re.MULTILINE))
    return path


def test_systemd_finds_nothing_wrong_with_it(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_is_exposed_no_more_than_it_was(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSURE}", unit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr
    said = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert said is not None
    page = (TOP / "docs/guide/install.md").read_text(encoding="utf-8")
    assert f"an exposure of {said[1]}" in page, "the page says what it was"


def test_the_server_runs_with_what_the_unit_allows(tmp_path: Path) -> None:
    """Without memory that is written and executed, and without new privileges, as far as this kernel can be asked for
    it by a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 else 1)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        pytest.skip("NOT TESTED: that the server needs no memory that is written and executed (Linux before 6.3)")
    server = Server(tmp_path, [], workers=1)

    def confined() -> None:
        assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        assert libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0

    with server.log.open("ab") as log:
        server.process = subprocess.Popen(
            [NVR, "serve", "--config", server.config], stdout=log, stderr=log, start_new_session=True,
            preexec_fn=confined,
        )  # fmt: skip
    server.until(lambda: "page at" in server.log.read_text(), what="the page", timeout_s=180)
    assert server.stop() == 0
    assert not re.search("Traceback|CRITICAL|started again|MemoryError", server.log.read_text()), server.tail()


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_scripts_are_good_shell_and_delete_no_footage(name: str) -> None:
    script = DEBIAN / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    text = script.read_text()
    assert text.startswith("#!/bin/sh\nset -e\n")
    assert not re.search(r"rm -r|rm -f|find .*-delete|/var/lib/nvr/\*", text)


def test_the_configuration_of_the_package_is_good(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    shutil.copy(DEBIAN / "config.toml", path)
    config = load(path)
    assert config.storage.catalogue == Path("/var/lib/nvr/catalogue.sqlite") and config.cameras == ()
    # What is commented out is good too.
    uncommented = re.sub(r"^#(?=[\[a-z])", "", path.read_text(), flags=re.MULTILINE)
    secret = tmp_path / "gate-1"
    secret.write_text("hunter22\n")
    secret.chmod(0o600)
    path.write_text(uncommented.replace("/etc/nvr/secrets/gate-1", str(secret)))
    config = load(path)
    assert [camera.id for camera in config.cameras] == ["gate-1"] and config.backup.folder is not None


def test_the_unit_and_the_package_agree() -> None:
    unit = UNIT.read_text()
    assert "ExecStart=/usr/lib/nvr/bin/nvr serve --config /etc/nvr/config.toml" in unit
    assert "StateDirectory=nvr" in unit and "User=nvr" in unit
    assert re.search(r"adduser .* nvr$", (DEBIAN / "postinst").read_text(), re.MULTILINE)
