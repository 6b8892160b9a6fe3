"""From nothing to a picture on bare Debian: minutes, megabytes and commands, by each way to install.

``python -m tests.bench.bench_install`` (``make bench-install``), as root, where ``debootstrap`` and Debian's and PyPI's
packages can be had; needs ``make wheel`` before, and ``make deb`` and ``make image`` for those ways. A bare tree
(``debootstrap --variant=minbase``) is made for each release once, and copied for each way. In it the commands are done
that the guide says, by ``chroot``; it counts from the first of them until the first frame that was recorded can be
decoded. Megabytes are what came in over the network, and by how much the tree has grown. What can't be done here is
said, and is a row without figures.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from tests.bench.machine import describe
from tests.support.segments import read
from tests.support.waiting import until

__all__ = ["CantBe", "bare", "clear", "equip", "main", "put_checkout"]

_TOP: Final = Path(__file__).parents[2]
_RELEASES: Final = ("bookworm", "trixie")
_NUMBERS: Final = {"bookworm": "12", "trixie": "13"}
_PATIENCE_S: Final = 1800.0
# How a program reaches Debian's and PyPI's packages here, whatever that is.
_PASSED: Final = (
    "PIP_",
    "NPM_",
    "SSL_CERT",
    "NODE_EXTRA",
    "CURL_CA",
    "REQUESTS_CA",
    "http",
    "HTTP",
    "no_proxy",
    "NO_PROXY",
)
_FILES: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/npmrc", "/root/.npmrc", "/root/.pip/pip.conf",
                 "/root/.config/pip/pip.conf")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """``put`` lays what somebody has in hand into the tree; ``commands`` are typed; ``demo`` is the last of them, which
    records and does not end. ``footage``: where, in the tree."""

    name: str
    put: Callable[[Path, str], None]
    commands: Sequence[str]
    demo: str
    footage: str = "demo/data/footage"


class CantBe(Exception):
    """This way can't be measured here; says why."""


def _newest(pattern: str, made_by: str) -> Path:
    found = sorted((_TOP / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise CantBe(f"no dist/{pattern}: {made_by}")
    return found[-1]


def put_checkout(tree: Path, release: str) -> None:
    """The commit that is checked out, at ``/nvr`` in the tree."""
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=_TOP, capture_output=True, check=True).stdout
    (tree / "nvr").mkdir()
    subprocess.run(["tar", "-x", "-C", tree / "nvr"], input=packed, check=True)


def _wheel(tree: Path, release: str) -> None:
    wheel = _newest("nvr-*.whl", "make wheel")
    shutil.copy(wheel, tree / wheel.name)


def _deb(tree: Path, release: str) -> None:
    for package in (_TOP / "dist").glob("nvr_*.deb"):
        asked = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True)
        if {"bookworm": "python3.11", "trixie": "python3.13"}[release] in asked.stdout:
            shutil.copy(package, tree / "nvr.deb")
            return
    raise CantBe("no dist/nvr_*.deb for this release's Python: make deb, on such a machine")


def _image(tree: Path, release: str) -> None:
    """What a runtime does with an image: each layer laid over the one before."""
    image = _newest("nvr_*.oci.tar", "make image")
    shutil.rmtree(tree)
    tree.mkdir(mode=0o755)
    with tarfile.open(image) as archive:

        def blob(digest: str) -> bytes:
            found = archive.extractfile("blobs/" + digest.replace(":", "/"))
            assert found is not None
            return found.read()

        index = archive.extractfile("index.json")
        assert index is not None
        manifest = json.loads(blob(json.load(index)["manifests"][0]["digest"]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as inner:
                inner.extractall(tree, filter="tar")
    for name in ("proc", "dev", "sys", "tmp", "run"):
        (tree / name).mkdir(exist_ok=True)
    (tree / "tmp").chmod(0o1777)


WAYS: Final = (
    Way(
        "checkout (make demo)",
        put_checkout,
        ["apt-get update -q && apt-get install -y -q --no-install-recommends make python3-venv"],
        "cd /nvr && make demo ARGS='--dir /demo'",
    ),
    Way(
        "Debian package",
        _deb,
        ["apt-get update -q && apt-get install -y -q --no-install-recommends /nvr.deb"],
        "nvr demo --dir /demo",
    ),
    Way(
        "wheel",
        _wheel,
        [
            "apt-get update -q && apt-get install -y -q --no-install-recommends python3-venv",
            "python3 -m venv /opt/nvr && /opt/nvr/bin/pip install -q /nvr-*.whl",
        ],
        "/opt/nvr/bin/nvr demo --dir /demo",
    ),
    Way(
        "image (podman run, here chroot)",
        _image,
        [],
        "nvr demo --dir /var/lib/nvr/demo",
        "var/lib/nvr/demo/data/footage",
    ),
)


def bare(release: str, folder: Path) -> Path:
    """A bare tree of a release, made once.

    Raises:
        CantBe: it can't be made.
    """
    tree = folder / release
    if not (tree / "whole").exists():
        shutil.rmtree(tree, ignore_errors=True)
        script = Path("/usr/share/debootstrap/scripts") / release
        if not script.exists():
            script.symlink_to("sid")
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", release, tree]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CantBe(f"debootstrap {release}: {(done.stdout + done.stderr).strip()[-200:]}")
        (tree / "whole").touch()
    return tree


def _received() -> int:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return sum(int(line.split(":")[1].split()[0]) for line in lines if line.split(":")[0].strip() != "lo")


def _size(tree: Path) -> int:
    out = subprocess.run(["du", "-sxB1", tree], capture_output=True, text=True).stdout
    return int(out.split()[0])


def equip(tree: Path) -> dict[str, str]:
    """The tree reaches what this machine reaches; returns the variables for that."""
    passed = {key: value for key, value in os.environ.items() if key.startswith(_PASSED)}
    files = [Path(name) for name in _FILES] + [Path(value) for value in passed.values() if value.startswith("/")]
    files += list(Path("/etc/apt/apt.conf.d").glob("*")) + list(Path("/usr/local/share/ca-certificates").glob("*"))
    for file in files:
        if file.is_file():
            target = tree / file.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return {**passed, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
            "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}  # fmt: skip


def measure(way: Way, release: str, folder: Path) -> str:
    """A row of the table.

    Raises:
        CantBe: this way can't be gone here.
    """
    tree = folder / f"{release}-way"
    clear(tree)
    subprocess.run(["cp", "-a", "--reflink=auto", bare(release, folder), tree], check=True)
    try:
        way.put(tree, release)
        environment = equip(tree)
        for name, kind in (("dev", "--bind"), ("proc", "--bind")):
            subprocess.run(["mount", kind, f"/{name}", tree / name], check=True)
        size, received, began = _size(tree), _received(), time.monotonic()
        for command in way.commands:
            done = subprocess.run(
                ["chroot", tree, "sh", "-c", command],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
            )
            if done.returncode:
                raise CantBe(f"{command}: {(done.stdout + done.stderr).strip()[-300:]}")
        user = ["--userspec=nvr:nvr"] if way.put is _image else []
        with (folder / "log").open("wb") as log:
            demo = subprocess.Popen(
                ["chroot", *user, tree, "sh", "-c", way.demo], env=environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        try:
            until(lambda: demo.poll() is not None or _shows(tree / way.footage), "a picture", _PATIENCE_S, look_s=0.2)
            passed_s = time.monotonic() - began
            if demo.poll() is not None:
                raise CantBe((folder / "log").read_text(errors="replace").strip()[-400:])
        finally:
            os.killpg(demo.pid, signal.SIGINT)
            try:
                demo.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(demo.pid, signal.SIGKILL)
        came, grown = (_received() - received) / 1e6, (_size(tree) - size) / 1e6
        typed = len(way.commands) + 1
        return f"| {_NUMBERS[release]} | {way.name} | {passed_s / 60:.1f} | {came:.0f} | {grown:.0f} | {typed} |"
    finally:
        clear(tree)


def _shows(footage: Path) -> bool:
    """Whether a frame of what was recorded can be decoded."""
    for path in footage.rglob("*.mp4"):
        try:
            if read(path).index.video.count:
                with av.open(str(path)) as container:
                    return next(container.decode(video=0), None) is not None
        except Exception:
            # It is being written.
            return False
    return False


def clear(tree: Path) -> None:
    """Removes a tree, and what is mounted in it."""
    for name in ("proc", "dev"):
        if os.path.ismount(tree / name):
            subprocess.run(["umount", "--lazy", tree / name], check=True)
    shutil.rmtree(tree, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="append", choices=_RELEASES)
    parser.add_argument("--way", action="append", help="the beginning of a way's name; all without it")
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "nvr-bench-install")
    args = parser.parse_args()
    print(describe())
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("NOT MEASURED: needs root, and apt-get install debootstrap")
        sys.exit(0)
    args.dir.mkdir(parents=True, exist_ok=True)
    print("| Debian | way | minutes | MB over the network | MB on disk | commands |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for release in args.release or _RELEASES:
        for way in WAYS:
            if args.way and not way.name.startswith(tuple(args.way)):
                continue
            try:
                print(measure(way, release, args.dir), flush=True)
            except CantBe as error:
                said = shlex.quote(str(error).replace("\n", " "))[:300]
                print(f"| {_NUMBERS[release]} | {way.name} | NOT MEASURED: {said} |  |  |  |", flush=True)


if __name__ == "__main__":
    main()
