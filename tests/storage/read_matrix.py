"""Every fault of reading at every step at which storage reads: start, backlog, retention, scrub, check and rebuild.

What must be so after each: nothing that was recorded is gone or denied, nothing wrong is claimed, what could not be
read is named, and a restart with a disk that can be read makes all right.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.coverage.one_camera import Gap
from storage.errors import StorageError
from storage.recovery.check import CheckFinding, CheckKind, check
from storage.recovery.rebuild import rebuild
from storage.recovery.scrub import Scrubbed, scrub
from storage.tiers.local import LocalTier
from tests.storage import fault_matrix
from tests.storage.fault_matrix import NOW_US, SECOND_US, Case
from tests.storage.faulty_files import FaultyDatabase
from tests.storage.faulty_reads import DESTROYS, READ_FAULTS, FaultyReads, ReadFault
from tests.storage.world import CAMERA, T0_US, World, assert_consistent, assert_partition

__all__ = ["OPERATIONS", "cells", "faults", "run_cell"]

AT_US = T0_US + 10 * SECOND_US
FULL_RATE = 1 << 40


class Log(logging.Handler):
    """What an operator would read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


@dataclass
class Cell:
    """One run of an operation with a fault. ``files`` are those that were recorded, by path."""

    world: World
    disk: FaultyReads
    log: Log = field(default_factory=Log)
    files: dict[Path, bytes] = field(default_factory=dict)

    @property
    def is_destroyed(self) -> bool:
        return self.disk.has_struck and self.disk.read_fault in DESTROYS

    def record(self) -> None:
        """Four closed segments of two runs, ten seconds apart, the third without a hash in the catalogue."""
        for number in range(4):
            path = self.world.part(
                AT_US + 10 * number * SECOND_US, [2 * number, 2 * number + 1], final_name=True, enter=True
            )
            self.files[path] = path.read_bytes()
        with self.world.database.write() as conn:
            conn.execute("UPDATE segment SET sha256 = NULL WHERE start_us = ?", (AT_US + 20 * SECOND_US,))

    def assert_untouched(self) -> None:
        """Files are as they were, and the catalogue lists them, with hashes that are theirs."""
        for path, data in self.files.items():
            assert path.read_bytes() == data, f"{path} was touched"
        with self.world.database.read() as conn:
            rows = segments.between(conn, CAMERA, T0_US, NOW_US)
        known = {row.path: row.sha256 for row in rows}
        for path, data in self.files.items():
            if self.is_destroyed and path == self.disk.path:
                continue
            assert path in known, f"{path} is not listed any more"
            assert known[path] in (None, hashlib.sha256(data).hexdigest()), f"the hash of {path} is wrong"

    def assert_named(self, told: str) -> None:
        """The file at which it happened, or its folder, is named."""
        assert self.disk.path is not None
        # It may have been looked for by its final name.
        assert str(self.disk.path).replace(".part.mp4", "").replace(".mp4", "") in told, (self.disk.path, told)


def _start(cell: Cell) -> None:
    _fault_case(cell, "start", fault_matrix.start)


def _backlog(cell: Cell) -> None:
    _fault_case(cell, "backlog", fault_matrix.backlog)


def _delete(cell: Cell) -> None:
    _fault_case(cell, "delete", fault_matrix.delete)


def _fault_case(cell: Cell, name: str, operation: Callable[[Case], None]) -> None:
    """An operation of the matrix of writing, and what must be so after it."""
    world = cell.world
    case = Case(world, cell.disk, FaultyDatabase(world.folder / "catalogue.db", cell.disk))
    try:
        operation(case)
    except (OSError, sqlite3.Error, StorageError, AssertionError):
        # A backlog that is not worked off is left to the next start.
        assert cell.disk.has_struck
    finally:
        case.database.close()
    cell.disk.tidy(world.root.path)
    world.reopen()
    if cell.is_destroyed:
        report = world.reconcile(NOW_US)
        assert_consistent(world, report)
        assert_partition(world.coverage(T0_US - 60 * SECOND_US, NOW_US + SECOND_US, NOW_US))
    else:
        fault_matrix.check(name, case)


def _scrub(cell: Cell) -> None:
    cell.record()
    done: Scrubbed = scrub(cell.world.database, [cell.world.root], FULL_RATE, threading.Event(), LocalTier(cell.disk))
    cell.disk.restore()
    cell.assert_untouched()
    assert done.whole
    answer = cell.world.coverage(AT_US, AT_US + 31 * SECOND_US, NOW_US)
    assert_partition(answer)
    missing = [gap for gap in answer.gaps if gap.cause is Cause.MISSING]
    harmless = not cell.disk.has_struck or cell.disk.read_fault in ("short read", "slow")
    if harmless:
        assert done.segments == 4 and done.filled == 1 and not done.bad
    elif not missing and cell.disk.read_fault not in ("flipped", "gone"):
        cell.assert_named("\n".join(f"{path} {reason}" for path, reason in done.bad) + cell.log.text)
    if cell.disk.read_fault == "flipped" and not done.bad:
        # In what is not compared: the index in a tail, of which only the hash is wanted.
        assert done.segments == 4
    if cell.disk.read_fault != "EIO for good":
        assert done.segments >= 3, "one file cost others"
    assert len(missing) == (cell.disk.read_fault == "gone" and done.segments == 3)


def _check(cell: Cell, *, hashes: bool) -> None:
    cell.record()
    stranger = cell.world.root.path / "notes.txt"
    stranger.write_text("mine")
    found = check(cell.world.database, [cell.world.root], hashes=hashes, tier=LocalTier(cell.disk))
    findings = [each for each in found if isinstance(each, CheckFinding)]
    cell.disk.restore()
    cell.assert_untouched()
    fault = cell.disk.read_fault
    allowed = {CheckKind.UNREADABLE}
    if fault == "flipped":
        allowed = {CheckKind.HASH, CheckKind.UNREADABLE, CheckKind.HOLES}
    elif fault == "truncated":
        allowed |= {CheckKind.SIZE}
    elif fault == "gone":
        allowed |= {CheckKind.MISSING}
    more = [each for each in findings if each.path != stranger]
    assert {each.kind for each in more} <= allowed, findings
    harmless = not cell.disk.has_struck or fault in ("short read", "slow", *DESTROYS, "flipped")
    if not harmless:
        cell.assert_named("\n".join(f"{each.path} {each.text}" for each in findings))
    elif fault in ("short read", "slow"):
        assert not more
    is_stranger = cell.disk.path == stranger
    if fault != "EIO for good" and not is_stranger and CheckKind.UNREADABLE not in {each.kind for each in more}:
        assert stranger in {each.path for each in findings}


def _rebuild(cell: Cell) -> None:
    cell.record()
    part = cell.world.part(AT_US + 40 * SECOND_US, [8, 9, 10], row=False)
    truth = cell.world.coverage(AT_US, AT_US + 40 * SECOND_US, NOW_US)
    database = Database(cell.world.folder / "new.db")
    database.migrate()
    try:
        *_, progress = rebuild(database, [cell.world.root], files=cell.disk)
    except OSError:
        # The root itself can't be listed: no catalogue is better than an empty one.
        assert cell.disk.has_struck and cell.disk.read_steps[cell.disk.read_at - 1] == "names"
        return
    finally:
        cell.disk.restore()
        cell.world.database.close()
        cell.world.database = database
    cell.disk.tidy(cell.world.root.path)
    for path, data in cell.files.items():
        assert path.read_bytes() == data, f"{path} was touched"
    if progress.entered == 0:
        assert progress.unreadable and cell.disk.read_fault != "gone"
        return
    answer = cell.world.coverage(AT_US, AT_US + 42 * SECOND_US, NOW_US)
    if cell.is_destroyed:
        return
    recorded = {(a, b) for a, b in answer.spans}
    denied = [gap for gap in answer.gaps if gap.cause is Cause.MISSING and _was_recorded(gap, truth.spans)]
    assert not denied, f"said to be missing: {denied}"
    if progress.unreadable:
        cell.assert_named(cell.log.text)
        assert cell.disk.read_fault not in ("short read", "slow")
    elif cell.disk.read_fault != "flipped":
        assert (progress.entered, progress.left_alone) == (5, 0)
        assert recorded >= set(map(tuple, truth.spans))
    assert part.exists() or part.with_name(part.name.replace(".part", "")).exists()


def _was_recorded(gap: Gap, spans: Sequence[tuple[int, int]]) -> bool:
    return any(a < gap.end_us and b > gap.start_us for a, b in spans)


# What is adopted was hashed by nobody yet: a bit that flips as it is read can't be noticed.
NOT_HASHED = ("start", "backlog")
OPERATIONS: dict[str, Callable[[Cell], None]] = {
    "start": _start,
    "backlog": _backlog,
    "delete": _delete,
    "scrub": _scrub,
    "check": lambda cell: _check(cell, hashes=False),
    "check --hashes": lambda cell: _check(cell, hashes=True),
    "rebuild": _rebuild,
}


def faults(operation: str) -> list[ReadFault]:
    """Those whose outcome is certain."""
    return [fault for fault in READ_FAULTS if fault != "flipped" or operation not in NOT_HASHED]


def run_cell(operation: str, at: int, fault: ReadFault, base: Path) -> Cell:
    """Runs one cell and asserts what must be so."""
    folder = Path(tempfile.mkdtemp(dir=base))
    world = World(folder)
    cell = Cell(world, FaultyReads(at, fault))
    logger = logging.getLogger("storage")
    logger.addHandler(cell.log)
    try:
        OPERATIONS[operation](cell)
        return cell
    finally:
        logger.removeHandler(cell.log)
        world.close()
        shutil.rmtree(folder)


def cells(
    operation: str, fault: ReadFault, base: Path, *, first: int = 1, every: int = 1
) -> tuple[Counter[str], list[str]]:
    """Runs the fault at step ``first`` and at each ``every``-th after it; counts, and what failed."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    most = len(run_cell(operation, 0, "none", base).disk.read_steps)
    every = min(every, max(1, most // 4))
    at = min(first, every)
    while at <= most:
        try:
            cell = run_cell(operation, at, fault, base)
            counts["runs"] += cell.disk.has_struck
            if cell.disk.has_struck:
                counts[cell.disk.read_steps[at - 1]] += 1
        except Exception as error:
            failures.append(f"{operation}, {fault} at step {at}: {type(error).__name__} {error}"[:600])
        at += every
    return counts, failures


def main() -> None:
    """Prints how many cells there are, and what fails."""
    base = fault_matrix.scratch()
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        for operation in OPERATIONS:
            for fault in faults(operation):
                counts, failures = cells(operation, fault, base)
                print(f"{operation:<16}{fault:<14}{dict(counts)}", *failures, sep="\n    ", flush=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
