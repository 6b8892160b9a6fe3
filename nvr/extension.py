"""The extension: what is regular of the way from packets to fragments, in Rust (``packets/``).

``python -m nvr.extension`` builds it, into the environment of the Python that runs it, under a name that says of which
sources; an installed wheel has it beside ``nvr``. Invariant: what is loaded was built from the sources as they are now;
without it, or with ``NVR_EXTENSION=off`` in the environment, the reference in Python does all of it, with the same
result.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["CRATE", "build", "folder", "is_wanted", "load"]

log = logging.getLogger(__name__)

CRATE: Final = Path(__file__).parents[1] / "packets"
"""Its sources, in a checkout."""

_NAME: Final = "nvr_packets"
_SWITCH: Final = "NVR_EXTENSION"
_BUILT: Final = {"darwin": f"lib{_NAME}.dylib", "win32": f"{_NAME}.dll"}


def folder() -> Path:
    """Where what was built from the present sources is, if it was built."""
    digest = hashlib.sha256(sysconfig.get_platform().encode())
    for path in sorted((CRATE / "Cargo.toml", CRATE / "Cargo.lock", *(CRATE / "src").rglob("*.rs"))):
        digest.update(b"%b\0%b\0" % (str(path.relative_to(CRATE)).encode(), path.read_bytes()))
    return Path(sysconfig.get_path("platlib")) / "nvr_extension" / digest.hexdigest()[:32]


def _file(made: Path) -> Path:
    return made / f"{_NAME}.abi3.so"


def is_wanted() -> bool:
    """Whether it is not switched off."""
    return os.environ.get(_SWITCH, "").lower() not in ("off", "0", "no")


def load() -> ModuleType | None:
    """The extension, if there is one and it is not switched off."""
    if not is_wanted():
        return None
    try:
        # Installed, a wheel may have brought it.
        path = _file(folder() if (CRATE / "Cargo.toml").is_file() else Path(__file__).parent)
        if not path.is_file():
            return None
        spec = importlib.util.spec_from_file_location(_NAME, path)
        if spec is None or spec.loader is None:
            return None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        log.warning("the extension can't be loaded, recording goes on without: %s", error)
        return None
    return module


def build() -> Path:
    """Builds it, unless it is there already; then what was built from other sources goes. May be called by several
    at once.

    Raises:
        OSError, subprocess.CalledProcessError: it can't be built here.
    """
    made = folder()
    if _file(made).is_file():
        return made
    others = made.parent
    others.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--features", "python"],
        cwd=CRATE,
        env={**os.environ, "PYO3_PYTHON": sys.executable},
        check=True,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR", CRATE / "target"))
    with tempfile.TemporaryDirectory(prefix="new-", dir=others) as temporary:
        ready = Path(temporary, "made")
        ready.mkdir()
        shutil.copy2(target / "release" / _BUILT.get(sys.platform, f"lib{_NAME}.so"), _file(ready))
        try:
            ready.rename(made)
        except OSError:
            # Another was first.
            if not _file(made).is_file():
                raise
    for other in others.iterdir():
        if other != made and not other.name.startswith("new-"):
            shutil.rmtree(other, ignore_errors=True)
    return made


if __name__ == "__main__":
    print(build())
