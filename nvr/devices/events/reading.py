"""From what a device sends to events. Pure. Tolerant: what is misspelt is of kind ``other``, with its topic as it
came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nvr.devices.onvif.reading import clean
from nvr.devices.onvif.xml_reader import XmlNode

__all__ = ["DeviceEvent", "PullPoint", "kind_of", "read_events", "read_granted", "read_pull_point", "time_us"]

_MOST_EVENTS: Final = 1_000
# Beginnings of topics, without prefixes; the first that fits counts.
_KINDS: Final = (
    ("VideoSource/MotionAlarm", "motion"),
    ("RuleEngine/CellMotionDetector", "motion"),
    ("RuleEngine/MotionRegionDetector", "motion"),
    ("VideoAnalytics/Motion", "motion"),
    ("VideoSource/GlobalSceneChange", "tamper"),
    ("RuleEngine/TamperDetector", "tamper"),
    ("VideoSource/ImageTooDark", "picture"),
    ("VideoSource/ImageTooBright", "picture"),
    ("VideoSource/ImageTooBlurry", "picture"),
    ("VideoSource/SignalLoss", "signal"),
    ("Device/Trigger/DigitalInput", "input"),
    ("Device/IO", "input"),
    ("Device/HardwareFailure/StorageFailure", "storage"),
    ("Device/SecurityPolicy/AuthFailed", "login"),
    ("RuleEngine/LineDetector", "line"),
    ("RuleEngine/LineCounter", "line"),
    ("RuleEngine/FieldDetector", "area"),
)
_ON: Final = frozenset({"true", "1", "on", "active"})
_OFF: Final = frozenset({"false", "0", "off", "inactive"})
# Which item of an event says where: a source of video, a contact, a rule.
_WHERE: Final = (
    "VideoSourceConfigurationToken", "VideoSourceToken", "Source", "InputToken", "Token", "Rule",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """``topic`` is without prefixes; ``token``: of the source, as the device calls it. ``is_on``: whether it begins or
    ends; None: it happened once. ``at_us``: by the device's clock; None: it does not say. ``is_state``: it tells how
    things are, not that they changed; ``is_gone``: what it was about is no longer there."""

    topic: str
    kind: str
    token: str
    is_on: bool | None
    at_us: int | None
    is_state: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class PullPoint:
    """Where a device keeps events until they are asked for. ``path`` with its query; ``parameters``: what it wants back
    in the header of each message, as XML."""

    path: str
    address: str
    parameters: str


def kind_of(topic: str) -> str:
    """The kind of a topic without prefixes."""
    return next((kind for begin, kind in _KINDS if topic.startswith(begin)), "other")


def _topic(text: str) -> str:
    """A topic without prefixes: ``tns1:VideoSource/tns1:MotionAlarm`` is ``VideoSource/MotionAlarm``."""
    return "/".join(clean(part.rpartition(":")[2]) for part in text.strip().split("/"))


def time_us(text: str) -> int | None:
    """A time as XML has it, as microseconds; None if it is none. Without a zone it is UTC, which it should be."""
    try:
        found = datetime.fromisoformat(text.strip())
        at = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return round(at.timestamp() * 1_000_000) if 1970 <= at.year <= 2200 else None
    except (ValueError, OverflowError):
        return None


def _items(node: XmlNode | None) -> dict[str, str]:
    if node is None:
        return {}
    every = node.every("SimpleItem")[:50]
    return {one.attributes.get("Name", ""): clean(one.attributes.get("Value", "")) for one in every}


def _state(data: dict[str, str]) -> bool | None:
    """The one item of an event that is on or off; None: there is none, or several."""
    found = [value.lower() in _ON for value in data.values() if value.lower() in _ON | _OFF]
    return found[0] if len(found) == 1 else None


def read_events(answer: XmlNode) -> list[DeviceEvent]:
    """The events of an answer to ``PullMessages``."""
    found: list[DeviceEvent] = []
    for note in answer.every("NotificationMessage")[:_MOST_EVENTS]:
        topic = _topic(note.said("Topic"))
        outer = note.find("Message")
        message = (outer.find("Message") or outer) if outer is not None else None
        if not topic or message is None:
            continue
        source, data = _items(message.find("Source")), _items(message.find("Data"))
        token = next((source[name] for name in _WHERE if source.get(name)), "") or next(iter(source.values()), "")
        operation = message.attributes.get("PropertyOperation", "")
        found.append(
            DeviceEvent(
                topic[:200],
                kind_of(topic),
                token[:64],
                _state(data),
                time_us(message.attributes.get("UtcTime", "")),
                is_state=operation == "Initialized",
                is_gone=operation == "Deleted",
            )
        )
    return found


def read_pull_point(answer: XmlNode) -> PullPoint | None:
    """Where to pull, of an answer to ``CreatePullPointSubscription``; None: it does not say."""
    reference = answer.find("SubscriptionReference")
    if reference is None:
        return None
    address = reference.said("Address")
    # Behind a router it names itself as it likes: the host is the one that was asked, and only the rest counts.
    rest = re.sub(r"^[a-z]+://[^/?]*", "", address, flags=re.IGNORECASE)
    path = rest if rest.startswith("/") else f"/{rest}"
    if not path.isascii() or not path.isprintable() or " " in path or len(path) > 500:
        return None
    given = reference.find("ReferenceParameters") or reference.find("ReferenceProperties")
    parameters = "".join(one.written() for one in given.children[:10]) if given is not None else ""
    return PullPoint(path, address, parameters if len(parameters) < 4_000 else "")


def read_granted(answer: XmlNode) -> float | None:
    """For how many seconds a device keeps a subscription; None: it does not say."""
    now_us, until_us = time_us(answer.said("CurrentTime")), time_us(answer.said("TerminationTime"))
    if now_us is None or until_us is None or until_us <= now_us:
        return None
    return (until_us - now_us) / 1e6
