"""Secrets that stand elsewhere than in ``config.toml``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.config import Config, ConfigError, load, to_wire
from nvr.config.last_good import load_or_last

SECRET = "Zq9/v+W%x é"
CAMERA = '[[camera]]\nid = "gate"\nurl = "rtsp://192.0.2.1/1"\nusername = "u"\n'
MAIL = '[alerts]\nsmtp_host = "h"\nemail_to = ["a@example.org"]\nemail_from = "b@example.org"\nsmtp_username = "u"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def secret(folder: Path, data: bytes = f"{SECRET}\n".encode(), mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def password(config: Config) -> str:
    assert config.cameras[0].password is not None
    return config.cameras[0].password.reveal()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_password_in_a_file(tmp_path: Path, end: bytes) -> None:
    secret(tmp_path, SECRET.encode() + end)
    config = load(write(tmp_path, CAMERA + 'password_file = "secret"\n'), strict=True)
    assert password(config) == SECRET and config.warnings == ()
    assert SECRET in config.secrets
    assert "password_file" not in to_wire(config)


def test_all_secrets_of_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(tmp_path)
    (tmp_path / "hook").write_text("https://hooks.example.org/x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    text = (
        'smtp_password_file = "secret"\nwebhook_url = "${credential:hook}"\nwebhook_secret = "${credential:secret}"\n'
    )
    config = load(write(tmp_path, MAIL + text), strict=True)
    assert set(config.alerts.secrets) == {SECRET, "https://hooks.example.org/x"}
    assert config.warnings == ()


def test_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(tmp_path)
    path = write(tmp_path, CAMERA + 'password = "${credential:secret}"\n')
    # A command in a shell: the rest can be used, and it is said.
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (told,) = load(path).warnings
    assert "LoadCredential=secret" in str(told) and "gate" in str(told)
    with pytest.raises(ConfigError, match="LoadCredential=secret"):
        load(path, strict=True)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password(load(path, strict=True)) == SECRET
    (tmp_path / "secret").unlink()
    for strict in (True, False):
        with pytest.raises(ConfigError, match="LoadCredential=secret"):
            load(path, strict=strict)


WRONG = [
    ('password_file = "nowhere"', "nowhere, which can't be read: No such file"),
    ('password_file = "."', "can't be read: Is a directory"),
    ('password_file = "empty"', "which is empty"),
    ('password_file = "lines"', "several lines"),
    ('password_file = "bytes"', "not UTF-8"),
    ('password_file = "long"', "too long"),
    ("password_file = 7", "must be a path"),
    ('password_file = ""', "must be a path"),
    ('password_file = "secret"\npassword = "x"', "both given"),
    ('password = "x${credential:secret}"', "alone"),
    ('password = "${credential:../secret}"', "names no credential"),
    ('password = "${credential:}"', "names no credential"),
]


@pytest.mark.parametrize(("line", "told"), WRONG)
def test_what_can_not_be_had_is_told(tmp_path: Path, line: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    secret(tmp_path)
    for name, data in {"empty": b"\n", "lines": b"a\nb\n", "bytes": b"\xff", "long": b"a" * 70_000}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, CAMERA + line + "\n"), strict=True)
    (problem,) = error.value.problems
    assert told in str(problem) and "config.toml:5: camera[gate].password" in str(problem)
    assert problem.remedy


@pytest.mark.parametrize(("mode", "count"), [(0o644, 1), (0o604, 1), (0o640, 0), (0o600, 0)])
def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, mode: int, count: int) -> None:
    path = secret(tmp_path, mode=mode)
    config = load(write(tmp_path, CAMERA + 'password_file = "secret"\n'))
    assert len(config.warnings) == count
    assert all(f"chmod o-rwx {path}" in str(warning) for warning in config.warnings)


def test_plain_secrets_are_warned_of_once(tmp_path: Path) -> None:
    text = (
        CAMERA
        + 'password = "a"\n'
        + CAMERA.replace("gate", "yard").replace(".1/1", ".1/2")
        + 'password = "b"\n'
        + MAIL
        + 'smtp_password = "c"\n'
    )
    path = write(tmp_path, text)
    (warning,) = load(path).warnings
    assert (
        "alerts.smtp_password" in str(warning) and "2 others" in str(warning) and "${credential:NAME}" in str(warning)
    )
    checked = CliRunner().invoke(main, ["check-config", "--config", str(path)])
    assert checked.exit_code == 0 and "in plain text" in checked.stderr


def test_commands_work_without_what_only_the_server_reads(tmp_path: Path) -> None:
    """Run as somebody else than root, whom no file refuses."""
    if os.getuid() == 0:
        tmp_path.chmod(0o755)
        for folder in list(tmp_path.parents)[:-2]:
            if folder.stat().st_uid == 0 and folder != Path("/tmp"):
                folder.chmod(folder.stat().st_mode | 0o011)
    secret(tmp_path, mode=0)
    path = write(tmp_path, CAMERA + 'password_file = "secret"\n')
    path.chmod(0o644)
    code = (
        "import os, sys; sys.path[:0] = eval(sys.argv[2]); from pathlib import Path\n"
        "from nvr.config.last_good import load_or_last\n"
        # What Python reads of itself when it is needed may be for root alone.
        "load_or_last(Path(sys.argv[1]), print); os.getuid() or os.setuid(65534)\n"
        "print([str(w) for w in load_or_last(Path(sys.argv[1]), print).warnings])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path, repr(sys.path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "this user can't read" in done.stdout


def test_the_last_good_copy_has_no_secret_that_stands_elsewhere(tmp_path: Path) -> None:
    from nvr.config.last_good import keep, path_of

    secret(tmp_path)
    path = write(tmp_path, CAMERA + 'password_file = "secret"\n')
    keep(path)
    assert SECRET not in path_of(path).read_text()
    path.write_text("[[[")
    assert password(load_or_last(path, lambda told: None)) == SECRET
