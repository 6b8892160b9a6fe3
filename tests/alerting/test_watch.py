"""The watch over a real catalogue, and messages to a real mail server and a real web server."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from email.message import Message as Mail
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from nvr.alerting.channels import DeliveryError, Email, Webhook
from nvr.alerting.messages import Message
from nvr.alerting.watch import Watch
from storage import alerts, cameras, node, status
from storage.causes import Cause
from storage.database import Database
from storage.roots import register
from storage.status import Status
from tests.people import person

S = 1_000_000
MINUTE = 60 * S
T0 = 1_795_442_400 * S  # 2026-11-23T14:00:00Z
SECRET = "h00k-secret"


class Inbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuse = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return "451 4.3.0 not now"
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler = Inbox()

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == b"right"
        return AuthResult(success=good, handled=False)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_require_tls=False
    )
    controller.start()
    yield handler, port
    controller.stop()


class Hook:
    """What was posted to a web server."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, Any], str | None]] = []
        self.answer = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                assert self.headers["X-Nvr-Signature"] == signed
                hook.posts.append((json.loads(body), self.headers["Content-Type"]))
                self.send_response(hook.answer)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in/very-secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "c.db")
    made.migrate()
    with made.write() as conn:
        node.this_node(conn, "n1")
        for i in range(6):
            cameras.add(
                conn, camera=f"cam-{i}", name=f"Pos {i}", source="catalogue", settings={"url": "rtsp://h"},
                labels={"isp": "telkom"}, node="n1", epoch=1, at_us=T0 - 600 * MINUTE,
            )  # fmt: skip
    yield made
    made.close()


def settings(db: Database, **alerts_: Any) -> dict[str, Any]:
    return {
        "catalogue": str(db.path), "roots": [], "floor_bytes": 0, "floor_fraction": 0.0, "retention": {},
        "alerts": {
            "camera_after_us": 5 * MINUTE, "clear_after_us": MINUTE, "fold_by": ["isp"], "fold_from": 5, "recorded_least": 90, "language": "id",
            "zone": "Asia/Jakarta", "email": None, "webhook": None, **alerts_,
        },
    }  # fmt: skip


def report(db: Database, at_us: int, **down: Cause) -> None:
    """Every camera's recorder speaks: those of ``down`` wait since T0, the others record."""
    with db.write() as conn:
        status.put(
            conn,
            [
                Status(id_, "waiting", T0, down[f"c{i}"], recorded_until_us=T0, updated_us=at_us)
                if f"c{i}" in down
                else Status(id_, "recording", T0 - MINUTE, recorded_until_us=at_us, updated_us=at_us)
                for i, id_ in enumerate(f"cam-{n}" for n in range(6))
            ],
        )


@pytest.fixture(autouse=True)
def clock_in_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvr.alerting.watch.synchronised", lambda: True)


def watching(db: Database, monkeypatch: pytest.MonkeyPatch, **alerts_: Any) -> Watch:
    from storage.policies import Rules

    made = settings(db, **alerts_)
    made["retention"] = Rules().to_wire()
    return Watch(made, threading.Event())


def test_one_camera_from_outage_to_mail_and_back(
    db: Database, inbox: tuple[Inbox, int], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails, port = inbox
    watch = watching(
        db,
        monkeypatch,
        email={"to": ["room@example.org"], "sender": "nvr@example.org", "host": "127.0.0.1", "port": port, "security": "none"},
        webhook={"url": hook.url, "secret": SECRET},
    )  # fmt: skip
    for minute in range(8):
        now_us = T0 + minute * MINUTE
        report(db, now_us, c2=Cause.UNREACHABLE)
        watch.look(now_us)
        watch.deliver(now_us)
        assert len(mails.mails) == (minute >= 6)
    (mail,) = mails.mails
    assert mail["Subject"] == "nvr: Kamera Pos 2 tidak terekam"
    assert mail["To"] == "room@example.org"
    text = str(mail.get_content())  # type: ignore[attr-defined]
    assert "Sejak: 23 Nov 2026 21:00:00 WIB (2026-11-23 14:00:00 UTC)" in text
    assert "Kamera tidak terjangkau" in text
    # A restart in between: the state is in the catalogue.
    watch = watching(db, monkeypatch, **watch._settings["alerts"] | {"fold_by": ["isp"]})
    for minute in range(8, 11):
        now_us = T0 + minute * MINUTE
        report(db, now_us)
        watch.look(now_us)
        watch.deliver(now_us)
    assert [m["Subject"] for m in mails.mails][1:] == ["nvr: selesai: Kamera Pos 2 tidak terekam"]
    assert [(body["event"], body["kind"], body["subject"]) for body, _ in hook.posts] == [
        ("opened", "camera_down", "cam-2"),
        ("resolved", "camera_down", "cam-2"),
    ]
    assert hook.posts[1][0]["resolved_us"] == T0 + 7 * MINUTE
    with db.read() as conn:
        (row,) = alerts.every(conn, open_only=False, limit=9)
        assert alerts.undelivered(conn, [row.id]) == {}


def test_a_cable_is_one_message(db: Database, inbox: tuple[Inbox, int], monkeypatch: pytest.MonkeyPatch) -> None:
    mails, port = inbox
    watch = watching(
        db, monkeypatch, language="en", zone="UTC",
        email={"to": ["a@example.org"], "sender": "nvr@example.org", "host": "127.0.0.1", "port": port, "security": "none"},
    )  # fmt: skip
    for minute in range(8):
        now_us = T0 + minute * MINUTE
        report(db, now_us, **{f"c{i}": Cause.UNREACHABLE for i in range(5)})
        watch.look(now_us)
        watch.deliver(now_us)
    assert [m["Subject"] for m in mails.mails] == ["nvr: 5 of 6 cameras are not being recorded (isp=telkom)"]
    assert "- Pos 4 (cam-4)" in str(mails.mails[0].get_content())  # type: ignore[attr-defined]


def test_what_does_not_arrive_is_tried_again_and_shown(
    db: Database, inbox: tuple[Inbox, int], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails, port = inbox
    mails.refuse, hook.answer = True, 500
    watch = watching(
        db, monkeypatch,
        email={"to": ["a@example.org"], "sender": "nvr@example.org", "host": "127.0.0.1", "port": port, "security": "none"},
        webhook={"url": hook.url, "secret": SECRET},
    )  # fmt: skip
    now_us = T0 + 6 * MINUTE
    report(db, now_us, c0=Cause.UNREACHABLE)
    watch.look(now_us)
    watch.deliver(now_us)
    with db.read() as conn:
        (row,) = alerts.every(conn, open_only=True, limit=9)
        told = {notice.channel: notice for notice in alerts.undelivered(conn, [row.id])[row.id]}
    assert "not now" in str(told["email"].error)
    assert told["webhook"].error == "the webhook answered 500"
    assert {notice.due_us for notice in told.values()} == {now_us + 10 * S}
    mails.refuse, hook.answer = False, 200
    watch.deliver(now_us + 9 * S)
    assert mails.mails == []
    watch.deliver(now_us + 10 * S)
    watch.deliver(now_us + 11 * S)
    assert len(mails.mails) == 1
    assert len(hook.posts) == 2
    with db.read() as conn:
        assert alerts.undelivered(conn, [row.id]) == {}


def test_orders_are_no_outage(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watching(db, monkeypatch)
    report(db, T0 + 60 * MINUTE, **{f"c{i}": Cause.DISABLED for i in range(6)})
    assert watch.look(T0 + 60 * MINUTE) == []


def test_an_acknowledgement_ends_when_it_comes_back(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watching(db, monkeypatch)
    for minute in (6, 7, 8, 9):
        report(db, T0 + minute * MINUTE, **({"c0": Cause.STALLED} if minute < 8 else {}))
        watch.look(T0 + minute * MINUTE)
        if minute == 7:
            with db.write() as conn:
                (row,) = alerts.every(conn, open_only=True, limit=9)
                alerts.acknowledge(conn, row.id, note="on it", by=person("vera"), now_us=T0)
    with db.read() as conn:
        (row,) = alerts.every(conn, open_only=False, limit=9)
    assert (row.resolved_us is not None, row.acknowledged_by, row.note) == (True, "vera", "on it")
    for minute in (20, 26):
        report(db, T0 + minute * MINUTE, c0=Cause.STALLED)
        watch.look(T0 + minute * MINUTE)
    with db.read() as conn:
        (row,) = alerts.every(conn, open_only=False, limit=9)
    assert (row.resolved_us, row.acknowledged_by, row.flaps) == (None, None, 1)


def test_errors_hold_no_secrets(inbox: tuple[Inbox, int]) -> None:
    _, port = inbox
    message, facts = Message("s", "t"), {"id": "x"}
    login = Email(("a@example.org",), "nvr@example.org", "127.0.0.1", port, "none", "user", "wrong-password")
    with pytest.raises(DeliveryError) as refused:
        login.send(message, facts)
    assert "wrong-password" not in str(refused.value)
    assert "535" in str(refused.value)
    Email(("a@example.org",), "nvr@example.org", "127.0.0.1", port, "none", "user", "right").send(message, facts)
    for url in ("http://127.0.0.1:9/very-secret", "http://[bad/very-secret"):
        with pytest.raises(DeliveryError) as lost:
            Webhook(url).send(message, facts)
        assert "secret" not in str(lost.value)
    with pytest.raises(DeliveryError):
        Email(("a@example.org",), "nvr@example.org", "127.0.0.1", port, "starttls").send(message, facts)
    assert "very-secret" not in repr(Webhook("http://x/very-secret", "k"))


def test_a_root_that_goes_is_an_alert(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    footage = tmp_path / "footage"
    with db.write() as conn:
        root = register(conn, [footage])[0]
    watch = watching(db, monkeypatch)
    watch._settings = {**watch._settings, "roots": [[root.id, str(footage)]]}
    report(db, T0)
    assert watch.look(T0) == []
    footage.rename(tmp_path / "away")
    for second in (1, 20, 40):
        report(db, T0 + second * S)
        watch.look(T0 + second * S)
    with db.read() as conn:
        assert [(row.kind, row.subject) for row in alerts.every(conn, open_only=True, limit=9)] == [
            ("root_absent", str(footage))
        ]


def test_a_refused_password_is_told_at_the_first(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage import devices, logins

    account = logins.Account.of("h:554", "admin", "wrong")
    with db.write() as conn:
        logins.begin(conn, account, "cam-2", now_us=T0)
        logins.refused(conn, account, "cam-2", now_us=T0)
        devices.learn(conn, "h:322", certificate="aa")
        devices.offered(conn, "h:322", "bb", "cam-3", now_us=T0)
    watch = watching(db, monkeypatch, language="en")
    report(db, T0 + S, c2=Cause.UNAUTHORIZED)
    found = {(change.event, change.alert.kind, change.alert.cameras) for change in watch.look(T0 + S)}
    assert found == {("opened", "login_refused", ("cam-2",)), ("opened", "certificate_changed", ("cam-3",))}
    with db.write() as conn:
        logins.accepted(conn, account, "cam-2")
        devices.offered(conn, "h:322", None, "cam-3", now_us=T0)
    report(db, T0 + 3 * MINUTE)
    assert {change.event for change in watch.look(T0 + 3 * MINUTE)} == {"resolved"}
