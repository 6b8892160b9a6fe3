"""A Debian package of nvr, with an environment of its own under /usr/lib/nvr: ``make deb``.

It holds the wheel and all that the lock of the product's own needs names, each file checked by its SHA-256, and
recording compiled where that was made. Invariant: installing it needs no network, no compiler and no Node; removing it,
purging too, never touches footage, catalogue or keys.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_TOP: Final = Path(__file__).parent.parent
_HOME: Final = "usr/lib/nvr"
# What a process of the package may need beside Python and libc, which the wheels bring along.
_DEPENDS: Final = ("python{python}", "adduser", "ca-certificates", "libc6 (>= 2.28)", "libstdc++6")


def run(*command: object, cwd: Path | None = None) -> str:
    """The command's output.

    Raises:
        subprocess.CalledProcessError: it failed; what it said is printed.
    """
    return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True, cwd=cwd).stdout


def environment(stage: Path, python: Path, wheel: Path) -> str:
    """The environment under /usr/lib/nvr; returns the Python it is for, as in ``3.11``."""
    home = stage / _HOME
    run(python, "-m", "venv", "--without-pip", home)
    inner = home / "bin/python"
    version = run(inner, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    pip = (sys.executable, "-m", "pip", "--python", inner, "install", "-q", "--no-compile")
    locks = [part for name in ("s3", "fleet") for part in ("-r", _TOP / f"requirements/{name}.txt")]
    run(*pip, "--require-hashes", *locks)
    run(*pip, "--no-index", "--no-deps", wheel)
    keep = {"nvr", "python", "python3", f"python{version}"}
    for path in (home / "bin").iterdir():
        if path.name not in keep:
            path.unlink()
    script = home / "bin/nvr"
    script.write_text(re.sub(r"^#!.*", f"#!/{_HOME}/bin/python", script.read_text(encoding="utf-8"), count=1))
    (home / "bin/python").unlink()
    (home / "bin/python").symlink_to(f"/usr/bin/python{version}")
    for name in ("python3", f"python{version}"):
        (home / "bin" / name).unlink(missing_ok=True)
        (home / "bin" / name).symlink_to("python")
    (home / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n")
    return version


def compiled(stage: Path) -> bool:
    """Copies recording as this checkout's environment has it compiled, if it is of the same sources and Python."""
    packages = next((stage / _HOME).glob("lib/python*/site-packages"))
    ask = "from nvr import compiled; print(compiled.folder())"
    # The staged Python may be that of this machine: its packages are the staged ones.
    theirs = Path(run(stage / _HOME / "bin/python", "-c", ask, cwd=Path("/")).strip())
    ours = Path(run(sys.executable, "-c", ask, cwd=_TOP).strip())
    if theirs.name != ours.name or not ours.is_dir():
        return False
    shutil.copytree(ours, packages / "nvr_compiled" / ours.name)
    return True


def documents(stage: Path) -> None:
    """Licences, changes and the guides."""
    place = stage / "usr/share/doc/nvr"
    place.mkdir(parents=True)
    for name in ("README.md", "LICENSE", "THIRD-PARTY.md"):
        shutil.copy(_TOP / name, place)
    shutil.copytree(_TOP / "docs", place / "docs", ignore=shutil.ignore_patterns("images"))
    for name in ("prometheus", "grafana"):
        shutil.copytree(_TOP / "packaging" / name, place / name)
    with gzip.GzipFile(place / "changelog.gz", "wb", mtime=0) as file:
        file.write((_TOP / "CHANGELOG.md").read_bytes())
    shutil.copy(_TOP / "packaging/debian/copyright", place)


def control(stage: Path, version: str, python: str, architecture: str) -> None:
    """What dpkg needs to know."""
    folder = stage / "DEBIAN"
    folder.mkdir(mode=0o755)
    size = sum(path.lstat().st_size for path in stage.rglob("*") if path.is_file() and not path.is_symlink()) // 1024
    depends = ", ".join(_DEPENDS).format(python=python)
    (folder / "control").write_text(
        f"Package: nvr\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: nvr <nvr@localhost>\n"
        f"Installed-Size: {size}\nDepends: {depends}\nRecommends: chrony | time-daemon\n"
        "Suggests: smartmontools\n"
        "Section: video\nPriority: optional\nHomepage: file:///usr/share/doc/nvr/README.md\n"
        "Description: recording server for camera fleets\n"
        " Records RTSP cameras without transcoding, and accounts for every second: each one is\n"
        " either recorded, or lies in a gap with a stated cause.\n"
    )
    (folder / "conffiles").write_text("/etc/nvr/config.toml\n")
    for name in ("postinst", "prerm", "postrm"):
        shutil.copy(_TOP / "packaging/debian" / name, folder / name)
        (folder / name).chmod(0o755)
    sums = []
    for path in sorted(stage.rglob("*")):
        relative = path.relative_to(stage)
        if path.is_file() and not path.is_symlink() and relative.parts[0] != "DEBIAN":
            sums.append(f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {relative}\n")
    (folder / "md5sums").write_text("".join(sums))


def build(wheel: Path, python: Path, into: Path) -> Path:
    """Builds the package; returns its file."""
    version = wheel.name.split("-")[1]
    architecture = run("dpkg", "--print-architecture").strip()
    stage = _TOP / "build/deb"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    of = environment(stage, python, wheel)
    is_compiled = compiled(stage)
    # The service can't write there, and must not translate all of it at each start.
    run(stage / _HOME / "bin/python", "-m", "compileall", "-q", "-s", stage, "-p", "/", stage / _HOME / "lib")
    (stage / "usr/bin").mkdir()
    (stage / "usr/bin/nvr").symlink_to("../lib/nvr/bin/nvr")
    (stage / "usr/lib/systemd/system").mkdir(parents=True)
    shutil.copy(_TOP / "packaging/nvr.service", stage / "usr/lib/systemd/system")
    (stage / "etc/nvr").mkdir(parents=True)
    shutil.copy(_TOP / "packaging/debian/config.toml", stage / "etc/nvr")
    documents(stage)
    control(stage, version, of, architecture)
    for path in stage.rglob("*"):
        if not path.is_symlink() and "DEBIAN" not in path.parts:
            executable = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if executable else 0o644)
    target = into / f"nvr_{version}_{architecture}.deb"
    into.mkdir(exist_ok=True)
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "--build", stage, target)
    print(
        f"{target}: {target.stat().st_size // 10**6} MB, for Python {of},"
        f" recording {'compiled' if is_compiled else 'NOT compiled: make setup compiles it'}"
    )
    return target


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--python", type=Path, default=Path("/usr/bin/python3"), help="the distribution's own")
    parser.add_argument("--into", type=Path, default=_TOP / "dist")
    given = parser.parse_args()
    build(given.wheel, given.python, given.into)


if __name__ == "__main__":
    main()
