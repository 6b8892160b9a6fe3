"""Queues of messages: real receivers that refuse, hang and come back, and a process that ends and starts again in
between."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.channels import AlertMessage, DeliveryError, Email, Webhook
from nvr.alerting.deliveries import MOST_WAITING
from nvr.alerting.messages import facts_of
from nvr.alerting.rows import AlertRow
from nvr.alerting.sending import Post
from nvr.backoff import Backoff
from storage.catalogue import cameras, node
from tests.alerting import receivers
from tests.alerting.receivers import LONG_PASSWORD, SECRET, Hook, Inbox
from tests.support.catalogues import new_catalogue
from tests.support.waiting import until

S = 1_000_000
MINUTE = 60 * S
T0 = 1_795_442_400 * S
DAY = 86_400 * S
ROOM, CHIEF = "room@example.org", "chief@example.org"


@pytest.fixture
def mail() -> Iterator[Inbox]:
    with receivers.inbox() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


class PostOffice:
    """A catalogue with alerts, and a post office by a clock that is set."""

    def __init__(self, folder: Path, mail: Inbox, hook: Hook) -> None:
        self.db = new_catalogue(folder / "c.db")
        with self.db.write() as conn:
            node.this_node(conn, "n1")
            cameras.add(
                conn, camera="gate", name="Gate\nof the North", source="catalogue", settings={"url": "rtsp://h"},
                labels={}, node="n1", epoch=1, at_us=T0,
            )  # fmt: skip
        self.now_us = T0
        email = {
            "to": [ROOM, CHIEF],
            "sender": "nvr@example.org",
            "host": "127.0.0.1",
            "port": mail.port,
            "security": "none",
        }
        self.settings: dict[str, Any] = {
            "language": "en", "zone": "UTC", "email": email, "webhook": {"url": hook.url, "secret": SECRET},
        }  # fmt: skip
        self.restart()

    def restart(self) -> None:
        self.post = Post(self.db, self.settings, clock=lambda: self.now_us)
        self.post.configure(self.settings)

    def event(self, alert: str, event: str) -> None:
        over = self.now_us if event == "resolved" else None
        with self.db.write() as conn:
            row = AlertRow(alert, "disk_low", f"/{alert}", T0, T0, T0, over, 0, (), {"free_bytes": 5, "floor_bytes": 9})
            alerts.put(conn, row)
            deliveries.queue(conn, alert, event, facts_of(row, event, at_us=self.now_us), at_us=self.now_us)

    def states(self, recipient: str) -> list[str]:
        with self.db.read() as conn:
            query = "SELECT state FROM delivery WHERE recipient = ? ORDER BY seq"
            return [row[0] for row in conn.execute(query, (recipient,))]

    def recipient(self, id_: str) -> deliveries.Recipient:
        with self.db.read() as conn:
            return next(one for one in deliveries.recipients(conn) if one.id == id_)


@pytest.fixture
def world(tmp_path: Path, mail: Inbox, hook: Hook) -> Iterator[PostOffice]:
    made = PostOffice(tmp_path, mail, hook)
    yield made
    made.post.join(1.0)
    made.db.close()


def test_one_refused_recipient_costs_others_nothing(world: PostOffice, mail: Inbox, hook: Hook) -> None:
    mail.no_such = {CHIEF}
    for number in range(3):
        world.event(f"a{number}", "opened")
        for _ in range(4):
            receivers.send_all(world.post)
    assert len(mail.to(ROOM)) == 3
    assert mail.to(CHIEF) == []
    assert [told["subject"] for told in hook.posts] == ["/a0", "/a1", "/a2"]
    assert "550 5.1.1 no such user" in str(world.recipient(f"email:{CHIEF}").error)
    assert world.recipient(f"email:{ROOM}").failing_since_us is None
    # A message that is refused for good again and again is given up, and counted; the next one has its turn.
    for _ in range(30):
        receivers.send_all(world.post)
    assert world.states(f"email:{CHIEF}") == ["dropped"] * 3
    mail.no_such = set()
    world.event("a3", "opened")
    receivers.send_all(world.post)
    (got,) = [m for m in mail.mails if m["To"] == CHIEF]
    assert "3 earlier messages could not be delivered and were dropped" in str(got.get_content())
    assert (world.recipient(f"email:{CHIEF}").dropped, world.recipient(f"email:{CHIEF}").dropped_untold) == (3, 0)


def test_a_server_that_repeats_the_login(
    world: PostOffice, mail: Inbox, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    """After it took the login: in refusing a recipient."""
    echo = base64.b64encode(f"\0nvr\0{LONG_PASSWORD}".encode()).decode()
    spaced = " ".join(LONG_PASSWORD)
    mail.no_such = {CHIEF}
    mail.no_such_says = f"550 no; you sent AUTH PLAIN {echo} and {LONG_PASSWORD}, {spaced} \x1b[2J"
    world.settings["email"] |= {"username": "nvr", "password": LONG_PASSWORD}
    world.restart()
    world.event("a", "opened")
    receivers.send_all(world.post)
    kept = str(world.recipient(f"email:{CHIEF}").error)
    with world.db.read() as conn:
        rows = str([tuple(row) for row in conn.execute("SELECT * FROM delivery")])
    assert "550 no; you sent" in kept
    for text in (kept, rows, caplog.text):
        assert not [form for form in (LONG_PASSWORD, echo, spaced, "\x1b") if form in text], text


def test_a_message_that_no_server_takes_does_not_hold_up_others(world: PostOffice, mail: Inbox) -> None:
    mail.poison = "/bad"
    for alert in ("bad", "good"):
        world.event(alert, "opened")
    for _ in range(10):
        receivers.send_all(world.post)
    assert mail.to(ROOM) == ["nvr: Footage disk /good is nearly full: 0 MB free, the floor is 0 MB"]


def test_a_webhook_that_hangs_delays_no_mail_and_gets_all_in_order_when_it_comes_back(
    world: PostOffice, mail: Inbox, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvr.alerting.channels.base.TIMEOUT_S", 0.5)
    monkeypatch.setattr("nvr.alerting.sending._AGAIN", Backoff(0.05, 900.0))
    hook.go_on.clear()
    world.post.start()
    world.event("a", "opened")
    world.post.wake()
    until(lambda: hook.seen)
    # It hangs; the mail is there all the same, and so is the next.
    until(lambda: mail.to(ROOM) and mail.to(CHIEF))
    world.event("a", "resolved")
    world.event("b", "opened")
    world.post.wake()
    until(lambda: len(mail.to(ROOM)) == 3)
    assert hook.posts == []
    until(lambda: world.recipient("webhook").failures >= 2)
    hook.go_on.set()
    until(lambda: len(hook.posts) == 3)
    assert [(told["event"], told["id"]) for told in hook.posts] == [("opened", "a"), ("resolved", "a"), ("opened", "b")]
    # Whoever hung knows by the id that it is the same message.
    assert {told["delivery"] for told in hook.seen if (told["event"], told["id"]) == ("opened", "a")} == {
        hook.posts[0]["delivery"]
    }
    assert world.recipient("webhook").failing_since_us is None


def test_after_an_outage_of_the_mail_server_a_pair_is_one_message(world: PostOffice, mail: Inbox, hook: Hook) -> None:
    mail.refuse = True
    for alert, event in (
        ("a", "opened"),
        ("b", "opened"),
        ("a", "resolved"),
        ("a", "opened"),
        ("c", "opened"),
        ("c", "resolved"),
    ):
        world.event(alert, event)
        receivers.send_all(world.post)
        world.now_us += MINUTE
    assert mail.mails == []
    assert world.recipient(f"email:{ROOM}").waiting == 6
    mail.refuse = False
    world.now_us = T0 + 3 * 3600 * S
    world.restart()
    receivers.send_all(world.post)
    assert mail.to(ROOM) == [
        "nvr: over: footage disk /a is no longer nearly full",
        "nvr: Footage disk /b is nearly full: 0 MB free, the floor is 0 MB",
        "nvr: Footage disk /a is nearly full: 0 MB free, the floor is 0 MB",
        "nvr: over: footage disk /c is no longer nearly full",
    ]
    assert "This message is 3 h late" in str(mail.mails[0].get_content())
    assert world.states(f"email:{ROOM}") == ["joined", "accepted", "accepted", "accepted", "joined", "accepted"]
    # A program hears of each.
    assert [told["event"] for told in hook.posts] == ["opened", "opened", "resolved", "opened", "opened", "resolved"]
    # Nothing is sent twice, whoever starts again.
    world.restart()
    receivers.send_all(world.post)
    assert len(mail.to(ROOM)) == 4


def test_what_is_long_over_is_dropped_and_what_is_open_is_not(world: PostOffice, mail: Inbox) -> None:
    mail.refuse = True
    world.event("over", "opened")
    world.event("over", "resolved")
    world.event("open", "opened")
    receivers.send_all(world.post)
    mail.refuse = False
    world.now_us += 2 * DAY
    receivers.send_all(world.post)
    assert mail.to(ROOM) == ["nvr: Footage disk /open is nearly full: 0 MB free, the floor is 0 MB"]
    assert world.states(f"email:{ROOM}") == ["dropped", "dropped", "accepted"]
    with world.db.read() as conn:
        assert "could not be delivered for a day" in deliveries.troubled(conn, ["over"])["over"][0][1]


def test_a_queue_is_bounded_and_says_so(world: PostOffice, mail: Inbox) -> None:
    world.event("over", "opened")
    world.event("over", "resolved")
    for number in range(MOST_WAITING + 3):
        world.event(f"n{number}", "opened")
    one = world.recipient(f"email:{ROOM}")
    assert (one.waiting, one.dropped) == (MOST_WAITING, 5)
    # What is over went first, then the oldest.
    with world.db.read() as conn:
        assert deliveries.waiting(conn, one.id)[0].alert == "n3"
        assert "more than 500 messages waited" in deliveries.troubled(conn, ["over"])["over"][0][1]


def test_a_recipient_that_is_taken_out_of_the_settings_gets_nothing_more(world: PostOffice, mail: Inbox) -> None:
    world.event("a", "opened")
    world.settings = {**world.settings, "email": {**world.settings["email"], "to": [ROOM, "new@example.org"]}}
    world.post.configure(world.settings)
    world.event("b", "opened")
    receivers.send_all(world.post)
    assert (len(mail.to(ROOM)), mail.to(CHIEF), len(mail.to("new@example.org"))) == (2, [], 1)
    with world.db.read() as conn:
        assert [one.id for one in deliveries.recipients(conn)] == ["email:new@example.org", f"email:{ROOM}", "webhook"]
        assert deliveries.troubled(conn, ["a"]) == {
            "a": [(f"email:{CHIEF}", "this recipient is not configured any more")]
        }


def test_a_stop_leaves_what_hangs_for_the_next_start(world: PostOffice, hook: Hook) -> None:
    hook.go_on.clear()
    world.post.start()
    world.event("a", "opened")
    world.post.wake()
    until(lambda: hook.seen)
    world.post.join(0.2)
    hook.go_on.set()
    hook.posts.clear()
    world.restart()
    receivers.send_all(world.post)
    assert [told["id"] for told in hook.posts] == ["a"]


def test_an_accepted_message_that_could_not_be_marked_is_not_sent_again(
    world: PostOffice, mail: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    world.event("a", "opened")
    world.event("b", "opened")
    real = deliveries.accepted

    def locked(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(deliveries, "accepted", locked)
    for _ in range(3):
        with pytest.raises(sqlite3.Error):
            receivers.send_all(world.post)
    monkeypatch.setattr(deliveries, "accepted", real)
    receivers.send_all(world.post)
    assert [m.split()[3] for m in mail.to(ROOM)] == ["/a", "/b"]


def test_errors_hold_no_secrets(mail: Inbox) -> None:
    message, facts = AlertMessage("s", "t"), {"id": "x"}
    login = Email(ROOM, "nvr@example.org", "127.0.0.1", mail.port, "none", "user", "wrong-password")
    with pytest.raises(DeliveryError) as refused:
        login.send(message, facts, "x.1")
    assert "wrong-password" not in str(refused.value)
    assert "535" in str(refused.value)
    Email(ROOM, "nvr@example.org", "127.0.0.1", mail.port, "none", "user", "right").send(message, facts, "x.1")
    assert mail.mails[0]["Message-ID"] == "<x.1@nvr.invalid>"
    for url in ("http://127.0.0.1:9/very-secret", "http://[bad/very-secret"):
        with pytest.raises(DeliveryError) as lost:
            Webhook(url).send(message, facts, "x.1")
        assert "secret" not in str(lost.value)
    with pytest.raises(DeliveryError):
        Email(ROOM, "nvr@example.org", "127.0.0.1", mail.port, "starttls").send(message, facts, "x.1")
    assert "very-secret" not in repr(Webhook("http://x/very-secret", "k"))


def test_threads_end(world: PostOffice) -> None:
    world.post.start()
    world.post.join(5.0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("post ") and thread.is_alive()]
