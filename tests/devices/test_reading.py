"""What is read of answers, and that hostile ones are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.discovery import read_match
from nvr.devices.onvif.facts import DeviceFacts, VideoProfile
from nvr.devices.onvif.reading import (
    read_clock,
    read_mac,
    read_profiles,
    read_services,
    read_stream_url,
    with_uses,
    zone_ahead_s,
)
from nvr.devices.onvif.soap import DEVICE, MEDIA1, MEDIA2, answer_of, attempts_left, fault_of, request
from nvr.devices.onvif.xml_reader import MOST_BYTES, XmlError, read_xml
from tests.support.cameras.onvif import OnvifDevice, texts

NOTHING: frozenset[str] = frozenset()


def said(body: str, *quirks: str) -> bytes:
    return texts.message(body, frozenset(quirks))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no XML"),
        (b"<a>" * 100 + b"</a>" * 100, "too deeply"),
        (b"<a>" + b"<b/>" * 60_000 + b"</a>", "too many elements"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "DTD"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DTD"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"), "DTD"),
        (b'<?xml version="1.0" encoding="cp437-none"?><a/>', "encoding"),
        (b"<a>" + b" " * MOST_BYTES + b"</a>", "more than"),
        (b"<a><b></a>", "no XML"),
        (b"\xff\xfe\x00", "no XML"),
    ],
)
def test_hostile_xml_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(XmlError, match=why):
        read_xml(text)


def test_entities_are_never_expanded() -> None:
    """A billion laughs in less than a kilobyte: refused at its first line."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    with pytest.raises(XmlError, match="DTD"):
        read_xml(f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l19;</a>'.encode())


@given(st.binary(max_size=400))
def test_any_bytes_are_xml_or_refused(text: bytes) -> None:
    try:
        root = read_xml(text)
    except XmlError:
        return
    assert len(list(root.walk())) < 400


@given(st.text(max_size=80))
def test_what_is_filled_in_never_becomes_markup(token: str) -> None:
    body = request(MEDIA2, "GetStreamUri", token)
    assert body.count("<") == request(MEDIA2, "GetStreamUri", "").count("<")


@pytest.mark.parametrize(
    ("zone", "ahead_s"),
    [
        ("WIB-7", 25_200),
        ("CST-7:00:00", 25_200),
        ("<+07>-7", 25_200),
        ("EST5EDT", -18_000),
        ("IST-5:30", 19_800),
        ("", None),
    ],
)
def test_zones_are_posix(zone: str, ahead_s: int | None) -> None:
    assert zone_ahead_s(zone) == ahead_s


@pytest.mark.parametrize(
    ("quirk", "offset_s"), [("", 90.0), ("clock_utc_missing", 90.0), ("clock_local_in_utc", 90.0 + 25_200)]
)
def test_a_clock_is_read(quirk: str, offset_s: float) -> None:
    now_s = 1_795_442_400.0
    body = texts.clock(now_s + 90, 25_200, "WIB-7", "Manual", frozenset({quirk}))
    found = read_clock(answer_of(said(body)), now_s - 0.2, now_s + 0.2)
    assert found is not None
    assert abs(found.offset_s - offset_s) <= found.within_s == pytest.approx(0.7)
    assert found.is_manual


def test_a_clock_that_is_ahead_by_its_zone_is_not_one_that_shows_local_time_as_utc() -> None:
    now_s = 1_795_442_400.0
    ahead = answer_of(said(texts.clock(now_s + 25_200, 25_200, "WIB-7", "NTP", NOTHING)))
    local = answer_of(said(texts.clock(now_s, 25_200, "WIB-7", "NTP", frozenset({"clock_local_in_utc"}))))
    for answer, expected in ((ahead, False), (local, True)):
        found = read_clock(answer, now_s, now_s)
        assert found is not None and found.holds_local is expected


def test_no_clock_is_none() -> None:
    body = texts.clock(0.0, 0, "", "NTP", frozenset({"clock_none"}))
    assert read_clock(answer_of(said(body)), 0.0, 0.0) is None


@pytest.mark.parametrize("quirk", ["soap11", "prefix_undeclared"])
def test_envelopes_of_both_versions_and_odd_prefixes_are_read(quirk: str) -> None:
    answer = answer_of(said(texts.information("A", "B", "C", "D"), quirk))
    assert answer.said("SerialNumber") == "D"


@pytest.mark.parametrize("quirk", ["", "soap11"])
def test_faults_are_known(quirk: str) -> None:
    fault = fault_of(
        answer_of(said(texts.fault("NotAuthorized", "no. You still have 5 attempt(s)", frozenset({quirk})), quirk))
    )
    assert fault is not None and fault.refuses
    assert attempts_left(fault.reason) == 5
    other = fault_of(answer_of(said(texts.fault("ActionNotSupported", "no such thing", frozenset({quirk})), quirk)))
    assert other is not None and not other.refuses


@pytest.mark.parametrize(("new", "codec"), [(True, "h265"), (False, "h264")])
def test_profiles_are_read_with_their_uses(new: bool, codec: str) -> None:
    device = OnvifDevice("192.0.2.1", uuid="", channels=2)
    body = texts.profiles(device.streams(), new=new, quirks=frozenset({"profiles_without_video"}))
    found = with_uses(read_profiles(answer_of(said(body)), MEDIA2 if new else MEDIA1))
    assert [(one.token, one.source, one.use) for one in found] == [
        ("main1", "1", "main"), ("sub1", "1", "sub"), ("main2", "2", "main"), ("sub2", "2", "sub"),
    ]  # fmt: skip
    main = found[0]
    assert (main.codec, main.width, main.height, main.frame_rate) == (codec, 2560, 1440, 25.0)
    assert (main.keyframe_s, main.bitrate_bps) == (2.0, 4_096_000)


@given(
    st.lists(
        st.builds(
            VideoProfile,
            token=st.uuids().map(str),
            source=st.sampled_from(["1", "2"]),
            width=st.sampled_from([0, 160, 320, 640, 1920]),
            height=st.sampled_from([0, 90, 180, 360, 1080]),
        ),
        max_size=6,
    )
)
def test_a_source_has_one_main_and_at_most_one_smaller_sub(profiles: list[VideoProfile]) -> None:
    found = with_uses(profiles)
    for source in {one.source for one in profiles}:
        own = [one for one in found if one.source == source]
        mains, subs = ([one for one in own if one.use == use] for use in ("main", "sub"))
        assert len(mains) == 1 and len(subs) <= 1
        assert all(one.width * one.height <= mains[0].width * mains[0].height for one in own)
        assert all(one.width >= 320 and one.width * one.height < mains[0].width * mains[0].height for one in subs)


def test_addresses_lead_to_where_the_device_was_asked() -> None:
    paths = {DEVICE: "/onvif/device_service", MEDIA2: "/onvif/media2"}
    services = read_services(answer_of(said(texts.services("http://192.168.1.64:8000", paths, old=False))))
    assert services[MEDIA2].path == "/onvif/media2" and services[MEDIA2].host == "192.168.1.64"
    url = read_stream_url(answer_of(said(texts.stream("rtsp://u:p@192.168.1.64:8554/a?b=c&d=e", new=True))), "10.0.0.7")
    assert url is not None and url[0] == "rtsp://10.0.0.7:8554/a?b=c&d=e" and url[2] == "192.168.1.64"
    secret = read_stream_url(
        answer_of(said(texts.stream("rtsp://h/user=a_password=geheim_x.sdp", new=False))), "fd00::7"
    )
    assert secret is not None and secret[0] == "rtsp://[fd00::7]/user=a_password=geheim_x.sdp"
    assert "geheim" not in secret[1]
    for wrong in ("http://h/x", "rtsp://h:99999/x", "rtsp://h/a b", "", "file:///etc/passwd"):
        assert read_stream_url(answer_of(said(texts.stream(wrong, new=True))), "10.0.0.7") is None, wrong


def test_the_hardware_address_is_that_of_the_interface_in_use() -> None:
    assert read_mac(answer_of(said(texts.interfaces("44-19-B6-00-00-01")))) == "44:19:b6:00:00:01"


def test_a_match_counts_only_for_the_probe_that_was_sent() -> None:
    uuid = "0000002a-0000-1000-8000-000000000000"
    data = texts.probe_match("urn:uuid:1", uuid, "http://h:8000/onvif/device_service", "V", "M")
    found = read_match(data, "urn:uuid:1")
    assert found is not None and (found.uuid, found.port, found.path) == (uuid, 8000, "/onvif/device_service")
    assert read_match(data, "urn:uuid:2") is None
    assert read_match(b"ProbeMatch", "urn:uuid:1") is None


@pytest.mark.parametrize("serial", ["", "000000", "0", "123456", "000000000000"])
def test_a_factory_serial_is_no_identity(serial: str) -> None:
    assert DeviceFacts(address="a", port=1, manufacturer="V", serial=serial).identity == ""
    assert DeviceFacts(address="a", port=1, manufacturer="V", serial="12AB").identity != ""
