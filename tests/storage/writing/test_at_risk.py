"""When syncs begin: in time for the oldest frame, from its arrival on, however long it was kept before it was written
and however long syncs take."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from storage.writing import at_risk
from storage.writing.at_risk import AtRisk, Risk
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.storage import mp4
from tests.storage.world import T0_US, InlineCatalogue, World
from tests.storage.writing.test_writers import Together, close, open_segment
from tests.support.waiting import until

INTERVAL_S = 60.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def append(writer: DiskWriter, handle: SegmentHandle, number: int, age_s: float) -> None:
    raw, fragment = mp4.fragment(number)
    end_us = handle.head.start_us + (number + 1) * mp4.FRAGMENT_US
    assert writer.append(handle, [raw], fragment, end_us, time.monotonic() - age_s)


def syncs_soon(files: Together) -> bool:
    """Within some looks for what is due."""
    before = files.calls + len(files.singly)
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline and files.calls + len(files.singly) == before:
        time.sleep(0.01)  # sleep: between two looks
    return files.calls + len(files.singly) > before


@pytest.mark.parametrize("together", [1, 100])
def test_a_sync_begins_by_the_age_of_the_oldest_frame(world: World, together: int) -> None:
    """By the arrival of what it is to save, not by when that was written; sooner where frames waited in sockets."""
    files = Together()
    writer = DiskWriter(
        world.root, InlineCatalogue(world.database), sync_interval_s=INTERVAL_S, files=files, sync_together=together
    )
    # So that each look comes at once.
    writer._syncing.poll_s = 0.0
    writer.start()
    handle = open_segment(writer)
    append(writer, handle, 0, 1.0)
    assert not syncs_soon(files), "it has nearly a minute"
    writer.at_risk.unread_s = 0.6 * INTERVAL_S
    append(writer, handle, 1, 25.0)
    until(lambda: files.calls or files.singly)
    until(lambda: handle.synced_until_us == T0_US + 2 * mp4.FRAGMENT_US)
    risk = writer.at_risk.measure(None)
    assert risk.oldest_s == 0 and risk.worst_s >= 25 + 0.6 * INTERVAL_S
    close(writer, handle, 2)
    assert writer.stop(10)


def test_a_slow_disk_is_synced_sooner(world: World) -> None:
    """The next sync begins by how long the last one took."""
    files = Together()
    writer = DiskWriter(
        world.root, InlineCatalogue(world.database), sync_interval_s=INTERVAL_S, files=files, sync_together=1
    )
    writer._syncing.poll_s = 0.0
    writer.start()
    handle = open_segment(writer)
    writer._syncing._takes_s = 0.35 * INTERVAL_S
    append(writer, handle, 0, 0.45 * INTERVAL_S)
    until(lambda: files.calls)
    # And what it has learnt is forgotten only by and by.
    assert writer._syncing._takes_s > 0.2 * INTERVAL_S
    close(writer, handle, 1)
    assert writer.stop(10)


def test_what_is_not_safe_is_told_wherever_it_waits(world: World) -> None:
    """In the queue, on the disk without a sync, in a sync, and in a close."""
    files = Together()
    files.go.clear()
    writer = DiskWriter(
        world.root, InlineCatalogue(world.database), sync_interval_s=INTERVAL_S, files=files, sync_together=1
    )
    writer._syncing.poll_s = 0.0
    handle = open_segment(writer)
    append(writer, handle, 0, 20.0)
    assert writer.at_risk.measure(None).oldest_s >= 20, "queued"
    writer.start()
    until(lambda: not writer.queued_bytes)
    assert writer.at_risk.measure(None).oldest_s >= 20, "written"
    writer.at_risk.unread_s = 0.8 * INTERVAL_S
    until(files.entered.is_set)
    writer.at_risk.unread_s = 0.0
    append(writer, handle, 1, 0.0)
    time.sleep(0.05)  # sleep: time enough to say so too early
    assert writer.at_risk.measure(None).oldest_s >= 20, "being synced"
    files.go.set()
    until(lambda: writer.at_risk.measure(None).oldest_s < 20)
    assert writer.at_risk.measure(None).worst_s >= 20
    gate = threading.Event()
    sync = files.sync
    files.sync = lambda fd: (gate.wait(60), sync(fd))[1]  # type: ignore[method-assign]
    close(writer, handle, 2)
    until(lambda: not writer._jobs)
    assert writer.at_risk.measure(None).oldest_s > 0, "being closed"
    gate.set()
    until(lambda: handle.done)
    until(lambda: writer.at_risk.measure(None).oldest_s == 0)
    assert writer.at_risk.measure(time.monotonic() - 3).oldest_s >= 3, "in the muxer"
    assert writer.stop(10)


def test_the_catalogue_is_told_of_the_worst(world: World) -> None:
    now_us = T0_US
    with world.database.write() as conn:
        at_risk.put(
            conn, 1, [("a", Risk(1.0, 4.0, 0.1, 10, 0, 5.0)), ("b", Risk(0.5, 2.0, 0.2, 3, 0, 5.0))], at_us=now_us
        )
        at_risk.put(conn, 2, [("a", Risk(2.0, 6.0, 0.3, 5, 2, 5.0))], at_us=now_us)
    with world.database.read() as conn:
        found = at_risk.by_root(conn, now_us=now_us + 1_000_000)
        assert found == {"a": Risk(2.0, 6.0, 0.3, 15, 2, 5.0), "b": Risk(0.5, 2.0, 0.2, 3, 0, 5.0)}
        hanging = at_risk.by_root(conn, now_us=now_us + 20_000_000)
        assert hanging["a"].oldest_s == 22.0, "who is silent loses more with each second"
        assert at_risk.by_root(conn, now_us=now_us + 120_000_000) == {}
    with world.database.write() as conn:
        # One was killed, and what it left was adopted.
        at_risk.keep_only(conn, {1, 77})
        assert at_risk.by_root(conn, now_us=now_us + 20_000_000)["a"].worst_s == 4.0


def test_the_worst_is_forgotten_after_five_minutes() -> None:
    risk = AtRisk(5.0)
    risk.safe(100.0, 107.0)
    risk.safe(200.0, 203.0)
    assert risk.measure(None, 210.0).worst_s == 7.0 and risk.measure(None, 210.0).late == 1
    assert risk.measure(None, 450.0).worst_s == 3.0
    assert risk.measure(None, 900.0).worst_s == 0.0


def test_of_a_slow_disk_one_call_is_under_way_at_a_time(world: World) -> None:
    """However much becomes due meanwhile: each call does what the others would."""

    class Slow(Together):
        under_way = most = 0

        def sync_disk(self, fd: int) -> None:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            super().sync_disk(fd)
            self.under_way -= 1

    files = Slow()
    files.go.clear()
    writer = DiskWriter(
        world.root, InlineCatalogue(world.database), sync_interval_s=INTERVAL_S, files=files, sync_together=2
    )
    writer._syncing.poll_s = 0.0
    writer.at_risk.unread_s = 0.9 * INTERVAL_S
    writer.start()
    handles = [open_segment(writer, T0_US + number * 5_000_000) for number in range(12)]
    for number, handle in enumerate(handles):
        append(writer, handle, 0, 25.0)
        if number % 3 == 2:
            assert files.entered.wait(60)
            until(lambda: not writer.queued_bytes)
            time.sleep(0.02)  # sleep: time enough to begin another sync wrongly
    assert files.most == 1
    files.go.set()
    until(lambda: all(handle.synced_until_us > handle.head.start_us for handle in handles))
    # The very first one was alone.
    assert files.most == 1 and len(files.singly) <= 1
    for handle in handles:
        close(writer, handle, 1)
    assert writer.stop(10)
