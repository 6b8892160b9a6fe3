"""An OCI image of nvr, from the Debian package in a bare tree of Debian: ``make image``. Needs root and debootstrap; no
daemon and no container tool.

The image is an archive of the OCI image layout, which ``podman load``, ``skopeo copy oci-archive:…`` and Docker from 25
on take. Invariant: what it holds is the bare tree and the package, installed as ``dpkg`` installs it; one layer, files
in order, so that the same tree gives the same image.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_TOP: Final = Path(__file__).parent.parent
# Made by apt and of no use in an image.
_LEFT_OUT: Final = ("var/cache/apt", "var/lib/apt/lists", "var/log", "tmp", "dev", "proc", "sys", "run")
_CONFIG: Final = {
    "User": "nvr",
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
    "Entrypoint": ["/usr/bin/nvr"],
    "Cmd": ["serve", "--config", "/etc/nvr/config.toml"],
    "WorkingDir": "/var/lib/nvr",
    "Volumes": {"/var/lib/nvr": {}, "/etc/nvr": {}},
    "ExposedPorts": {"8080/tcp": {}},
    "StopSignal": "SIGTERM",
}


def bare_tree(package: Path, root: Path, release: str, mirror: str) -> None:
    """A minimal Debian with what the package depends on, and the package.

    Raises:
        subprocess.CalledProcessError: the mirror can't be reached, or the package can't be installed.
    """
    asked = subprocess.run(["dpkg-deb", "-f", package, "Depends"], stdout=subprocess.PIPE, text=True, check=True)
    depends = ",".join(part.split()[0] for part in asked.stdout.strip().split(", "))
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={depends}", release, root, mirror],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    shutil.copy(package, root / "nvr.deb")
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
    subprocess.run(["chroot", root, "dpkg", "-i", "/nvr.deb"], env=variables, stdout=subprocess.DEVNULL, check=True)


def _within(root: Path) -> Iterator[Path]:
    """All that is in the tree. What is left out is not looked into: a process of /proc is gone the next moment."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        yield from (here / name for name in (*folders, *files))
        folders[:] = [name for name in folders if (here / name).relative_to(root).as_posix() not in _LEFT_OUT]


def layer(root: Path) -> bytes:
    """The tree as a tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(_within(root)):
            name = path.relative_to(root).as_posix()
            if name == "nvr.deb":
                continue
            entry = archive.gettarinfo(path, name)
            entry.mtime, entry.uname, entry.gname = 0, "", ""
            if entry.isreg():
                with path.open("rb") as file:
                    archive.addfile(entry, file)
            else:
                archive.addfile(entry)
    return made.getvalue()


def write(tree: bytes, target: Path, version: str, architecture: str, made_at: datetime) -> None:
    """The image: its layer, configuration and manifest, each under the SHA-256 of its bytes."""
    packed = gzip.compress(tree, compresslevel=6, mtime=0)
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{name}", "size": len(data)}

    created = made_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    config = {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            **_CONFIG,
            "Labels": {
                "org.opencontainers.image.title": "nvr",
                "org.opencontainers.image.version": version,
                # Of the whole, since PyAV's wheel is in it: /usr/share/doc/nvr/copyright.
                "org.opencontainers.image.licenses": "Apache-2.0 AND GPL-3.0-or-later",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tree).hexdigest()}"]},
        "history": [{"created": created, "created_by": "debootstrap, dpkg -i nvr"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(packed, "layer.v1.tar+gzip")],
    }
    listed = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    listed["annotations"] = {"org.opencontainers.image.ref.name": f"nvr:{version}"}
    index = {"schemaVersion": 2, "manifests": [listed]}
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    files |= {f"blobs/sha256/{name}": data for name, data in sorted(blobs.items())}
    with tarfile.open(target, "w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def clear(root: Path) -> None:
    """Removes the tree; first what a bootstrap that was interrupted left mounted in it.

    Raises:
        OSError: something in it can't be removed.
    """
    for place in ("proc", "sys", "dev/pts", "dev"):
        if os.path.ismount(root / place):
            subprocess.run(["umount", "--lazy", root / place], check=True)
    if root.exists():
        shutil.rmtree(root)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--into", type=Path, default=_TOP / "dist")
    parser.add_argument("--release", default="bookworm")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    given = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        parser.exit(1, "An image is made of a bare tree: needs root, and apt-get install debootstrap\n")
    _, version, architecture = given.package.stem.split("_")
    root = _TOP / "build/image"
    clear(root)
    root.mkdir(parents=True)
    bare_tree(given.package, root, given.release, given.mirror)
    target = given.into / f"nvr_{version}_{architecture}.oci.tar"
    write(layer(root), target, version, architecture, datetime.now(UTC))
    clear(root)
    print(f"{target}: {target.stat().st_size // 10**6} MB")


if __name__ == "__main__":
    main()
