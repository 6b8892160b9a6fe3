"""The fast tests under other Pythons: ``python -m tests.other_pythons`` (``make test-pythons``), as root.

Debian 13 has Python 3.13 and Debian's testing tree the one after it; each is had by ``debootstrap``, and ``make
test-fast`` is done in it, by ``chroot``, of a copy of this checkout's commit. What can't be had is said, and is no
failure: it stands as untried.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench.bench_install import CantBe, bare, clear, equip, put_checkout

__all__ = ["main"]

_RELEASES: Final = ("trixie", "forky")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="append", help="such as trixie; may be given again")
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "nvr-bench-install")
    args = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("NOT TESTED: other Pythons (needs root, and apt-get install debootstrap)")
        sys.exit(0)
    args.dir.mkdir(parents=True, exist_ok=True)
    failed = False
    for release in args.release or _RELEASES:
        try:
            failed |= not _tested(release, args.dir)
        except CantBe as error:
            print(f"NOT TESTED: {release} ({error})", flush=True)
    sys.exit(failed)


def _tested(release: str, folder: Path) -> bool:
    tree = folder / f"{release}-tests"
    clear(tree)
    subprocess.run(["cp", "-a", "--reflink=auto", bare(release, folder), tree], check=True)
    try:
        put_checkout(tree, release)
        environment = equip(tree)
        for name in ("dev", "proc"):
            subprocess.run(["mount", "--bind", f"/{name}", tree / name], check=True)
        need = "apt-get update -q && apt-get install -y -q --no-install-recommends make git python3-venv openssl"
        done = subprocess.run(["chroot", tree, "sh", "-c", need], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise CantBe((done.stdout + done.stderr).strip()[-300:])
        version = subprocess.run(
            ["chroot", tree, "python3", "-V"], env=environment, capture_output=True, text=True
        ).stdout.strip()
        began = time.monotonic()
        print(f"== {release}: {version}", flush=True)
        done = subprocess.run(["chroot", tree, "sh", "-c", "cd /nvr && nice -n 10 make test-fast"], env=environment)
        how = "FAILED" if done.returncode else "passed"
        print(f"== {release}: {version}: {how} in {time.monotonic() - began:.0f} s")
        return not done.returncode
    finally:
        clear(tree)


if __name__ == "__main__":
    main()
