"""Events of a simulated device: pull points with their limit and their time, and what is in them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from nvr.devices.onvif.xml_reader import XmlNode

__all__ = ["EventsSimulator"]

_MOST = 3
_BASE = "/onvif/events"


def _stamp(at_s: float) -> str:
    whole = int(at_s)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((at_s - whole) * 1000):03d}Z"


@dataclass
class _PullPoint:
    until_s: float
    waiting: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class EventsSimulator:
    """`clock_s` is what its clock shows. `made`, `renewed` and `ended` count subscriptions; `points` are those that
    are there."""

    quirks: frozenset[str] = frozenset()
    clock_s: Callable[[], float] = time.time
    made: int = 0
    renewed: int = 0
    ended: int = 0
    pulls: int = 0
    points: dict[str, _PullPoint] = field(default_factory=dict)
    _states: dict[tuple[str, str], bool] = field(default_factory=dict)

    def emit(self, topic: str, state: bool | None, *, token: str = "1", item: str = "State") -> None:
        """Something happens; `state` None: once."""
        if state is not None:
            self._states[topic, token] = state
        self._put(self._message(topic, state, token, item, "" if state is None else "Changed"))

    def forget(self) -> None:
        """Every subscription is lost: it was restarted."""
        for point in self.points.values():
            point.news.set()
        self.points.clear()

    def _put(self, message: str) -> None:
        for point in self.points.values():
            point.waiting.append(message)
            point.news.set()

    def _message(self, topic: str, state: bool | None, token: str, item: str, operation: str) -> str:
        data = "" if state is None else f'<tt:SimpleItem Name="{item}" Value="{str(state).lower()}"/>'
        named = f' PropertyOperation="{operation}"' if operation else ""
        return (
            "<wsnt:NotificationMessage>"
            '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"tns1:{escape(topic)}</wsnt:Topic><wsnt:Message>"
            f'<tt:Message UtcTime="{_stamp(self.clock_s())}"{named}>'
            f'<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="{token}"/></tt:Source>'
            f"<tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )

    async def ready(self, path: str, body: bytes) -> None:
        """Waits as long as a pull may, or until there is something to answer."""
        if b"PullMessages" not in body or "events_at_once" in self.quirks:
            return
        point = self.points.get(self._id_of(path, body.decode()))
        if point is None or point.waiting:
            return
        asked = body.decode().partition("Timeout>PT")[2].partition("S<")[0]
        point.news.clear()
        try:
            async with asyncio.timeout(float(asked)):
                await point.news.wait()
        except TimeoutError:
            pass

    def _id_of(self, path: str, body: str) -> str:
        if "events_reference" in self.quirks:
            return body.partition("Idx")[2].partition(">")[2].partition("<")[0]
        return path.rpartition("=")[2]

    def answer(self, path: str, question: XmlNode, whole: bytes) -> str | None:
        """The body of the answer; None: it can't."""
        now_s = time.monotonic()
        for id_ in [id_ for id_, point in self.points.items() if now_s > point.until_s]:
            del self.points[id_]
        name = question.name
        if name == "CreatePullPointSubscription":
            if len(self.points) >= _MOST:
                return None
            self.made += 1
            id_ = str(self.made)
            lasts_s = 10.0 if "events_short" in self.quirks else 600.0
            self.points[id_] = _PullPoint(now_s + lasts_s)
            return (
                f"<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>{self._reference(id_)}"
                f"</tev:SubscriptionReference>{self._lasts(lasts_s)}</tev:CreatePullPointSubscriptionResponse>"
            )
        id_ = self._id_of(path, whole.decode())
        point = self.points.get(id_)
        if point is None:
            return None
        if name == "PullMessages":
            self.pulls += 1
            found, point.waiting = point.waiting, []
            if "events_no_extend" not in self.quirks:
                point.until_s = max(point.until_s, now_s + 60.0)
            left_s = point.until_s - now_s
            return f"<tev:PullMessagesResponse>{self._lasts(left_s)}{''.join(found)}</tev:PullMessagesResponse>"
        if name == "SetSynchronizationPoint":
            for (topic, token), state in self._states.items():
                point.waiting.append(self._message(topic, state, token, "State", "Initialized"))
            return "<tev:SetSynchronizationPointResponse/>"
        if name == "Renew" and "events_renew_refused" not in self.quirks:
            self.renewed += 1
            lasts_s = 10.0 if "events_short" in self.quirks else 600.0
            point.until_s = now_s + lasts_s
            return f"<wsnt:RenewResponse>{self._lasts(lasts_s)}</wsnt:RenewResponse>"
        if name == "Unsubscribe":
            self.ended += 1
            del self.points[id_]
            return "<wsnt:UnsubscribeResponse/>"
        return None

    def _reference(self, id_: str) -> str:
        host = "" if "events_relative" in self.quirks else "http://192.168.1.64"
        if "events_reference" in self.quirks:
            return (
                f"<wsa:Address>{host}{_BASE}</wsa:Address><wsa:ReferenceParameters>"
                f'<dom0:Idx xmlns:dom0="http://example.com/idx">{id_}</dom0:Idx></wsa:ReferenceParameters>'
            )
        return f"<wsa:Address>{host}{_BASE}?Idx={id_}</wsa:Address>"

    def _lasts(self, lasts_s: float) -> str:
        if "events_times_missing" in self.quirks:
            return ""
        now_s = self.clock_s()
        return (
            f"<tev:CurrentTime>{_stamp(now_s)}</tev:CurrentTime>"
            f"<tev:TerminationTime>{_stamp(now_s + lasts_s)}</tev:TerminationTime>"
        )
