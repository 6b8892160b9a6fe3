"""Messages on their way: a queue and a thread for each recipient, so that nobody waits for another one's mail server or
webhook.

Invariants: of one recipient messages go in order, the next one once this one is accepted or dropped; one that was
accepted is not sent again. What waits is in the catalogue; between a recipient's answer and its row lie milliseconds,
in which a kill makes a second copy, of the same id.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.channels import Channel, DeliveryError, channels
from nvr.alerting.deliveries import Delivery
from nvr.alerting.messages import Note, compose, facts_of
from nvr.backoff import Backoff
from nvr.config import Redactor
from nvr.texts import Formats
from storage.catalogue.cameras import list_all
from storage.catalogue.database import Database
from storage.texts import escaped

__all__ = ["Post", "RecipientQueue"]

log = logging.getLogger(__name__)

# Attempts come 10 s apart, 20 s, …, a quarter of an hour.
_AGAIN: Final = Backoff(10.0, 900.0)
# What is over and could not be delivered for so long is no news any more.
_GIVE_UP_US: Final = 24 * 3_600_000_000
# A message that is refused for good so many times is dropped, or it would hold up all that follow.
_MOST_REFUSALS: Final = 8
# Later than this, a message says how late it is.
_LATE_US: Final = 120_000_000


def _said(settings: Mapping[str, Any], failure: DeliveryError) -> str:
    """Why a message was not accepted, as it may be kept: what a server answers may repeat the login that it was sent
    before, and clear a terminal."""
    email, webhook = settings.get("email") or {}, settings.get("webhook") or {}
    telegram = settings.get("telegram") or {}
    secrets = [email.get("password"), telegram.get("token"), webhook.get("url"), webhook.get("secret")]
    return escaped(Redactor(filter(None, secrets), hashes=True)(str(failure)))


def _now_us() -> int:
    return time.time_ns() // 1000


class Post:
    """All recipients. ``settings``: of alerts, as ``channels`` takes them, with ``language`` and ``zone``;
    ``queues``: by recipient."""

    def __init__(self, database: Database, settings: Mapping[str, Any], *, clock: Callable[[], int] = _now_us) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self.queues: dict[str, RecipientQueue] = {}
        self._lock = threading.Lock()
        self._runs = False
        self._ending = threading.Event()

    def configure(self, settings: Mapping[str, Any]) -> None:
        """New settings: who is new gets a queue, who is gone gets nothing any more."""
        found = {channel.recipient: channel for channel in channels(settings)}
        now_us = self._clock()
        with self._lock:
            with self._database.write() as conn:
                deliveries.set_recipients(conn, list(found), now_us=now_us)
                deliveries.forget(conn, now_us=now_us)
            self._settings = settings
            for gone in self.queues.keys() - found.keys():
                self.queues.pop(gone).stop()
            for recipient, channel in found.items():
                queue = self.queues.get(recipient)
                if queue is None:
                    queue = self.queues[recipient] = RecipientQueue(self._database, channel, self._ending, self._clock)
                    queue.configure(channel, settings)
                    if self._runs:
                        queue.start()
                else:
                    queue.configure(channel, settings)

    def start(self) -> None:
        """Starts sending."""
        self._runs = True
        self.configure(self._settings)
        with self._lock:
            for queue in self.queues.values():
                queue.start()

    def wake(self) -> None:
        """There is something new."""
        with self._lock:
            for queue in self.queues.values():
                queue.wake()

    def join(self, timeout_s: float) -> None:
        """Ends all threads; what is on its way has so long to be answered."""
        self._ending.set()
        self.wake()
        deadline = time.monotonic() + timeout_s
        for queue in list(self.queues.values()):
            queue.join(max(0.0, deadline - time.monotonic()))


class RecipientQueue:
    """What waits for one recipient, and the thread that sends it."""

    def __init__(self, database: Database, channel: Channel, ending: threading.Event, clock: Callable[[], int]) -> None:
        self._database = database
        self._channel = channel
        self._ending = ending
        self._clock = clock
        self._settings: Mapping[str, Any] = {}
        self._news = threading.Event()
        self._stopped = False
        self._at_once = False
        self._failures = 0
        # Accepted, and not in the catalogue yet because that could not be written: nothing is sent before it is.
        self._unwritten: tuple[Delivery, list[int]] | None = None
        self._thread: threading.Thread | None = None

    def configure(self, channel: Channel, settings: Mapping[str, Any]) -> None:
        """New settings: another way to reach it is tried at once."""
        if channel != self._channel:
            # It may be reached now.
            self._failures, self._at_once = 0, True
            self._news.set()
        self._channel, self._settings = channel, settings

    def start(self) -> None:
        """Starts sending."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"post {self._channel.recipient}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread once what is on its way is answered."""
        self._stopped = True
        self._news.set()

    def wake(self) -> None:
        """There is something new."""
        self._news.set()

    def join(self, timeout_s: float) -> None:
        """Waits for the thread's end."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        wait_s: float | None = 0.0
        next_at = 0.0
        while True:
            if wait_s != 0.0:
                self._news.wait(None if wait_s is None else max(0.0, next_at - time.monotonic()))
                self._news.clear()
            if self._ending.is_set() or self._stopped:
                return
            # News does not make a recipient that refuses be asked sooner.
            if wait_s is not None and time.monotonic() < next_at and not self._at_once:
                continue
            self._at_once = False
            try:
                wait_s = self.attempt()
            except sqlite3.Error as error:
                log.error("messages to %s could not be sent, will try again: %s", self._channel.recipient, error)
                wait_s = 1.0
            next_at = time.monotonic() + (wait_s or 0.0)

    def attempt(self) -> float | None:
        """Sends the first message that waits. Returns in how many seconds to try again: 0 for the next message, None if
        none waits."""
        recipient = self._channel.recipient
        if self._unwritten is not None:
            self._write_accepted(*self._unwritten)
        now_us = self._clock()
        with self._database.read() as conn:
            waits = deliveries.waiting(conn, recipient)
            if not waits:
                return None
            first = waits[0]
            if (why := self._hopeless(conn, first, now_us)) is not None:
                return self._drop(first, why, now_us)
            chosen, joined = first, list[int]()
            if self._channel.joins:
                same = [delivery for delivery in waits if delivery.alert == first.alert]
                # The last word on the alert tells all; one that came back after its end is the next message.
                if "resolved" in (events := [delivery.event for delivery in same]):
                    same = same[: events.index("resolved") + 1]
                chosen, joined = same[-1], [delivery.seq for delivery in same[:-1]]
            facts = self._facts(conn, chosen)
            if facts is None:
                return self._drop(first, "its alert is gone", now_us)
            names = {camera.id: camera.name for camera in list_all(conn)}
            dropped = next((one.dropped_untold for one in deliveries.recipients(conn) if one.id == recipient), 0)
        formats = Formats(self._settings["language"], self._settings["zone"])
        late_us = now_us - first.at_us
        note = Note(late_us if late_us >= _LATE_US else 0, dropped)
        failure: DeliveryError | None = None
        try:
            self._channel.send(compose(facts, names, formats, note), facts, f"{chosen.alert}.{chosen.seq}")
        except DeliveryError as error:
            failure = error
        except Exception as error:
            # An address or a text that no message can be made of: it must not hold up the others.
            log.exception(
                "alert %s could not be made a message to %s: report this, with these lines", first.alert, recipient
            )
            failure = DeliveryError(f"no message could be made of it ({type(error).__name__})", is_refusal=True)
        if failure is not None:
            why = _said(self._settings, failure)
            log.error("alert %s could not be delivered to %s, will try again: %s", first.alert, recipient, why)
            with self._database.write() as conn:
                deliveries.failed(conn, first, why, is_refusal=failure.is_refusal, now_us=now_us)
            self._failures += 1
            return _AGAIN.after(self._failures)
        self._failures = 0
        self._unwritten = (chosen, joined)
        self._write_accepted(chosen, joined)
        return 0.0

    def _write_accepted(self, delivery: Delivery, joined: list[int]) -> None:
        with self._database.write() as conn:
            deliveries.accepted(conn, self._channel.recipient, delivery.seq, joined, now_us=self._clock())
        self._unwritten = None

    def _hopeless(self, conn: sqlite3.Connection, delivery: Delivery, now_us: int) -> str | None:
        """Why a message is not worth another attempt, if so."""
        if delivery.refusals >= _MOST_REFUSALS:
            return f"it was refused {delivery.refusals} times: {delivery.error}"
        if now_us - delivery.at_us > _GIVE_UP_US:
            row = alerts.find(conn, delivery.alert)
            if row is None or row.resolved_us is not None:
                return f"it could not be delivered for a day, and its alert is over: {delivery.error or 'no attempt'}"
        return None

    def _drop(self, delivery: Delivery, why: str, now_us: int) -> float:
        log.error("a message of alert %s to %s is dropped: %s", delivery.alert, delivery.recipient, why)
        with self._database.write() as conn:
            deliveries.drop(conn, delivery.recipient, [delivery.seq], why, now_us=now_us)
        return 0.0

    @staticmethod
    def _facts(conn: sqlite3.Connection, delivery: Delivery) -> dict[str, Any] | None:
        if delivery.body:
            return dict(delivery.body)
        # Queued by a version that did not keep what the alert was like.
        row = alerts.find(conn, delivery.alert)
        return None if row is None else facts_of(row, delivery.event, at_us=delivery.at_us)
