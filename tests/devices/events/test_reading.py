"""What a device sends, as events: topics, times, states, and where to pull."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.events.reading import DeviceEvent, kind_of, read_events, read_granted, read_pull_point, time_us
from nvr.devices.onvif.soap import answer_of
from nvr.devices.onvif.xml_reader import XmlNode
from tests.support.cameras.onvif import EventsSimulator, texts

NOTHING: frozenset[str] = frozenset()


def answer(body: str, *quirks: str) -> XmlNode:
    return answer_of(texts.message(body, frozenset(quirks)))


def message(topic: str, attributes: str, source: str, data: str) -> str:
    return (
        f"<wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic><wsnt:Message><tt:Message {attributes}>"
        f"<tt:Source>{source}</tt:Source><tt:Data>{data}</tt:Data></tt:Message></wsnt:Message>"
        "</wsnt:NotificationMessage>"
    )


def events(*messages: str) -> list[DeviceEvent]:
    return read_events(answer(f"<tev:PullMessagesResponse>{''.join(messages)}</tev:PullMessagesResponse>"))


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("tns1:VideoSource/MotionAlarm", "motion"),
        ("tns1:RuleEngine/CellMotionDetector/Motion", "motion"),
        ("tns1:VideoSource/tns1:GlobalSceneChange/ImagingService", "tamper"),
        (" tns1:VideoSource/ImageTooBlurry/AnalyticsService\n", "picture"),
        ("tns1:VideoSource/SignalLoss", "signal"),
        ("tns1:Device/Trigger/DigitalInput", "input"),
        ("tns1:Device/tns1:HardwareFailure/tns1:StorageFailure", "storage"),
        ("tns1:RuleEngine/LineDetector/Crossed", "line"),
        ("tns1:RuleEngine/FieldDetector/ObjectsInside", "area"),
        ("tnsvendor:Whatever/Thing", "other"),
    ],
)
def test_a_topic_is_a_kind(topic: str, kind: str) -> None:
    (found,) = events(message(topic, 'UtcTime="2026-11-23T14:00:00.5Z"', "", '<tt:SimpleItem Name="S" Value="1"/>'))
    assert (found.kind, found.is_on, found.at_us) == (kind, True, 1_795_442_400_500_000)
    assert kind_of(found.topic) == kind and ":" not in found.topic


def test_what_it_says_of_itself() -> None:
    token = '<tt:SimpleItem Name="VideoSourceConfigurationToken" Value="v2"/><tt:SimpleItem Name="Rule" Value="r"/>'
    off = '<tt:SimpleItem Name="IsMotion" Value="false"/>'
    both = off + '<tt:SimpleItem Name="IsInside" Value="true"/>'
    found = events(
        message("a/b", 'PropertyOperation="Initialized"', token, off),
        message("a/b", 'PropertyOperation="Deleted"', token, ""),
        message("a/b", 'UtcTime="nonsense"', "", both),
        "<wsnt:NotificationMessage><wsnt:Topic>a</wsnt:Topic></wsnt:NotificationMessage>",
        message("", "", "", off),
    )
    assert [(one.token, one.is_on, one.at_us, one.is_state, one.is_gone) for one in found] == [
        ("v2", False, None, True, False),
        ("v2", None, None, False, True),
        ("", None, None, False, False),
    ]


@pytest.mark.parametrize(
    ("quirk", "path"),
    [("", "/onvif/events?Idx=1"), ("events_relative", "/onvif/events?Idx=1"), ("events_reference", "/onvif/events")],
)
def test_where_to_pull_is_at_the_device_that_was_asked(quirk: str, path: str) -> None:
    simulated = EventsSimulator(quirks=frozenset({quirk}))
    question = answer("<tev:CreatePullPointSubscription/>")
    made = simulated.answer("/onvif/events", question, b"")
    assert made is not None
    point = read_pull_point(answer(made))
    assert point is not None and point.path == path
    assert point.parameters == ('<Idx xmlns="http://example.com/idx">1</Idx>' if quirk == "events_reference" else "")
    granted = read_granted(answer(made))
    assert granted is not None and 599 <= granted <= 601


@pytest.mark.parametrize("address", ["http://h/a b", "http://h/\n", "http://h/" + "x" * 600, "http://h/ä"])
def test_an_address_that_is_none(address: str) -> None:
    reference = f"<tev:SubscriptionReference><wsa:Address>{address}</wsa:Address></tev:SubscriptionReference>"
    found = read_pull_point(answer(f"<tev:R>{reference}</tev:R>"))
    assert found is None or found.path == "/"
    assert read_pull_point(answer("<tev:R/>")) is None


@given(st.text(max_size=40))
def test_no_time_fails(text: str) -> None:
    found = time_us(text)
    assert found is None or -86_400_000_000 < found < 1 << 63
