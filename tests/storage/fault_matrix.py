"""Every fault at every step of every operation that changes a disk; after each, a restart and the invariants.

``python -m tests.storage.fault_matrix`` prints the table; the tests run the same cells.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from storage.catalogue import facts
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.disk.roots import register
from storage.errors import StorageError
from storage.format.spare import spare_head
from storage.intervals import clip, subtract
from storage.recovery.backlog import Backlog
from storage.retention import deleting as garbage
from storage.retention.applying import apply
from storage.retention.plan import Candidate, Deletion
from storage.tiers.local import LocalTier
from storage.writing.disk_writer import DiskWriter
from tests.storage import mp4
from tests.storage.faulty_files import FAULTS, Fault, FaultyDatabase, FaultyFiles, Kill
from tests.storage.world import (
    CAMERA,
    NODE,
    T0_US,
    InlineCatalogue,
    Recorder,
    World,
    add_camera,
    assert_consistent,
    assert_partition,
    later_s,
)

SECOND_US = 1_000_000
NOW_US = T0_US + 600 * SECOND_US


@dataclass
class Case:
    """One run of an operation. ``promised``: footage that must be there afterwards; ``foreign``: files that nobody may
    touch."""

    world: World
    files: FaultyFiles
    database: FaultyDatabase
    keep: int | None = None
    promised: list[tuple[int, int]] = field(default_factory=list)
    foreign: dict[Path, bytes] = field(default_factory=dict)
    recorder: Recorder | None = None
    given: int = 0
    cameras: tuple[str, ...] = (CAMERA,)
    promised_beside: list[tuple[int, int]] = field(default_factory=list)


Operation = Callable[[Case], None]
BESIDE = "cam-beside"


def record(case: Case) -> None:
    """Create, append, rotate, append, close: three segments of one run."""
    catalogue = InlineCatalogue(case.database, case.keep)
    writer = DiskWriter(case.world.root, catalogue, sync_interval_s=0.0, files=case.files)
    recorder = case.recorder = Recorder(case.world, writer, catalogue, T0_US + 10 * SECOND_US)
    try:
        recorder.begin()
        for number, rotated in enumerate((True, True, False)):
            # Frames are lost within the second segment, and at its end.
            recorder.append("network" if number == 1 else None)
            recorder.append("camera" if number == 1 else None)
            if rotated and not recorder.ended:
                recorder.rotate()
        recorder.close()
        recorder.end(Cause.SERVER_DOWN)
        for turn in range(2):
            # What broke is tried again while the process lives.
            now_s = later_s(turn)
            for _ in recorder.handles:
                writer.salvage.poll(now_s)
    finally:
        case.given = catalogue.given
        lost_power = case.files.fault.startswith("power") and case.files.dead
        for handle in recorder.handles:
            untrusted = lost_power or case.files.failed_syncs
            end_us = handle.synced_until_us if untrusted else handle.written_until_us
            case.promised += subtract(handle.head.start_us, end_us, recorder.lost)


def record_together(case: Case) -> None:
    """Two cameras whose segments grow at the same time and are synced by one call."""
    catalogue = InlineCatalogue(case.database, case.keep)
    writer = DiskWriter(case.world.root, catalogue, sync_interval_s=0.0, files=case.files, sync_together=1)
    start_us = T0_US + 10 * SECOND_US
    case.recorder = Recorder(case.world, writer, catalogue, start_us)
    beside = Recorder(case.world, writer, catalogue, start_us, camera=BESIDE)
    with case.world.database.write() as conn:
        add_camera(conn, BESIDE)
    case.cameras = (CAMERA, BESIDE)
    try:
        for recorder in (case.recorder, beside):
            recorder.begin()
        for _ in range(2):
            for recorder in (case.recorder, beside):
                recorder.append()
        for recorder in (case.recorder, beside):
            recorder.close()
            recorder.end(Cause.SERVER_DOWN)
        for turn in range(2):
            now_s = later_s(turn)
            for _ in case.cameras:
                writer.salvage.poll(now_s)
    finally:
        case.given = catalogue.given
        untrusted = case.files.failed_syncs or (case.files.fault.startswith("power") and case.files.dead)
        for recorder, promised in ((case.recorder, case.promised), (beside, case.promised_beside)):
            for handle in recorder.handles:
                promised.append(
                    (handle.head.start_us, handle.synced_until_us if untrusted else handle.written_until_us)
                )


def record_spares(case: Case) -> None:
    """A camera that sends a frame now and then: each fragment stands in its file as a spare before it is whole, also
    the first of a segment."""
    catalogue = InlineCatalogue(case.database, case.keep)
    writer = DiskWriter(case.world.root, catalogue, sync_interval_s=0.0, files=case.files)
    recorder = case.recorder = Recorder(case.world, writer, catalogue, T0_US + 10 * SECOND_US)
    try:
        recorder.begin()
        recorder.keep()
        recorder.append()
        recorder.keep()
        recorder.append()
        recorder.rotate()
        recorder.keep()
        recorder.append()
        recorder.keep()
        recorder.append()
        recorder.close()
        recorder.end(Cause.SERVER_DOWN)
        for turn in range(2):
            now_s = later_s(turn)
            for _ in recorder.handles:
                writer.salvage.poll(now_s)
    finally:
        untrusted = case.files.failed_syncs or (case.files.fault.startswith("power") and case.files.dead)
        for handle in recorder.handles:
            case.promised.append(
                (handle.head.start_us, handle.synced_until_us if untrusted else handle.written_until_us)
            )
        case.promised += recorder.synced if untrusted else recorder.kept


def start(case: Case) -> None:
    """A start that finds: unfinished segments (whole, with a spare, cut off, with a tail, without a picture, empty), a
    closed one without a row, garbage, a growing row without a file, a foreign and a damaged file."""
    world = case.world
    at = T0_US + 10 * SECOND_US
    newest = mp4.fragment(15)[0]
    world.part(at + 5 * SECOND_US, [14], extra=spare_head(newest) + newest + newest[:60])
    whole = world.part(at, [0, 1, 2])
    cut = world.part(at + 10 * SECOND_US, [3, 4], extra=mp4.fragment(5)[0][:-9])
    world.part(at + 20 * SECOND_US, [6, 7], closed=True)
    world.part(at + 30 * SECOND_US, [])
    world.part(at + 40 * SECOND_US, [8, 9], row=False, final_name=True)
    world.part(at + 50 * SECOND_US, [10, 11], row=True).unlink()
    world.part(at + 60 * SECOND_US, [12], final_name=True, row=False, enter=True)
    with world.database.write() as conn:
        gone = Key(CAMERA, at + 60 * SECOND_US, NODE, 1)
        facts.resume(conn, CAMERA, at)
        for second in (1.5, 11, 21, 30, 41, 51):
            start_us = at + round(second * 1e6)
            facts.set_cause(conn, CAMERA, start_us, Cause.STALLED, {}, node=NODE, epoch=1)
            if second != 51:
                facts.resume(conn, CAMERA, at + round(second + 9) // 10 * 10 * SECOND_US)
        facts.resume(conn, CAMERA, at + 60 * SECOND_US)
        garbage.discard(conn, [gone], cause=Cause.DELETED, detail={"person": "x"}, now_us=NOW_US)
    empty = whole.with_name("59-59.000Z.1-n1.part.mp4")
    empty.write_bytes(b"")
    foreign = {whole.with_name("notes.txt"): b"mine", whole.with_name("holiday.mp4"): b"not a segment"}
    foreign[whole.with_name("58-00.000Z.1-n1.part.mp4")] = whole.read_bytes()[:300]
    foreign[whole.with_name("57-00.000Z.1-n1.part.mp4")] = cut.read_bytes()
    for path, data in foreign.items():
        path.write_bytes(data)
    case.foreign = foreign
    case.promised = [
        (at + a * SECOND_US, at + a * SECOND_US + n * mp4.FRAGMENT_US)
        for a, n in ((0, 3), (5, 2), (10, 2), (20, 2), (40, 2))
    ]
    world.reconcile(NOW_US, files=case.files, database=case.database)


def backlog(case: Case) -> None:
    """A start that leaves its unfinished segments for later, and a recorder that records meanwhile."""
    world = case.world
    at = T0_US + 10 * SECOND_US
    world.part(at, [0, 1, 2])
    world.part(at + 10 * SECOND_US, [3, 4], extra=mp4.fragment(5)[0][:-9])
    world.part(at + 20 * SECOND_US, [6, 7], closed=True)
    world.part(at + 30 * SECOND_US, [])
    world.part(at + 40 * SECOND_US, [8, 9], row=True).unlink()
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, at)
        for second in (1.5, 11, 21, 30):
            facts.set_cause(conn, CAMERA, at + round(second * 1e6), Cause.STALLED, {}, node=NODE, epoch=1)
            facts.resume(conn, CAMERA, at + round(second + 9) // 10 * 10 * SECOND_US)
    case.promised = [
        (at + a * SECOND_US, at + a * SECOND_US + n * mp4.FRAGMENT_US) for a, n in ((0, 3), (10, 2), (20, 2))
    ]
    late = Backlog(case.database, case.files)
    world.reconcile(T0_US + 100 * SECOND_US, files=case.files, database=case.database, backlog=late, patience_s=-1.0)
    catalogue = InlineCatalogue(case.database)
    writer = DiskWriter(world.root, catalogue, sync_interval_s=0.0, files=case.files)
    recorder = case.recorder = Recorder(world, writer, catalogue, T0_US + 120 * SECOND_US, epoch=9)
    try:
        recorder.begin()
        late.settle_one(world.root.id)
        recorder.append()
        for _ in range(3):
            late.settle_one(world.root.id)
        recorder.close()
        recorder.end(Cause.SERVER_DOWN)
        for _ in range(6):
            late.settle_one(world.root.id)
        now_s = later_s()
        for _ in recorder.handles:
            writer.salvage.poll(now_s)
        if not case.files.struck or case.files.fault == "EIO":
            assert not late.keys(), "the backlog is not worked off"
    finally:
        lost_power = case.files.fault.startswith("power") and case.files.dead
        for handle in recorder.handles:
            untrusted = lost_power or case.files.failed_syncs
            case.promised.append(
                (handle.head.start_us, handle.synced_until_us if untrusted else handle.written_until_us)
            )


def delete(case: Case) -> None:
    """Retention gives up two of four segments."""
    world = case.world
    deletions = []
    at = T0_US + 10 * SECOND_US
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, at)
        facts.set_cause(conn, CAMERA, at + 4 * SECOND_US, Cause.STALLED, {}, node=NODE, epoch=1)
    for number in range(4):
        start_us = at + number * SECOND_US
        path = world.part(start_us, [2 * number, 2 * number + 1], final_name=True, enter=True)
        if number in (0, 2):
            size = path.stat().st_size
            candidate = Candidate(Key(CAMERA, start_us, NODE, 1), start_us + SECOND_US, size, world.root.id)
            deletions.append(Deletion(candidate, "max_age"))
        else:
            case.promised.append((start_us, start_us + SECOND_US))
    apply(case.database, deletions, now_us=NOW_US, tier=LocalTier(case.files))


def roots(case: Case) -> None:
    """A second root is taken into use."""
    paths = [case.world.root.path, case.world.folder / "second"]
    with case.database.write() as conn:
        register(conn, paths, files=case.files)


OPERATIONS: dict[str, Operation] = {
    "record": record,
    "together": record_together,
    "spares": record_spares,
    "start": start,
    "backlog": backlog,
    "delete": delete,
    "roots": roots,
}


def run_case(operation: str, at: int, fault: Fault, base: Path, *, keep: int | None = None) -> tuple[Case, bool]:
    """Runs one cell and asserts the invariants; says whether the operation has so many steps."""
    folder = Path(tempfile.mkdtemp(dir=base))
    world = World(folder)
    files = FaultyFiles(at, fault)
    case = Case(world, files, FaultyDatabase(folder / "catalogue.db", files), keep)
    try:
        try:
            OPERATIONS[operation](case)
        except (Kill, OSError, sqlite3.Error, StorageError):
            assert files.struck or keep is not None
        if not files.dead:
            # Whatever it survived, now it is killed.
            with_fault, files.fault = files.fault, "kill before"
            try:
                files.die()
            except Kill:
                files.fault = with_fault
        case.database.close()
        if fault in ("kill, later power", "EIO, kill, power"):
            world.reopen()
            files.revive()
            if operation == "roots":
                with world.database.write() as conn:
                    world.roots = register(conn, [world.root.path, folder / "second"], files=files)
            world.reconcile(NOW_US, files=files)
            files.fault = "power, names kept"
            files.lose_power()
        files.tidy(world.root.path)
        world.reopen()
        check(operation, case)
        return case, len(files.steps) >= at
    finally:
        world.close()
        shutil.rmtree(folder)


def check(operation: str, case: Case) -> None:
    """A healthy restart, and what must be so after it."""
    world = case.world
    if operation == "roots":
        with world.database.write() as conn:
            world.roots = register(conn, [world.root.path, world.folder / "second"])
    report = world.reconcile(NOW_US)
    assert_consistent(world, report, case.cameras)
    for path, data in case.foreign.items():
        assert path.read_bytes() == data, f"{path} was touched"
        assert str(path) in report.foreign
    answer = world.coverage(T0_US - 60 * SECOND_US, NOW_US + SECOND_US, NOW_US)
    assert_partition(answer)
    for a, b in case.promised:
        if a < b:
            assert any(s <= a and b <= e for s, e in answer.spans), (
                f"[{a - T0_US}, {b - T0_US}) is lost: {answer.spans}"
            )
    if BESIDE in case.cameras:
        beside = world.coverage(T0_US, NOW_US + SECOND_US, NOW_US, BESIDE)
        assert_partition(beside)
        for a, b in case.promised_beside:
            assert a >= b or any(s <= a and b <= e for s, e in beside.spans), (
                f"beside: {a}, {b} is lost: {beside.spans}"
            )
    if operation == "backlog" and case.recorder is not None:
        assert answer.recorded_us <= 7 * mp4.FRAGMENT_US + case.recorder.number * mp4.FRAGMENT_US, (
            "more than was recorded"
        )
    if operation in ("start", "backlog"):
        most_us = sum(b - a for a, b in case.promised)
        if operation == "start":
            assert answer.recorded_us == most_us, "more than was recorded"
        missing = [gap for gap in answer.gaps if gap.cause is Cause.MISSING]
        assert [gap.end_us - gap.start_us for gap in missing] == [2 * mp4.FRAGMENT_US]
    if operation in ("record", "together") and case.recorder is not None:
        lost = case.recorder.lost
        assert answer.recorded_us <= (case.recorder.number - len(lost)) * mp4.FRAGMENT_US, "more than was recorded"
        assert not [span for a, b in lost for span in clip(answer.spans, a, b)], "what was lost is footage"
    if operation == "spares" and case.recorder is not None:
        until_us = max(case.recorder.until_us, case.recorder.keeping.end_us if case.recorder.keeping else 0)
        assert answer.recorded_us <= until_us - case.recorder.start_us, "more than was recorded"
    if operation == "delete":
        pruned = sum(gap.end_us - gap.start_us for gap in answer.gaps if gap.cause is Cause.PRUNED)
        assert answer.recorded_us + pruned == 4 * SECOND_US
    again = world.reconcile(NOW_US + SECOND_US)
    assert (again.adopted, again.entered, again.missing, again.unlinked) == (0, 0, 0, 0), "a second start found work"
    later = world.coverage(T0_US - 60 * SECOND_US, NOW_US + SECOND_US, NOW_US)
    assert [(g.start_us, g.end_us, g.cause) for g in later.gaps] == [
        (g.start_us, g.end_us, g.cause) for g in answer.gaps
    ]


def steps_of(operation: str, base: Path) -> list[str]:
    """The steps of a run without a fault."""
    case, _ = run_case(operation, 0, "none", base)
    return case.files.steps


def cells(
    operation: str, fault: Fault, base: Path, *, first: int = 1, every: int = 1
) -> tuple[Counter[str], list[str]]:
    """Runs the fault at every step, or from step ``first`` on at each ``every``-th; counts, and what failed. A run in
    which the fault makes more steps is followed to its end."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    most = 3 * len(steps_of(operation, base))
    for at in range(first, most + 1, every):
        keeps: list[int | None] = [None]
        reached = False
        while keeps:
            keep = keeps.pop()
            try:
                case, has_step = run_case(operation, at, fault, base, keep=keep)
                reached |= has_step
                if keep is None and operation in ("record", "together") and case.files.dead and case.given:
                    # The same death with fewer and fewer of the catalogue's operations done.
                    keeps = list({0, case.given // 2, case.given - 1})
                if case.files.struck:
                    counts["runs"] += 1
                    counts[case.files.steps[at - 1]] += 1
            except Exception as error:
                reached = True
                counts["failed"] += 1
                failures.append(f"{operation}, {fault} at step {at}, keep {keep}: {type(error).__name__} {error}"[:400])
        if not reached:
            break
    return counts, failures


def table(rows: dict[tuple[str, str], Counter[str]]) -> str:
    """Runs by operation and fault."""
    operations = list(OPERATIONS)
    lines = [f"{'fault':<18}" + "".join(f"{operation:>10}" for operation in operations)]
    for fault in FAULTS:
        line = f"{fault:<18}"
        for operation in operations:
            counts = rows.get((operation, fault), Counter())
            failed = f"!{counts['failed']}" if counts["failed"] else ""
            line += f"{str(counts['runs']) + failed:>10}"
        lines.append(line)
    total = sum(counts["runs"] for counts in rows.values())
    lines.append(f"{total} runs, {sum(counts['failed'] for counts in rows.values())} failed")
    return "\n".join(lines)


def scratch() -> Path:
    """Where the runs happen: in memory if possible, since it is the order of steps that counts, not their speed."""
    shm = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="nvr-faults-", dir=shm if shm.is_dir() else None))


def main() -> int:
    logging.disable(logging.CRITICAL)
    base = scratch()
    began = time.monotonic()
    rows: dict[tuple[str, str], Counter[str]] = {}
    failures: list[str] = []
    try:
        for operation in OPERATIONS:
            if sys.argv[1:] and operation not in sys.argv[1:]:
                continue
            print(f"{operation}: {len(steps_of(operation, base))} steps without a fault")
            for fault in FAULTS:
                rows[operation, fault], failed = cells(operation, fault, base)
                failures += failed
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(table(rows))
    print(f"{time.monotonic() - began:.0f} s")
    for failure in failures[:30]:
        print("FAILED", failure)
    return bool(failures)


if __name__ == "__main__":
    raise SystemExit(main())
