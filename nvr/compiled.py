"""Recording compiled: the modules that every picture passes through, made into machine code from the very same sources
(mypyc).

``python -m nvr.compiled`` makes them, into the environment of the Python that runs it, under a name that says of which
sources. Recorder workers ``use`` them if they are there. Invariant: what is used was made from the sources as they are
now; without it, or after a change, the sources themselves run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["MODULES", "build", "folder", "use"]

# Not the tables of codecs and what reads descriptions and parameter sets: that is done once a connection, or where a
# set changes. Nor the relay and what is behind FFmpeg: there FFmpeg takes the time. Measured of the two that were added
# last, in microseconds: a unit put in order 2.7 instead of 6.2, a packet of AAC 1.9 instead of 2.1.
MODULES: Final = (
    "nvr.recorder.loop.arrival",
    "nvr.recorder.audio.track",
    "nvr.recorder.audio.audio_time",
    "nvr.recorder.clocks.beginning",
    "nvr.recorder.camera",
    "nvr.recorder.lane.crossing",
    "nvr.recorder.lane.lane",
    "nvr.recorder.clocks.camera_clock",
    "nvr.recorder.clocks.clock",
    "nvr.recorder.run.counting",
    "nvr.recorder.clocks.creep",
    "nvr.recorder.run.cutting",
    "nvr.recorder.clocks.drift",
    "nvr.recorder.media.fragments",
    "nvr.recorder.clocks.hold",
    "nvr.recorder.media.inits",
    "nvr.recorder.run.journal",
    "nvr.recorder.media.decoding_order",
    "nvr.recorder.media.nal",
    "nvr.recorder.sources.rtp.aac",
    "nvr.recorder.sources.rtp.admission",
    "nvr.recorder.sources.rtsp.audio",
    "nvr.recorder.sources.rtp.bits",
    "nvr.recorder.sources.rtsp.connection",
    "nvr.recorder.sources.rtp.continuity",
    "nvr.recorder.sources.rtp.frame",
    "nvr.recorder.sources.rtsp.framing",
    "nvr.recorder.sources.rtp.h264",
    "nvr.recorder.sources.rtp.h265",
    "nvr.recorder.sources.rtp.pictures",
    "nvr.recorder.sources.rtsp.interleaving",
    "nvr.recorder.sources.rtsp.receiving",
    "nvr.recorder.sources.rtp.rtcp",
    "nvr.recorder.sources.rtp.rtp",
    "nvr.recorder.sources.rtp.sense",
    "nvr.recorder.sources.rtsp.source",
    "nvr.recorder.sources.rtp.timing",
    "nvr.recorder.sources.rtp.units",
    "nvr.recorder.sources.rtsp.watch",
    "nvr.recorder.run.pipeline",
    "nvr.recorder.run.run",
    "nvr.recorder.media.packets",
    "nvr.recorder.clocks.timeline",
    "nvr.recorder.run.waiting",
    "nvr.recorder.loop.crash_slots",
    "storage.writing.at_risk",
    "storage.format.boxes",
    "storage.catalogue.counters",
    "storage.writing.disk_writer",
    "storage.format.index_builder",
    "storage.format.index_bytes",
    "storage.format.sample_rows",
    "storage.writing.broken_segments",
    "storage.writing.open_segment",
    "storage.writing.segment_writer",
    "storage.writing.syncing",
    "storage.writing.threads",
)
# What mypyc puts beside them: all of their code; the modules themselves only point to it.
_SHARED: Final = "nvr_recording__mypyc"
_TOP: Final = Path(__file__).parents[1]
# Types and constants of all of these are known to the compiled code.
_SOURCES: Final = ("nvr/recorder", "storage")
_SETUP: Final = """
import sys
from setuptools import setup
from mypyc.build import mypycify
target, *paths = sys.argv[1:]
del sys.argv[1:]
sys.argv += ["build_ext", "--build-temp", target + "/temp", "--build-lib", target + "/lib"]
setup(
    name="nvr-compiled",
    packages=[],
    ext_modules=mypycify(paths, opt_level="3", debug_level="0", group_name="nvr_recording", target_dir=target + "/c"),
)
"""


def folder() -> Path:
    """Where what was made from the present sources is, if it was made."""
    digest = hashlib.sha256(f"{sysconfig.get_config_var('SOABI')} {MODULES}".encode())
    for package in _SOURCES:
        for path in sorted((_TOP / package).rglob("*.py")):
            digest.update(b"%b\0%b\0" % (str(path.relative_to(_TOP)).encode(), path.read_bytes()))
    return Path(sysconfig.get_path("platlib")) / "nvr_compiled" / digest.hexdigest()[:32]


class _Finder(MetaPathFinder):
    """Finds the modules where they were made."""

    def __init__(self, made: Path) -> None:
        suffix = str(sysconfig.get_config_var("EXT_SUFFIX"))
        self._paths = {name: str(made.joinpath(*name.split("."))) + suffix for name in (*MODULES, _SHARED)}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As ``importlib`` asks."""
        found = self._paths.get(fullname)
        return None if found is None else spec_from_file_location(fullname, found)


def use() -> bool:
    """From now on these modules are imported as machine code; says whether there is any. If one of them was imported
    before, they stay as they are: one half would not know the other's classes."""
    made = folder()
    if not made.is_dir() or any(name in sys.modules for name in MODULES):
        return False
    sys.meta_path.insert(0, _Finder(made))
    return True


def build() -> Path:
    """Makes it, unless it is there already; what was made from other sources goes.

    Raises:
        subprocess.CalledProcessError: it can't be made here.
    """
    made = folder()
    if made.is_dir():
        return made
    others = made.parent
    shutil.rmtree(others, ignore_errors=True)
    others.mkdir(parents=True)
    paths = [str(Path(*name.split(".")).with_suffix(".py")) for name in MODULES]
    with tempfile.TemporaryDirectory(prefix="nvr-compiled-", dir=others) as temporary:
        subprocess.run(
            [sys.executable, "-c", _SETUP, temporary, *paths],
            cwd=_TOP,
            env={**os.environ, "MYPYPATH": str(_TOP)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        Path(temporary, "lib").rename(made)
    return made


if __name__ == "__main__":
    print(build())
