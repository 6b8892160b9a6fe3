"""The Debian package: built, and installed, removed and purged in a bare tree. Needs root, PyPI and Debian's mirror."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nvr.cli.demo import free_port
from tests.support.waiting import until
from tests.third_party import PAGE

TOP = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("make_image", TOP / "packaging/make_image.py")
assert _spec is not None and _spec.loader is not None
make_image = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_image)
layer, write = make_image.layer, make_image.write
pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("dpkg-deb") is None or not Path("/usr/bin/python3").exists():
        pytest.skip("NOT TESTED: the Debian package (this is no Debian)")
    if not (TOP / "nvr/web/dist/index.html").is_file():
        pytest.skip("NOT TESTED: the Debian package (the page is not built: make setup)")
    into = tmp_path_factory.mktemp("deb")
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run([hatchling, "build", "-twheel", "-d", into], cwd=TOP, check=True, capture_output=True)
    command = [sys.executable, TOP / "packaging/make_deb.py", next(into.glob("*.whl")), "--into", into]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode and re.search("No matching distribution|Connection|resolve", done.stderr):
        pytest.skip(f"NOT TESTED: the Debian package (PyPI can't be reached: {done.stderr.strip()[-200:]})")
    assert done.returncode == 0, done.stderr
    return next(into.glob("*.deb"))


def fields(package: Path, *names: str) -> str:
    return subprocess.run(
        ["dpkg-deb", "-f", package, *names], capture_output=True, text=True, check=True
    ).stdout.strip()


def contents(package: Path) -> list[str]:
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    return [line.split(maxsplit=5)[5] for line in listed.splitlines()]


def test_it_holds_the_page_the_licences_and_its_environment(package: Path) -> None:
    assert fields(package, "Package") == "nvr" and "python3." in fields(package, "Depends")
    names = contents(package)
    for wanted in (
        "./etc/nvr/config.toml",
        "./usr/bin/nvr -> ../lib/nvr/bin/nvr",
        "./usr/lib/systemd/system/nvr.service",
        "./usr/share/doc/nvr/LICENSE",
        "./usr/share/doc/nvr/THIRD-PARTY.md",
        "./usr/share/doc/nvr/copyright",
    ):
        assert wanted in names, wanted
    assert any(name.endswith("/nvr/web/dist/index.html") for name in names)
    assert any(name.endswith(".pyc") for name in names), "translated, since the service can't write there"
    assert not [name for name in names if "/var/" in name or "/home/" in name], "nothing is where footage is"
    # What it holds of others is what the list says.
    held = {
        re.sub(r"[-_.]+", "-", m[1]).lower()
        for name in names
        if (m := re.search(r"/([^/]+)-[^/-]+\.dist-info/$", name))
    }
    listed = PAGE.read_text(encoding="utf-8")
    assert [name for name in sorted(held - {"nvr"}) if f"| {name} |" not in listed] == []


@pytest.fixture(scope="module")
def tree(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare tree of this machine's release."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("NOT TESTED: the package installed (needs root, and apt-get install debootstrap)")
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    root = tmp_path_factory.mktemp("tree")
    # Else its "/" is root's alone, and no other user can start a program there.
    root.chmod(0o755)
    depends = [part.split()[0] for part in fields(package, "Depends").split(", ")]
    command = [
        "debootstrap", "--variant=minbase", f"--include={','.join(depends)}",
        release["VERSION_CODENAME"].strip('"'), root,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        pytest.skip(f"NOT TESTED: the package installed (debootstrap: {(done.stdout + done.stderr).strip()[-300:]})")
    subprocess.run(["mount", "--bind", "/dev", root / "dev"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    shutil.copy(package, root / "nvr.deb")
    try:
        yield root
    finally:
        for place in ("proc", "dev"):
            subprocess.run(["umount", "--lazy", root / place], check=False)


def inside(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["chroot", tree, *command], capture_output=True, text=True, env=variables, timeout=300)


def test_installed_served_removed_and_purged(tree: Path) -> None:
    done = inside(tree, "dpkg", "-i", "/nvr.deb")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "first password of admin is in /var/lib/nvr" in done.stdout
    config = tree / "etc/nvr/config.toml"
    assert config.stat().st_mode & 0o777 == 0o640
    assert inside(tree, "nvr", "version").stdout.startswith("nvr ")
    checked = inside(
        tree, "runuser", "-u", "nvr", "--", "nvr", "check-config", "--config", "/etc/nvr/config.toml", "--yes"
    )
    assert checked.returncode == 0, checked.stderr
    port = free_port(27_600)
    config.write_text(config.read_text().replace("port = 8080", f"port = {port}"))
    server = subprocess.Popen(
        ["chroot", tree, "runuser", "-u", "nvr", "--", "nvr", "serve", "--config", "/etc/nvr/config.toml"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}, stdout=subprocess.PIPE, text=True,
        stderr=(tree / "log").open("w"),
    )  # fmt: skip
    try:
        until(lambda: server.poll() is not None or "page at" in (tree / "log").read_text(), "the page", 60)
        assert server.poll() is None, (tree / "log").read_text()
        doctor = inside(tree, "nvr", "doctor", "--config", "/etc/nvr/config.toml")
        assert "the server runs" in doctor.stdout and f"the page answers at port {port}" in doctor.stdout
    finally:
        server.terminate()
        server.wait(30)
    if "compiled" in (tree / "log").read_text():
        assert "recording interpreted" not in (tree / "log").read_text()
    kept = tree / "var/lib/nvr/footage/gate-1/2026-12-01/kept.mp4"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"footage")
    before = sorted(path.name for path in (tree / "var/lib/nvr").iterdir())
    for way in ("--remove", "--purge"):
        done = inside(tree, "dpkg", way, "nvr")
        assert done.returncode == 0, done.stdout + done.stderr
        assert config.exists() is (way == "--remove"), "its configuration goes with a purge"
        assert kept.read_bytes() == b"footage"
        assert sorted(path.name for path in (tree / "var/lib/nvr").iterdir()) == before
        assert not (tree / "usr/lib/nvr").exists()
    assert "stay in /var/lib/nvr" in done.stdout


def test_an_image_is_whole(tree: Path, tmp_path: Path) -> None:
    """Of the same tree: each part is under the SHA-256 of its bytes, and the layer holds the package."""
    target = tmp_path / "nvr.oci.tar"
    write(layer(tree), target, "0.1.0", "amd64", datetime(2026, 1, 1, tzinfo=UTC))
    with tarfile.open(target) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive}
        data = {name: file.read() for name, file in files.items() if file is not None}
    assert json.loads(data["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, blob in data.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(blob).hexdigest() == name.rpartition("/")[2]

    def named(digest: str) -> bytes:
        return data["blobs/" + digest.replace(":", "/")]

    (listed,) = json.loads(data["index.json"])["manifests"]
    manifest = json.loads(named(listed["digest"]))
    config = json.loads(named(manifest["config"]["digest"]))
    assert config["config"]["User"] == "nvr" and config["config"]["Entrypoint"] == ["/usr/bin/nvr"]
    unpacked = gzip.decompress(named(manifest["layers"][0]["digest"]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as inside_it:
        names = set(inside_it.getnames())
    assert "nvr.deb" not in names and {"etc/debian_version", "proc", "dev"} <= names
    assert not [name for name in names if name.startswith(("proc/", "var/lib/apt/lists/"))]
    for program in ("skopeo", "buildah"):
        if (found := shutil.which(program)) is not None:
            words = ["inspect"] if program == "skopeo" else ["pull", "--quiet"]
            done = subprocess.run([found, *words, f"oci-archive:{target}"], capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
