"""No secret in what leaves the machine, or lies about on it: walked with a real server, in every form in which a secret
is written."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from nvr.accounts.rows import Role
from storage.catalogue import status
from storage.catalogue.database import Database
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import Auth, ScriptedCamera
from tests.support.people import create_token
from tests.support.server import NVR, Server
from tests.system.test_core_dumps import tree

OF_FILE, OF_CATALOGUE, TOKEN = "Fq9/v+W%x", "Cq7@k:M#z", "Kx7qTokenQ"
SMTP, HOOK, PASSPHRASE = "Sq3/smtp%word", "Hq4-hook-secret", "gerbang-tua-berlumut"
# What may hold secrets, for its owner alone.
HOLDERS = {"config.toml", ".config.toml.last-good", "camera-key", "first-password", "passphrase"}


def forms(secret: str) -> set[bytes]:
    """As text, as URLs, JSON and TOML have it, in base64 (in the middle of something, too), in hexadecimal digits."""
    raw = secret.encode()
    words = {secret, quote(secret, safe=""), quote(secret), quote(secret).lower(), json.dumps(secret)[1:-1], raw.hex()}
    for before in (b"", b"x", b"xx"):
        # The first and last digits also depend on what stands around it.
        words.add(base64.b64encode(before + raw)[4 if before else 0 :].decode().rstrip("=")[:-2])
    words.add(base64.b64encode(f"root:{secret}".encode()).decode().rstrip("="))
    return {word.encode() for word in words}


def found_in(folder: Path, secrets: list[str]) -> set[tuple[str, bytes]]:
    wanted = set().union(*map(forms, secrets))
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in HOLDERS:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                # A segment that was closed just now, and has its name; when the server has ended all are read.
                continue
            found |= {(str(path.relative_to(folder)), form) for form in wanted if form in data}
    return found


def records(server: Server, camera: str) -> bool:
    db = Database(server.catalogue)
    try:
        with db.read() as conn:
            return (row := status.list_all(conn).get(camera)) is not None and row.state == "recording"
    finally:
        db.close()


def nvr(server: Server, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [NVR, *map(str, words), "--config", str(server.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.long
def test_no_secret_lies_about_and_a_lost_key_costs_only_what_it_sealed(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip
) -> None:
    of_file = serve(ScriptedCamera(h264_clip, at_end="repeat", auth=Auth("root", OF_FILE)))
    of_catalogue = serve(ScriptedCamera(h264_clip, at_end="repeat", auth=Auth("root", OF_CATALOGUE)))
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(
        folder,
        [{"id": "of-file", "url": of_file, "username": "root", "password": OF_FILE}],
        extra=f'[alerts]\nsmtp_host = "127.0.0.1"\nsmtp_port = 9\nsmtp_username = "u"\nsmtp_password = "{SMTP}"\n'
        f'email_to = ["a@example.org"]\nemail_from = "b@example.org"\nwebhook_url = "http://127.0.0.1:9/{HOOK}"\n',
    )
    server.start()
    try:
        server.until(lambda: "page at" in server.log.read_text(), what="the page")
        first = server.first_password.read_text().strip()
        db = Database(server.catalogue)
        token = create_token(db, "test", Role.ADMIN)
        db.close()
        secrets = [OF_FILE, OF_CATALOGUE, TOKEN, SMTP, HOOK, token, PASSPHRASE, first]
        body = {
            "id": "of-catalogue",
            "url": f"{of_catalogue}?token={TOKEN}",
            "username": "root",
            "password": OF_CATALOGUE,
        }
        with httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {token}"}
        ) as api:
            assert api.post("/api/cameras", json=body).status_code == 201
            for camera in ("of-file", "of-catalogue"):
                server.until(lambda camera=camera: records(server, camera), what=f"{camera} records")
            answers = [api.get(path).content for path in ("/api/cameras", "/api/audit", "/metrics", "/api/outages")]
        assert not [form for secret in secrets for form in forms(secret) for answer in answers if form in answer]
        (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
        (tmp_path / "passphrase").chmod(0o600)
        copy = tmp_path / "copy.sqlite"
        made = nvr(server, "backup", copy, "--with-key", "--passphrase-file", tmp_path / "passphrase")
        assert made.returncode == 0, made.stderr
        assert not told_to_processes(server, secrets)
        assert not readable_by_others(server.catalogue.parent)
        # While it runs: the WAL holds what was written last.
        assert not found_in(tmp_path, secrets)
    finally:
        server.stop()
    # All that the server said is in its log: standard output and standard error, as a journal has them.
    assert not found_in(tmp_path, secrets)
    key = server.catalogue.with_name("camera-key")
    digits = key.read_text().strip()
    assert not found_in(tmp_path, [digits]) and bytes.fromhex(digits) not in copy.read_bytes()
    lost_and_back(server, copy, tmp_path / "passphrase")
    assert not found_in(tmp_path, secrets)


def told_to_processes(server: Server, secrets: list[str]) -> list[tuple[str, bytes]]:
    """Secrets in arguments or environment of the server's processes."""
    assert server.process is not None
    wanted = set().union(*map(forms, secrets))
    told = [
        (f"{pid} {part}", Path(f"/proc/{pid}/{part}").read_bytes())
        for pid in tree(server.process.pid)
        for part in ("cmdline", "environ")
    ]
    assert len(told) >= 10
    return [(where, form) for where, data in told for form in wanted if form in data]


def readable_by_others(folder: Path) -> list[str]:
    """Files and folders that every user of the machine can read or enter; what is in a folder that nobody can enter
    counts as closed."""
    found: list[str] = []
    for path in folder.iterdir():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            # As above.
            continue
        if mode & 0o007:
            found.append(str(path))
        if path.is_dir() and mode & 0o001:
            found += readable_by_others(path)
        elif path.is_dir() and mode & 0o070:
            found += [each for each in readable_by_others(path) if not each.endswith(".der")]
    return found


def lost_and_back(server: Server, copy: Path, passphrase: Path) -> None:
    """The backup in the place of the catalogue, without the key; then with it."""
    for left in server.catalogue.parent.glob("catalogue.sqlite*"):
        left.unlink()
    copy.rename(server.catalogue)
    key = server.catalogue.with_name("camera-key")
    key.unlink()
    server.start()
    try:
        server.until(lambda: records(server, "of-file"), what="the camera of the file records")
        told = "camera of-catalogue can't be recorded: the password of camera of-catalogue is sealed with the key"
        server.until(lambda: told in server.log.read_text(), what="which camera is locked")
        assert str(key) in server.log.read_text()

        def cause() -> bool:
            db = Database(server.catalogue)
            try:
                with db.read() as conn:
                    row = status.list_all(conn)["of-catalogue"]
                    return row.cause == "unauthorized" and "missing key" in str(row.detail)
            finally:
                db.close()

        server.until(cause, what="why it is not recorded")
        back = nvr(server, "restore-key", Path(f"{copy}.key"), "--passphrase-file", passphrase)
        assert back.returncode == 0, back.stderr + back.stdout
        server.until(lambda: records(server, "of-catalogue"), what="the other one records again")
        assert len(key.read_text().split()) == 2
    finally:
        server.stop()
