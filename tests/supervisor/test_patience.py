"""When a silent recorder is taken for hung: not while the machine keeps it from running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nvr.supervisor.patience import SILENT_S, STARTING_S, Patience, Stalls
from tests.support.waiting import until

NAP = "import time\nwhile True: time.sleep(0.01)"
BUSY = "while True: pass"


@contextmanager
def process(code: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", code]) as made:
        try:
            yield made.pid
        finally:
            made.kill()


def turns(patience: Patience, pid: int | None) -> int:
    """After how many turns it is given up."""
    return next(number for number in range(1, 1000) if patience.turn(pid))


def proc(folder: Path, *, state: str = "S", delay_s: float | None = 0.0) -> Path:
    """What the kernel says of process 1."""
    task = folder / "1" / "task" / "1"
    task.mkdir(parents=True, exist_ok=True)
    (folder / "1" / "stat").write_text(f"1 (a (b) c) {state} 0 0")
    if delay_s is not None:
        (task / "schedstat").write_text(f"5 {round(delay_s * 1e9)} 7\n")
        (task / "stat").write_text("1 (a) S 0")
    return folder


def test_a_silent_worker_is_given_up_after_its_time() -> None:
    patience = Patience()
    assert turns(patience, None) == STARTING_S + 1, "it reads its code first"
    patience.heard()
    assert turns(patience, None) == SILENT_S + 1
    patience.heard()
    assert not any(patience.turn(None) for _ in range(int(SILENT_S)))
    patience.heard()
    assert not any(patience.turn(None) for _ in range(int(SILENT_S)))


def test_time_that_it_waited_for_a_processor_does_not_count(tmp_path: Path) -> None:
    patience = Patience()
    patience._stalls = Stalls(proc(tmp_path))
    patience.heard()
    for number in range(100):
        proc(tmp_path, delay_s=0.9 * number)
        assert not patience.turn(1)
    # It is not waiting any more, and says nothing all the same.
    assert turns(patience, 1) <= SILENT_S


def test_nor_time_that_it_waits_for_a_disk_but_not_for_ever(tmp_path: Path) -> None:
    patience = Patience()
    patience._stalls = Stalls(proc(tmp_path, state="D"))
    patience.heard()
    assert turns(patience, 1) == 301


def test_without_the_kernels_count_of_a_process_the_machines_is_taken(tmp_path: Path) -> None:
    stalls = Stalls(proc(tmp_path, delay_s=None))
    pressure = tmp_path / "pressure"
    pressure.mkdir()
    found = []
    for total_us in (1_000_000, 1_800_000, 1_800_000):
        (pressure / "cpu").write_text(
            f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total_us}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        )
        found.append(stalls.share(1, 1.0))
    assert found == [0.0, pytest.approx(0.8), 0.0]
    assert Stalls(tmp_path / "none").share(1, 1.0) == 0.0


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="NOT TESTED: this kernel does not count what processes wait"
)
def test_a_real_process_that_is_starved_is_told_from_one_that_hangs() -> None:
    cpu = min(os.sched_getaffinity(0))
    with process(BUSY) as greedy, process(BUSY) as starved, process(NAP) as stopped:
        for pid in (greedy, starved):
            os.sched_setaffinity(pid, {cpu})
        os.sched_setscheduler(starved, os.SCHED_IDLE, os.sched_param(0))
        os.kill(stopped, signal.SIGSTOP)
        # It stops when it is let run next: until then it waits as the starved one does.
        until(lambda: Path(f"/proc/{stopped}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        one, other = Stalls(), Stalls()
        one.share(starved, 1.0)
        other.share(stopped, 1.0)
        began = time.monotonic()
        time.sleep(0.7)  # sleep: the stretch of time that is judged
        passed_s = time.monotonic() - began
        assert one.share(starved, passed_s) > 0.5
        assert other.share(stopped, passed_s) < 0.1
