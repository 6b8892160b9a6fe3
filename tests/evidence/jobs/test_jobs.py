"""The server's exports: made in order, resumed, cancelled, refused when they don't fit, deleted after their time; and
their footage held meanwhile."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvr.cases import cases, export_queue, exports, requests
from nvr.cases.exports import Export
from nvr.cases.requests import RequestState
from nvr.evidence.jobs import exporter as jobs
from nvr.evidence.jobs.exporter import Exporter, ExportSettings
from nvr.evidence.jobs.priority import ExportPace
from nvr.evidence.making.planning import package_name
from nvr.evidence.package.request import ExportRequest, new_export_id
from nvr.evidence.seal.keys import KeyFolder
from nvr.evidence.seal.signing import Signer
from nvr.evidence.verify import verify
from storage.catalogue import audit
from storage.integrity import audit_log as audit_check
from storage.retention import holds
from tests.evidence.made import request_of
from tests.playback.footage import START_US, Studio
from tests.playback.frames import encode
from tests.support.people import person
from tests.support.waiting import until

NOW_US = START_US + 10**9


class Desk:
    """A catalogue with 12 s of footage in three segments, an exporter, and what it is told to do."""

    def __init__(self, studio: Studio, folder: Path, signer: Signer) -> None:
        self.studio = studio
        self.run = studio.record(encode("h264", 120, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
        self.folder = folder / "exports"
        self.keys = KeyFolder(folder / "keys", "Test")
        self.keys.supply(signer.key_pem(), signer.certificate.der)
        self.ending = threading.Event()

    def exporter(self, *, budget: int = 10**9, keep_us: int = 10**9, rate: int = 10**9) -> Exporter:
        settings = ExportSettings(
            catalogue=str(self.studio.database.path), keys=str(self.keys.path), exports=str(self.folder), name="Test",
            node="n1", zone="Asia/Jakarta", version="0", budget_bytes=budget, keep_us=keep_us, rate_bytes_per_s=rate,
        )  # fmt: skip
        return Exporter(settings, self.ending)

    def ask(self, start_us: int | None = None, end_us: int | None = None) -> str:
        id_ = new_export_id()
        request = request_of(start_us or self.run.start_us, end_us or self.run.end_us).to_json() | {"id": id_}
        with self.studio.database.write() as conn:
            export_queue.queue(conn, id_, request, by=person("ines"), now_us=time.time_ns() // 1000)
        return id_

    def find(self, id_: str) -> Export:
        with self.studio.database.read() as conn:
            found = exports.find(conn, id_)
        assert found is not None
        return found

    def is_held(self) -> bool:
        key = self.run.parts[0].key
        with self.studio.database.read() as conn:
            return holds.keeps(conn, key.camera, key.start_us, self.run.parts[0].end_us)


@pytest.fixture
def desk(studio: Studio, tmp_path: Path, signer: Signer) -> Iterator[Desk]:
    yield Desk(studio, tmp_path, signer)


def test_made_held_meanwhile_and_valid(desk: Desk, signer: Signer) -> None:
    id_ = desk.ask()
    assert desk.find(id_).state == "queued"
    assert desk.is_held()
    with desk.studio.database.write() as conn, pytest.raises(sqlite3.IntegrityError, match="legal hold"):
        conn.execute("DELETE FROM segment")
    assert desk.exporter().work()
    job = desk.find(id_)
    assert (job.state, job.done_bytes, job.reason) == ("done", job.total_bytes, None)
    assert not desk.is_held()
    assert job.folder is not None
    report = verify(desk.folder / job.folder, [signer.certificate])
    assert report.outcome == "valid"
    assert report.about["id"] == id_
    assert not desk.exporter().work()
    with desk.studio.database.read() as conn:
        actions = [entry.action for entry in audit.entries(conn)]
        assert not audit_check.verify(conn).faults
    assert actions.count("export_made") == actions.count("export_done") == 1


def later(exporter: Exporter) -> Exporter:
    """Two minutes on: whoever decided is not at it any more."""
    exporter._now_us = lambda: time.time_ns() // 1000 + 120_000_000
    return exporter


def test_what_a_crash_left_unheld_is_held_before_it_is_made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_queue, "_SLICE", 0)
    id_ = desk.ask()
    monkeypatch.undo()
    assert not desk.is_held() and not desk.find(id_).is_held
    assert not desk.exporter().work(), "it is whoever queued it who holds"
    assert later(desk.exporter()).work()
    assert desk.is_held() and desk.find(id_).is_held
    assert desk.find(id_).state == "queued"
    export_queue.hold_all(desk.studio.database, id_)
    assert desk.exporter().work()
    assert desk.find(id_).state == "done"
    with desk.studio.database.read() as conn:
        made = [entry for entry in audit.entries(conn) if entry.action in ("hold_placed", "export_made")]
    assert [entry.action for entry in reversed(made)] == ["hold_placed", "export_made"]
    assert desk.find(id_).request["audit_entry"].startswith(f"{made[0].seq}:")


def test_a_crash_in_the_middle_of_a_cases_holds_is_made_up_for(desk: Desk) -> None:
    by, now_us = person("anna"), time.time_ns() // 1000
    key = desk.run.parts[0].key
    with desk.studio.database.write() as conn:
        case = cases.open_case(conn, number="1", legal_basis="KUHAP", title="", by=by, now_us=now_us)
        for number in range(3):
            asked = requests.ask(
                conn, case.id, [key.camera], desk.run.start_us, desk.run.end_us, purpose="x", by=by, now_us=now_us
            )
            requests.decide(
                conn, asked.id, RequestState.REFUSED, reason="no", by=by, now_us=now_us, second_person=False,
                release=number == 0,
            )  # fmt: skip
        cases.close(conn, case.id, reason="over", release=True, by=by, now_us=now_us)
    assert desk.is_held()
    thread = threading.Thread(target=later(desk.exporter()).run)
    thread.start()
    until(lambda: not desk.is_held(), "the end of what holds it")
    desk.ending.set()
    thread.join(10)
    with desk.studio.database.read() as conn:
        found = {(one.released_by, one.release_reason) for one in holds.list_all(conn)}
        assert not audit_check.verify(conn).faults
    assert found == {("anna", "request refused: no"), ("anna", "case 1 closed: over")}


def test_ended_in_the_middle_and_gone_on_with(desk: Desk) -> None:
    id_ = desk.ask()
    exporter = desk.exporter(rate=10)
    thread = threading.Thread(target=exporter.run)
    thread.start()
    until(lambda: desk.find(id_).state == "running")
    desk.ending.set()
    thread.join(10)
    assert not thread.is_alive()
    job = desk.find(id_)
    assert (job.state, job.attempts) == ("queued", 1)
    assert desk.is_held()
    desk.ending.clear()
    assert desk.exporter().work()
    assert (desk.find(id_).state, desk.find(id_).attempts) == ("done", 2)


def test_killed_while_it_ran(desk: Desk) -> None:
    id_ = desk.ask()
    with desk.studio.database.write() as conn:
        assert exports.begin(conn, id_, 100, NOW_US)
    unwanted = desk.ask()
    with desk.studio.database.write() as conn:
        exports.cancel(conn, unwanted, by=person("ines"), now_us=NOW_US)
    left = package_name(ExportRequest.from_json(desk.find(unwanted).request))
    kept = {f"export-20200101T000000.000Z-{id_}", "export-20200101T000000.000Z-unknown"}
    for name in (f"{left}.part", *kept):
        (desk.folder / name).mkdir(parents=True)
    desk.ending.set()
    desk.exporter().run()
    assert desk.find(id_).state == "queued"
    assert {path.name for path in desk.folder.iterdir()} == kept
    desk.ending.clear()
    desk.exporter().work()
    assert desk.find(id_).state == "done"


def test_what_ends_the_process_again_and_again_is_given_up(desk: Desk) -> None:
    id_ = desk.ask()
    with desk.studio.database.write() as conn:
        for _ in range(exports.MOST_ATTEMPTS):
            exports.begin(conn, id_, 100, NOW_US)
            exports.put_back(conn)
    desk.exporter().work()
    job = desk.find(id_)
    assert job.state == "failed"
    assert job.reason is not None and "begun 5 times" in str(job.reason)
    assert not desk.is_held()


def test_cancelled(desk: Desk) -> None:
    waiting, running = desk.ask(), desk.ask()
    with desk.studio.database.write() as conn:
        assert exports.cancel(conn, waiting, by=person("ines"), now_us=NOW_US)
    assert desk.is_held()
    exporter = desk.exporter(rate=10)
    thread = threading.Thread(target=exporter.work)
    thread.start()
    until(lambda: desk.find(running).state == "running")
    with desk.studio.database.write() as conn:
        assert exports.cancel(conn, running, by=person("ines"), now_us=NOW_US)
        assert not exports.cancel(conn, running, by=person("ines"), now_us=NOW_US)
    # Its next look at its row comes with the next second of the pace.
    desk.ending.set()
    thread.join(10)
    assert not desk.is_held()
    assert {desk.find(waiting).state, desk.find(running).state} == {"cancelled"}
    desk.exporter().run()
    assert [path.name for path in desk.folder.iterdir()] == ["audit-heads"]


def test_what_does_not_fit_waits_or_is_refused(desk: Desk) -> None:
    whole = desk.ask()
    desk.exporter(budget=1_000_000).work()
    job = desk.find(whole)
    assert job.state == "failed"
    assert job.reason is not None and "budget" in str(job.reason)
    first, second = desk.ask(), desk.ask()
    budget = 2_130_000
    desk.exporter(budget=budget).work()
    assert desk.find(first).state == "done"
    assert not desk.exporter(budget=budget).work()
    job = desk.find(second)
    assert job.state == "queued"
    assert job.reason is not None and "waits for older exports" in str(job.reason)
    assert desk.is_held()
    assert desk.exporter().work()
    assert (desk.find(second).state, desk.find(second).reason) == ("done", None)


def test_a_full_disk_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = desk.ask()
    monkeypatch.setattr(jobs, "_SPARE_BYTES", 1 << 60)
    assert not desk.exporter().work()
    assert "disk" in str(desk.find(id_).reason)


def test_what_waits_is_not_planned_at_every_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = desk.ask(), desk.ask()
    exporter = desk.exporter(budget=2_130_000)
    planned: list[str] = []
    plan = jobs.plan_export

    def counting(database: Any, cache: Any, request: ExportRequest, **more: Any) -> Any:
        planned.append(request.id)
        return plan(database, cache, request, **more)

    monkeypatch.setattr(jobs, "plan_export", counting)
    for _ in range(5):
        exporter.work()
    assert sorted(planned) == sorted([first, second])
    with desk.studio.database.write() as conn:
        exports.expire(conn, first)
    # There is room now.
    assert exporter.work()
    assert desk.find(second).state == "done"


def test_nothing_recorded_and_a_key_that_others_can_read(desk: Desk) -> None:
    empty = desk.ask(START_US - 10**9, START_US - 10**8)
    desk.exporter().work()
    assert desk.find(empty).state == "failed"
    assert "nothing of the range was recorded" in str(desk.find(empty).reason)
    next(desk.keys.path.glob("*.pem")).chmod(0o644)
    id_ = desk.ask()
    desk.exporter().work()
    assert desk.find(id_).state == "failed"
    assert "chmod 600" in str(desk.find(id_).reason)


def test_deleted_after_its_time(desk: Desk) -> None:
    id_ = desk.ask()
    desk.exporter().work()
    folder = desk.folder / str(desk.find(id_).folder)
    desk.exporter().expire()
    assert folder.is_dir()
    desk.exporter(keep_us=-(10**9)).expire()
    assert not folder.exists()
    assert desk.find(id_).state == "expired"


def test_the_pace_gives_way_to_busy_disks_and_saves_nothing_up() -> None:
    waited: list[float] = []
    now = [100.0]

    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waited.append(timeout)
            now[0] += timeout
            return False

    busy = [0.0]
    pace = ExportPace(100, Ending(), clock=lambda: now[0], pressure=lambda: busy[0])
    for _ in range(4):
        pace(50)
    assert now[0] == pytest.approx(102.0)
    now[0] += 1000
    pace(100)
    assert waited[-1] == pytest.approx(1.0)
    busy[0] = 50.0
    pace(100)
    assert waited[-1] == pytest.approx(8.0)


def test_an_export_waits_until_its_range_is_over_and_over_a_restart(desk: Desk, signer: Signer) -> None:
    growing = desk.studio.growing(
        encode("h264", 60, first=500, gop=10, jitter=0), desk.run.end_us, segment_s=100.0, epoch=2
    )
    steps = iter(growing)
    for _ in range(6):
        next(steps)
    end_us = desk.run.end_us + 2_000_000
    now = [end_us - 1_000_000]
    id_, other = desk.ask(end_us=end_us), desk.ask(end_us=end_us)

    def held() -> int:
        with desk.studio.database.read() as conn:
            return sum(hold.released_us is None for hold in holds.list_all(conn))

    def exporter() -> Exporter:
        return Exporter(desk.exporter()._settings, desk.ending, now_us=lambda: now[0])

    assert not exporter().work()
    job = desk.find(id_)
    assert job.state == "queued"
    assert job.begins_us is not None and job.begins_us > end_us
    assert held() == 2
    # Somebody has thought better of it.
    with desk.studio.database.write() as conn:
        assert exports.cancel(conn, other, by=person("ines"), now_us=now[0])
    assert held() == 1
    # The clock is past its end, all of it is written: but the segment is not closed. Another process goes on waiting.
    for _ in steps:
        pass
    now[0] = growing.end_us + 5_000_000
    assert not exporter().work()
    assert held() == 1
    recording = growing.close()
    assert exporter().work()
    job = desk.find(id_)
    assert (job.state, job.begins_us, job.check_outcome) == ("done", None, "good")
    assert held() == 0
    assert job.folder is not None
    report = verify(desk.folder / job.folder, [signer.certificate])
    assert report.outcome == "valid"
    manifest = json.loads((desk.folder / job.folder / "manifest.json").read_bytes())
    (camera,) = manifest["cameras"]
    assert (camera["not_known_us"], camera["missing_us"]) == (0, 0)
    assert all(segment["matches"] for file in manifest["files"] for segment in file.get("segments", []))
    assert recording.end_us > end_us
