"""The watch over a real catalogue, and messages to a real mail server and a real web server."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.conditions import page_certificate
from nvr.alerting.watch import Watch
from nvr.reports.coverage import current_outages
from nvr.reports.query import GapQuery, chosen
from nvr.tls.authority import TlsFolder
from nvr.tls.pair import read_pair
from storage.catalogue import cameras, facts, node, segments, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from storage.causes import Cause
from storage.disk.roots import register
from storage.intervals import Interval
from storage.retention import holds
from storage.retention.policies import Policy, Rules
from storage.writing import at_risk
from tests.alerting import receivers
from tests.alerting.receivers import SECRET, Hook, Inbox
from tests.support.catalogues import new_catalogue
from tests.support.people import person

S = 1_000_000
MINUTE = 60 * S
T0 = 1_795_442_400 * S  # 2026-11-23T14:00:00Z
CAMERAS = [f"cam-{n}" for n in range(6)]


@pytest.fixture
def mail() -> Iterator[Inbox]:
    with receivers.inbox() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "c.db")
    with made.write() as conn:
        node.this_node(conn, "n1")
        for number, camera in enumerate(CAMERAS):
            cameras.add(
                conn, camera=camera, name=f"Pos {number}", source="catalogue", settings={"url": "rtsp://h"},
                labels={"isp": "telkom"}, node="n1", epoch=1, at_us=T0 - 600 * MINUTE,
            )  # fmt: skip
            facts.resume(conn, camera, T0 - 599 * MINUTE)
    yield made
    made.close()


class Watched:
    """A watch by a clock that is set, over a catalogue in which recorders report."""

    def __init__(self, db: Database, **settings: Any) -> None:
        self.db, self.now_us = db, T0
        self.began_us: dict[str, int] = {}
        self.settings = {
            "catalogue": str(db.path), "roots": [], "floor_bytes": 0, "floor_fraction": 0.0,
            "retention": Rules().to_wire(), "holds_share": 25,
            "alerts": {
                "camera_after_us": 5 * MINUTE, "clear_after_us": MINUTE, "fold_by": ["isp"], "fold_from": 5,
                "recorded_least": 90,
                "language": "id", "zone": "Asia/Jakarta", "email": None, "webhook": None, **settings,
            },
        }  # fmt: skip
        self.restart()

    def restart(self) -> None:
        """What a new process knows is what is in the catalogue."""
        self.settings["started_us"] = self.now_us if hasattr(self, "watch") else 0
        self.watch = Watch(self.settings, threading.Event(), clock=lambda: self.now_us)
        self.watch.post.configure(self.settings["alerts"])

    def set(self, cause: Cause | None, *names: str) -> None:
        with self.db.write() as conn:
            for camera in names:
                key, recorded = cameras.key_of(conn, camera), facts.open_fact(conn, camera) is None
                if cause is None:
                    facts.resume(conn, camera, self.now_us)
                    self.began_us[camera] = self.now_us
                    continue
                if recorded:
                    # Its footage ends here.
                    began_us = self.began_us.get(camera, T0 - 599 * MINUTE)
                    conn.execute("INSERT INTO span VALUES (?, ?, 1, 1, ?, 1, 1, 1)", (key, began_us, self.now_us))
                facts.set_cause(conn, camera, self.now_us, cause, {}, node="n1", epoch=1)

    def look(self) -> None:
        """All recorders report, and the watch looks; what is to be sent is sent."""
        with self.db.write() as conn:
            found = []
            for camera in CAMERAS:
                fact = facts.open_fact(conn, camera)
                state, cause = ("recording", None) if fact is None else ("waiting", fact.cause)
                found.append(Status(camera, state, self.now_us, cause, updated_us=self.now_us))
            status.put(conn, found)
        self.watch.poll(self.now_us)
        receivers.send_all(self.watch.post)

    def run(self, minutes: int) -> None:
        for _ in range(minutes * 2):
            self.now_us += 30 * S
            self.look()

    def alerts(self, *, open_only: bool = True) -> list[alerts.AlertRow]:
        with self.db.read() as conn:
            return alerts.list_all(conn, open_only=open_only, limit=99)


@pytest.fixture(autouse=True)
def clock_in_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvr.alerting.watch.synchronised", lambda: True)


def email_to(inbox: Inbox, *to: str) -> dict[str, Any]:
    return {
        "to": list(to or ["room@example.org"]), "sender": "nvr@example.org", "host": "127.0.0.1", "port": inbox.port,
        "security": "none",
    }  # fmt: skip


def webhook_of(hook: Hook) -> dict[str, Any]:
    return {"url": hook.url, "secret": SECRET}


def test_one_camera_from_outage_to_mail_and_back(db: Database, mail: Inbox, hook: Hook) -> None:
    world = Watched(db, email=email_to(mail), webhook=webhook_of(hook))
    world.set(Cause.UNREACHABLE, "cam-2")
    world.run(5)
    assert mail.mails == []
    world.run(3)
    (first,) = mail.mails
    assert first["Subject"] == "nvr: Kamera Pos 2 tidak terekam"
    assert first["To"] == "room@example.org"
    text = str(first.get_content())
    assert "Sejak: 23 Nov 2026 21:00:00 WIB (2026-11-23 14:00:00 UTC)" in text
    assert "Kamera tidak terjangkau" in text
    world.restart()
    world.run(1)
    world.set(None, "cam-2")
    world.run(3)
    assert mail.to("room@example.org")[1:] == ["nvr: selesai: kamera Pos 2 terekam kembali"]
    assert hook.events == [("opened", "camera_down", "cam-2"), ("resolved", "camera_down", "cam-2")]
    (row,) = world.alerts(open_only=False)
    assert hook.posts[1]["resolved_us"] == row.resolved_us
    with db.read() as conn:
        assert deliveries.troubled(conn, [row.id]) == {}
        assert [(r.id, r.waiting, r.failing_since_us) for r in deliveries.recipients(conn)] == [
            ("email:room@example.org", 0, None),
            ("webhook", 0, None),
        ]


def test_a_restart_says_nothing_and_since_is_one_everywhere(db: Database, mail: Inbox) -> None:
    world = Watched(db, email=email_to(mail))
    world.set(Cause.UNREACHABLE, *CAMERAS[:5])
    world.run(6)
    with db.write() as conn:
        (row,) = alerts.list_all(conn, open_only=True, limit=9)
        alerts.acknowledge(conn, row.id, note="crew is out", by=person("vera"), now_us=world.now_us)
    before = len(mail.mails)
    # The server is away for a quarter of an hour; the last camera misses that much.
    world.set(Cause.SERVER_DOWN, *CAMERAS)
    world.now_us += 15 * MINUTE
    world.restart()
    world.look()
    world.set(Cause.UNREACHABLE, *CAMERAS[:5])
    world.set(None, CAMERAS[5])
    world.run(30)
    (after,) = world.alerts(open_only=False)
    assert len(mail.mails) == before == 1
    assert (after.id, after.since_us, after.acknowledged_by, after.note, after.flaps) == (
        row.id,
        T0,
        "vera",
        "crew is out",
        0,
    )
    with db.read() as conn:
        outages = list(current_outages(conn, chosen(conn, GapQuery(Interval(T0, T0 + 1))), now_us=world.now_us))
    assert {one.since_us for one in outages} == {m.since_us for m in after.members} == {T0}
    # Still the whole of it: said once when the last of them is recorded.
    for camera in CAMERAS[:5]:
        world.set(None, camera)
        world.run(1)
    world.run(2)
    assert mail.to("room@example.org")[1:] == ["nvr: selesai: semua 5 kamera terekam kembali (isp=telkom)"]


def test_what_was_waiting_to_be_an_alert_waits_on_after_a_restart(db: Database, tmp_path: Path) -> None:
    footage = tmp_path / "footage"
    with db.write() as conn:
        root = register(conn, [footage])[0]
    world = Watched(db)
    world.settings["roots"] = [[root.id, str(footage)]]
    world.watch.configure(world.settings)
    world.look()
    footage.rename(tmp_path / "away")
    for _ in range(4):
        world.now_us += 10 * S
        world.restart()
        world.look()
    assert [(row.kind, row.subject, row.since_us) for row in world.alerts()] == [
        ("root_absent", str(footage), T0 + 10 * S)
    ]


def test_a_cable_is_one_message(db: Database, mail: Inbox) -> None:
    world = Watched(db, language="en", zone="UTC", email=email_to(mail))
    world.set(Cause.UNREACHABLE, *CAMERAS[:5])
    world.run(8)
    assert mail.to("room@example.org") == ["nvr: 5 of 6 cameras are not being recorded (isp=telkom)"]
    assert "- Pos 4 (cam-4): since 23 Nov 2026 14:00:00 UTC" in str(mail.mails[0].get_content())


def test_an_open_alert_of_the_clock_does_not_make_three_cameras_the_fleet(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvr.alerting.watch.synchronised", lambda: False)
    world = Watched(db)
    world.run(11)
    assert [row.kind for row in world.alerts()] == ["clock_unsynchronised"]
    world.set(Cause.UNREACHABLE, *CAMERAS[:3])
    world.run(10)
    assert sorted(row.kind for row in world.alerts()) == ["camera_down"] * 3 + ["clock_unsynchronised"]


def test_orders_are_no_outage(db: Database) -> None:
    world = Watched(db)
    world.set(Cause.UNREACHABLE, *CAMERAS)
    with db.write() as conn:
        for camera in CAMERAS:
            facts.insert(conn, camera, Cause.MAINTENANCE, T0, T0 + 60 * MINUTE, {}, node="n1", epoch=1)
    world.run(59)
    assert world.alerts() == []
    world.run(7)
    (row,) = world.alerts()
    assert (row.kind, row.since_us) == ("cameras_down", T0 + 60 * MINUTE)


def test_an_acknowledgement_ends_when_it_comes_back(db: Database) -> None:
    world = Watched(db)
    world.set(Cause.STALLED, "cam-0")
    world.run(6)
    with db.write() as conn:
        (row,) = alerts.list_all(conn, open_only=True, limit=9)
        alerts.acknowledge(conn, row.id, note="on it", by=person("vera"), now_us=T0)
    world.set(None, "cam-0")
    world.run(2)
    (row,) = world.alerts(open_only=False)
    assert (row.resolved_us is not None, row.acknowledged_by, row.note) == (True, "vera", "on it")
    world.set(Cause.STALLED, "cam-0")
    world.run(6)
    (row,) = world.alerts(open_only=False)
    assert (row.resolved_us, row.acknowledged_by, row.flaps) == (None, None, 1)


def test_a_refused_password_is_told_at_the_first(db: Database) -> None:
    from storage.catalogue import devices, logins

    account = logins.LoginAccount.of("h:554", "admin", "wrong")
    with db.write() as conn:
        logins.begin(conn, account, "cam-2", now_us=T0)
        logins.refused(conn, account, "cam-2", now_us=T0)
        devices.learn(conn, "h:322", certificate="aa")
        devices.offered(conn, "h:322", "bb", "cam-3", now_us=T0)
    world = Watched(db, language="en")
    world.set(Cause.UNAUTHORIZED, "cam-2")
    world.run(1)
    assert {(row.kind, row.cameras) for row in world.alerts()} == {
        ("login_refused", ("cam-2",)), ("certificate_changed", ("cam-3",)),
    }  # fmt: skip
    with db.write() as conn:
        logins.accepted(conn, account, "cam-2")
        devices.offered(conn, "h:322", None, "cam-3", now_us=T0)
    world.set(None, "cam-2")
    world.run(2)
    assert world.alerts() == []


def test_an_open_alert_of_the_version_before_stays_as_it_is(db: Database, mail: Inbox) -> None:
    world = Watched(db, email=email_to(mail))
    world.set(Cause.UNREACHABLE, *CAMERAS[:5])
    world.now_us += 20 * MINUTE
    with db.write() as conn:
        old = alerts.AlertRow(
            "old", "cameras_down", "isp=telkom", T0, T0 + 5 * MINUTE, T0, None, 0, tuple(CAMERAS[:5]), {}
        )
        alerts.put(conn, old)
        conn.execute(
            "INSERT INTO delivery (recipient, alert, event, at_us, body) VALUES ('email', 'old', 'opened', ?, '')",
            (T0,),
        )
    world.restart()
    world.run(30)
    assert mail.to("room@example.org") == ["nvr: 5 dari 6 kamera tidak terekam (isp=telkom)"]
    assert [row.id for row in world.alerts(open_only=False)] == ["old"]


def test_a_disk_that_is_slow_to_sync_is_told_and_is_told_when_it_is_well(
    db: Database, mail: Inbox, tmp_path: Path
) -> None:
    with db.write() as conn:
        (root,) = register(conn, [tmp_path / "footage"])
    world = Watched(db, email=email_to(mail), language="en")
    world.settings["roots"] = [(root.id, str(root.path))]

    def look(oldest_s: float, worst_s: float) -> None:
        world.now_us += 30 * S
        with db.write() as conn:
            at_risk.put(conn, 1, [(root.id, at_risk.Risk(oldest_s, worst_s, 1.0, 9, 0, 5.0))], at_us=world.now_us)
        world.look()

    look(2.0, 3.0)
    look(2.0, 4.99)
    assert world.alerts() == []
    look(2.0, 5.04)
    (alert,) = world.alerts()
    assert (alert.kind, alert.subject) == ("sync_late", str(root.path))
    # Worse: the same alert, of which people were told.
    look(9.0, 9.0)
    (alert,) = world.alerts()
    assert alert.detail["worst_us"] == 9_000_000
    for _ in range(4):
        look(1.0, 3.0)
    assert world.alerts() == []
    first, last = mail.to("room@example.org")
    assert first.endswith("is slow to sync: a power cut could cost up to 5.1 s of footage, at most 5 s was promised")
    assert last.startswith("nvr: over: footage disk") and last.endswith("is synced in time again")


def test_holds_that_keep_much_of_the_disks_reach_a_person(
    db: Database, mail: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Watched(db, email=email_to(mail), language="en")
    monkeypatch.setattr("nvr.alerting.watch._FORECAST_S", 0.0)
    begin_us = T0 - 300 * MINUTE
    folder = world.db.path.parent / "footage"
    with db.write() as conn:
        (root,) = register(conn, [folder])
        segments.put_init(conn, segments.Init("i", b"", "avc1", None, 1, 1))
        key = segments.Key("cam-0", begin_us, "n1", 1)
        segments.begin_run(conn, key)
        segments.begin(conn, key, root=root.id, init="i", run_start_us=begin_us, timescale=90_000, media_start=0)
        size = shutil.disk_usage(folder).total * 2 // 5
        segments.finish(conn, key, end_us=begin_us + MINUTE, media_end=60 * 90_000, frames=1, bytes_=size, sha256="0")
    world.settings["roots"] = [[root.id, str(folder)]]
    world.run(1)
    assert [alert for alert in world.alerts() if alert.kind == "holds_large"] == []
    with db.write() as conn:
        # By an administrator: no route refuses it.
        held = holds.place(
            conn, "cam-0", begin_us, begin_us + MINUTE, reason="LP/1", by=person("A"), now_us=world.now_us
        )
    world.run(1)
    (alert,) = [alert for alert in world.alerts() if alert.kind == "holds_large"]
    assert alert.detail == {"kept_bytes": round(size, -8), "percent": alert.detail["percent"], "share": 25}
    assert 39 <= alert.detail["percent"] <= 40
    with db.write() as conn:
        holds.release(conn, held.id, reason="done", by=person("A"), now_us=world.now_us)
    world.run(3)
    told = [text for text in mail.to("room@example.org") if "legal holds" in text.lower()]
    assert "of the footage disks; above 25 % only administrators place more" in told[0]
    assert told[-1].strip() == "nvr: over: legal holds keep no more than their share of the footage disks"


def test_a_certificate_that_ends_or_can_not_be_used_reaches_a_person(db: Database, mail: Inbox, tmp_path: Path) -> None:
    world = Watched(db, email=email_to(mail), language="en")
    made = TlsFolder(tmp_path / "tls")
    made.create("city", ["cctv.example"])
    world.settings |= {"certificate": str(made.certificate), "key": str(made.key)}
    found = page_certificate(str(made.certificate), str(made.key), now_us=time.time_ns() // 1000)
    assert found == []
    ends_us = read_pair(made.certificate, made.key).ends_us
    (ending,) = page_certificate(str(made.certificate), str(made.key), now_us=ends_us - 86_400_000_000)
    assert (ending.kind, ending.detail) == ("page_certificate_ending", {"until_us": ends_us})
    made.key.write_text("no key")
    world.run(1)
    (alert,) = [alert for alert in world.alerts() if alert.kind.startswith("page_certificate")]
    assert alert.kind == "page_certificate_unusable"
    (told,) = [text for text in mail.to("room@example.org") if "certificate" in text]
    assert "nvr check-config says why" in told


def test_what_holds_keep_beyond_max_bytes_reaches_a_person(
    db: Database, mail: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Watched(db, email=email_to(mail), language="en")
    world.settings["retention"] = Rules(Policy(max_bytes=10_000_000)).to_wire()
    # The forecast is looked at every quarter of an hour.
    monkeypatch.setattr("nvr.alerting.watch._FORECAST_S", 0.0)
    begin_us = T0 - 300 * MINUTE
    with db.write() as conn:
        (root,) = register(conn, [world.db.path.parent / "footage"])
        segments.put_init(conn, segments.Init("i", b"", "avc1", None, 1, 1))
        for number in range(3):
            key = segments.Key("cam-0", begin_us + number * MINUTE, "n1", 1)
            segments.begin_run(conn, segments.Key("cam-0", begin_us, "n1", 1))
            segments.begin(conn, key, root=root.id, init="i", run_start_us=begin_us, timescale=90_000, media_start=0)
            segments.finish(
                conn, key, end_us=key.start_us + MINUTE, media_end=60 * 90_000, frames=1, bytes_=5_000_000, sha256="0"
            )
    world.run(1)
    assert world.alerts() == []
    with db.write() as conn:
        held = holds.place(
            conn, "cam-0", begin_us, begin_us + 3 * MINUTE, reason="LP/1", by=person("A"), now_us=world.now_us
        )
    world.run(1)
    (alert,) = world.alerts()
    assert (alert.kind, alert.cameras, alert.detail) == ("held_beyond", ("cam-0",), {"beyond_bytes": 5_000_000})
    with db.write() as conn:
        holds.release(conn, held.id, reason="done", by=person("A"), now_us=world.now_us)
    world.run(3)
    assert world.alerts() == []
    first, last = mail.to("room@example.org")
    assert "Legal holds keep 5 MB more than max_bytes allows: 1 camera;" in first
    assert last == "nvr: over: legal holds keep no more than max_bytes allows"
