"""Every bench in miniature, so that none rots: it runs to its end, whatever its figures are.

``make bench-smoke`` runs them all; a change, a few by the seed of the run (``nightly``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOP = HERE.parents[1]
# Of a bench its arguments; {tmp} is a folder of its own.
MINIATURES = {
    "access": "60 200 30",
    "audio": "--cameras 2 --seconds 2 --warm 2 --rounds 1 --workers 1",
    "av": "--cameras 2 --profile low --warm 3 --seconds 2 --aborts 1 --settle 2",
    "begin": "--cameras 2 --many 3 --rounds 1 --workers 1",
    "beside": "--profile low --cameras 2 --seconds 2 --warm 3 --rounds 1",
    "cameras": "--seconds 6 --habits empty-packets",
    "clips": "--seconds 600 --only hour --rounds 1",
    "crash": "--kills 2 --cameras 2 --minutes 1",
    "devices": "--network 127.41.0.0/26 --devices 20 --swap 6 --port 18481 --discovery-port 13703",
    "events": "--network 127.49.0.0/26 --devices 20 --seconds 4 --motions 4 --port 18482",
    "export": "--segments 1 --rounds 1",
    "fleet": "--cameras 20 --minutes 0.2 --segment 5s",
    "hidden": "20 50",
    "hostile": "--minutes 0.1 --cameras 3",
    "index": "",
    "ingest": "--cameras 1 --seconds 2 --warm 3 --rounds 1 --workers 1 --no-av --no-large",
    "live": "--cameras 1 --seconds 3",
    "load": "--cameras 2 --downloads 2 --viewers 1 --seconds 3",
    "install": "--release bookworm --way none",
    "lock": "--cameras 120 --segments 100",
    "network": "40 24",
    "page": "--cameras 200 --rounds 1 --rest 1 --walls 1 --seconds 2",
    "picture": "--seconds 0.2",
    "playback": "--cameras 1 2 --seconds 20 --seeks 2 --watch 2 --steps 10 --speeds 1",
    "players": "--page {tmp}/players.md --only PyAV",
    "preallocate": "--files 3 --fragments 4 --rounds 1",
    "ptz": "--moves 2 --port 18484",
    "report": "60 2 3",
    "retention": "6 2",
    "revocation": "40 4 2",
    "soak": "--minutes 0.2 --cameras 3 --pause 0.5",
    "start": "--segments 2000 --cameras 20 --files 20 --fragments 5",
    "sync": "--files 20 --seconds 1 --rounds 1",
    "upgrade": "--cameras 2 --short --most 120",
    "write": "--copies 2 --rounds 1",
}
# What a bench does besides, with other arguments.
ALSO = {
    "beside": "--peer ffmpeg --loads 2xlow --odd 1 --seconds 2 --warm 3 --rounds 1",
}
_TAKES_S = 300


def test_every_bench_has_a_miniature_and_a_target_of_make() -> None:
    found = {path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")}
    assert found == MINIATURES.keys()
    line = next(line for line in (TOP / "Makefile").read_text().splitlines() if line.startswith("BENCHES :="))
    assert {f"bench-{name}" for name in found} == set(line.split()[2:])


@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "arguments"), [*MINIATURES.items(), *ALSO.items()], ids=[*MINIATURES, *(f"{name}-also" for name in ALSO)]
)
def test_miniature(name: str, arguments: str, tmp_path: Path) -> None:
    words = [word.format(tmp=tmp_path) for word in arguments.split()]
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.bench_{name}", *words],
        cwd=TOP,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=_TAKES_S,
    )
    # 1: a target is missed, which says nothing in this size.
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert done.stdout
