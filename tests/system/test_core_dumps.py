"""What a process knew must not lie in a file after it crashed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.server import Server

# The children by which a server is whole: each is waited for.
MODULES = {"nvr.recorder", "nvr.api", "nvr.housekeeping", "nvr.evidence"}


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in tree(int(child)))]


def test_no_process_of_a_server_leaves_a_core_dump(tmp_path: Path) -> None:
    cameras = [
        {"id": f"gate-{n}", "url": "rtsp://127.0.0.1:9/x", "source": source} for n, source in ((1, "native"), (2, "av"))
    ]
    server = Server(tmp_path, cameras)
    server.start()
    try:
        server.until(lambda: "page at" in server.log.read_text(), what="the page")
        assert server.process is not None
        limits: dict[str, str] = {}

        def whole() -> bool:
            try:
                for pid in tree(server.process.pid if server.process else 0):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                    line = next(x for x in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in x)
                    limits[f"{pid} {' '.join(command)}"] = line
            except (FileNotFoundError, ProcessLookupError):
                # It ended meanwhile: another look.
                return False
            return all(any(module in name for name in limits) for module in MODULES)

        server.until(whole, what="all processes")
        assert len(limits) >= 6
        wrong = {name: line for name, line in limits.items() if line.split()[4:6] != ["0", "0"]}
        assert not wrong
    finally:
        server.stop()


ASKS = "import ctypes; from nvr import core_dumps; core_dumps.forbid(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
TOP = Path(__file__).parent.parent.parent


def test_a_process_is_not_dumpable() -> None:
    """The limit alone is left to whatever program the kernel pipes cores to."""
    said = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip() == "0"


def test_every_entry_forbids_it_before_it_reads_anything() -> None:
    """By the source: a process that is added without a thought would be missed by the tree above, if it lives for a
    moment."""
    entries = [path for path in (TOP / "nvr").rglob("__main__.py") if "demo" not in path.parts]
    assert len(entries) >= 5
    for path in entries:
        text = path.read_text()
        assert 0 < text.find("core_dumps.forbid()") < text.find("sys.stdin"), path
    assert "core_dumps.forbid()" in (TOP / "nvr/cli/__init__.py").read_text()
