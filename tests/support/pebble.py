"""Pebble, the test server of Let's Encrypt's authors: a real authority that speaks ACME, with a DNS of its own.

Built from the Go module proxy once a checkout; where there is no Go, its tests are skipped with that reason.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from nvr.tls.authority import Authority
from tests.support.ports import free_port
from tests.support.waiting import until

__all__ = ["Pebble", "pebble_running"]

_VERSION: Final = "v2.10.3"
_BUILT: Final = Path(__file__).parent.parent.parent / "build" / f"pebble-{_VERSION}"
_PROGRAMS: Final = ("pebble", "pebble-challtestsrv")


def _programs() -> Path:
    """Where the two programs are."""
    _BUILT.mkdir(parents=True, exist_ok=True)
    with (_BUILT / "lock").open("w") as lock:
        # One builds, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((_BUILT / name).exists() for name in _PROGRAMS):
            if shutil.which("go") is None:
                pytest.skip("pebble, a test authority, needs Go to be built: apt-get install golang-go")
            paths = [f"github.com/letsencrypt/pebble/v2/cmd/{name}@{_VERSION}" for name in _PROGRAMS]
            environment = {**os.environ, "GOBIN": str(_BUILT), "GOFLAGS": "-p=1"}
            done = subprocess.run(
                ["nice", "-n", "10", "go", "install", *paths], env=environment, capture_output=True, text=True
            )
            if done.returncode:
                pytest.skip(f"pebble can't be built: {done.stderr[-500:]}")
    return _BUILT


@dataclass(frozen=True, slots=True)
class Pebble:
    """A running authority. ``http_port``: where it looks for proofs by HTTP; ``dns``: the address at which records of
    its DNS are made."""

    directory: str
    ca_file: Path
    http_port: int
    dns: str

    def hook(self, folder: Path) -> tuple[str, ...]:
        """A command that makes records, as somebody's script would."""
        script = folder / "dns-hook"
        script.write_text(
            f"#!{sys.executable}\nimport json, sys, urllib.request\nwhat, name, value = sys.argv[1:]\n"
            "path, body = ('set-txt', {'host': name + '.', 'value': value}) if what == 'set' else ('clear-txt', "
            "{'host': name + '.'})\n"
            f"urllib.request.urlopen('{self.dns}/' + path, json.dumps(body).encode())\n"
            f"open({str(folder / 'hook.log')!r}, 'a').write(f'{{what}} {{name}}\\n')\n"
        )
        script.chmod(0o700)
        return (str(script),)


@contextmanager
def pebble_running(
    folder: Path, *, validity_s: int = 7_776_000, more: dict[str, Any] | None = None
) -> Iterator[Pebble]:
    """An authority whose certificates last for so long. ``more``: of its configuration."""
    programs = _programs()
    now = datetime.now(UTC).replace(microsecond=0)
    authority = Authority.make("pebble", ["localhost", "127.0.0.1"], now)
    certificate, key = authority.issue(["localhost", "127.0.0.1"], now)
    for name, data in (("ca.pem", authority.pem()[0]), ("own.pem", certificate), ("own.key", key)):
        (folder / name).write_bytes(data)
    acme, management, http, dns, dns_management = (free_port() for _ in range(5))
    config = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "own.pem"),
        "privateKey": str(folder / "own.key"),
        "httpPort": http,
        "tlsPort": free_port(),
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "as it is", "validityPeriod": validity_s}},
        **(more or {}),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    resolver = [
        programs / "pebble-challtestsrv",
        "-dnsserver", f"127.0.0.1:{dns}",
        "-management", f"127.0.0.1:{dns_management}",
        "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "",
        "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
    ]  # fmt: skip
    server = [programs / "pebble", "-config", folder / "pebble.json", "-dnsserver", f"127.0.0.1:{dns}"]
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    with (folder / "pebble.log").open("wb") as log:
        running = [subprocess.Popen(command, stdout=log, stderr=log, env=environment) for command in (resolver, server)]
    found = Pebble(f"https://127.0.0.1:{acme}/dir", folder / "ca.pem", http, f"http://127.0.0.1:{dns_management}")

    context = ssl.create_default_context(cafile=found.ca_file)

    def answers() -> bool:
        for process in running:
            assert process.poll() is None, (folder / "pebble.log").read_text()[-2000:]
        try:
            httpx.post(f"{found.dns}/clear-txt", json={"host": "nobody."})
            return httpx.get(found.directory, verify=context).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        until(answers, what="pebble")
        yield found
    finally:
        for process in running:
            process.terminate()
            process.wait(20)
