"""What is too long for every change runs at night: ``python -m tests.nightly`` (``make nightly``), and a random tenth
of it with every change.

Belongs here: the list of the long suites and how they run. A test of theirs carries ``@pytest.mark.nightly``; a
property test names both of its lengths with ``examples``. Invariant: what a row of ``docs/reference/nightly.md`` says
was run at the length and on the commit that stand there; nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

__all__ = ["IS_NIGHT", "SEED_NAME", "SUITES", "Suite", "examples", "longer", "seed", "tenth"]

IS_NIGHT: Final = os.environ.get("NVR_NIGHTLY") == "1"
"""Whether the long suites run at full length."""

SEED_NAME: Final = "NVR_SEED"
_TOP: Final = Path(__file__).parent.parent
_TABLE: Final = _TOP / "docs/reference/nightly.md"
_CARGO: Final = "cargo test --release --locked --manifest-path packets/Cargo.toml"
# Of ``env``, which starts what is not there.
_NOT_THERE: Final = 127
_RESULT: Final = "| {suite} | {when} | {commit} | {machine} | {length} | {result} |\n"


@dataclass(frozen=True, slots=True)
class Suite:
    """A command and its bound in seconds. ``{python}`` is this one, ``{longer}`` the files of ``longer``."""

    name: str
    command: str
    most_s: int


# A bench at its full length; the marked tests, and those that try more at night, at theirs.
SUITES: Final = (
    Suite("marked tests", "{python} -m pytest -n 2 -m nightly --durations=20", 7200),
    Suite(
        "properties and matrices in full", "{python} -m pytest -n 2 -m 'not nightly' --durations=20 {longer}", 14_400
    ),
    # With every change most of it is tested as it is compiled (the Makefile's COMPILED_ONLY).
    Suite("recording as its sources are", "{python} -m pytest -n 2 tests/recorder tests/storage/writing", 7200),
    Suite("habits of cameras", "{python} -m pytest -n 1 tests/support/cameras/test_odd.py", 3600),
    Suite("other Pythons", "{python} -m tests.other_pythons", 3600),
    Suite("soak", "{python} -m tests.bench.bench_soak", 3600),
    Suite("fleet", "{python} -m tests.bench.bench_fleet", 3600),
    Suite("upgrade and back", "{python} -m tests.bench.bench_upgrade", 3600),
    Suite("kills", "{python} -m tests.bench.bench_crash", 3600),
    Suite("hostile network", "{python} -m tests.bench.bench_hostile", 3600),
    Suite("fuzz", "{python} -m tests.fuzz", 5400),
    Suite("extension", f"env NVR_HAMMER_PACKETS=100000000 {_CARGO} -- --nocapture", 7200),
    Suite("ingest", "{python} -m tests.bench.bench_ingest", 7200),
    Suite("clips", "{python} -m tests.bench.bench_clips", 3600),
    Suite("report", "{python} -m tests.bench.bench_report", 3600),
    Suite("revocation beside recording", "{python} -m tests.bench.bench_revocation", 1800),
    Suite("hidden against absent", "{python} -m tests.bench.bench_hidden", 3600),
)


def longer() -> list[str]:
    """The files of tests that try more at night: those that ask ``IS_NIGHT`` or ``examples``."""
    files = sorted((_TOP / "tests").rglob("test_*.py"))
    own = _TOP / "tests/test_nightly.py"
    asks = re.compile(r"\bIS_NIGHT\b|\bexamples\(")
    return [str(one.relative_to(_TOP)) for one in files if one != own and asks.search(one.read_text(encoding="utf-8"))]


def examples(usual: int, night: int) -> int:
    """How many cases a property test tries: ``usual`` with every change, ``night`` at night."""
    return night if IS_NIGHT else usual


def seed() -> int:
    """The seed of this run's tenth: as the environment says (``NVR_SEED``), else a new one, which is put there for the
    processes that follow."""
    text = os.environ.setdefault(SEED_NAME, str(random.SystemRandom().randrange(1 << 31)))
    return int(text)


def tenth(names: list[str], number: int) -> set[str]:
    """A random tenth of the names (at least one, if there are any) by this seed, whatever their order."""
    if not names:
        return set()
    return set(random.Random(number).sample(sorted(names), max(1, len(names) // 10)))


def _commit() -> str:
    found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=_TOP, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def _run(suite: Suite, output: Path) -> str:
    """Runs one; says how it ended."""
    command = suite.command.format(python=shlex.quote(sys.executable), longer=shlex.join(longer()))
    began = time.monotonic()
    with output.open("wb") as file:
        try:
            done = subprocess.run(
                shlex.split(command),
                cwd=_TOP,
                env={**os.environ, "NVR_NIGHTLY": "1"},
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=suite.most_s,
            )
        except subprocess.TimeoutExpired:
            return f"stopped after {suite.most_s} s"
    if done.returncode == _NOT_THERE:
        return "not run: a program that it needs is not on this machine"
    return f"{'passed' if done.returncode == 0 else f'failed ({done.returncode})'} in {time.monotonic() - began:.0f} s"


def main() -> int:
    """Runs the suites named, or all, one after the other, and writes a row of the table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=[suite.name for suite in SUITES], default=[])
    parser.add_argument("--no-table", action="store_true", help="do not write to docs/reference/nightly.md")
    given = parser.parse_args()
    from tests.bench.machine import describe

    folder = _TOP / "build/nightly"
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    print(describe(), flush=True)
    for suite in SUITES:
        if given.only and suite.name not in given.only:
            continue
        output = folder / f"{suite.name.replace(' ', '-')}.log"
        print(f"== {suite.name}: {suite.command}\n   output: {output}", flush=True)
        result = _run(suite, output)
        failed |= not result.startswith(("passed", "not run"))
        print(f"   {result}", flush=True)
        if not given.no_table:
            row = _RESULT.format(
                suite=suite.name,
                when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z",
                commit=_commit(),
                machine=describe().partition(", Linux")[0],
                length="full",
                result=result,
            )
            with _TABLE.open("a", encoding="utf-8") as file:
                file.write(row)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
