"""Who is who: devices that moved, swapped, vanished, or claim to be another."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from nvr.devices.rows import FoundDevice, Sighting
from nvr.devices.settle import is_same, merged, settle, unsure


def facts(number: int, address: str, *, login: str = "digest", uuid: bool = True, **more: object) -> DeviceFacts:
    names = {"manufacturer": "V", "serial": f"SN{number:06d}X", "mac": f"44:19:b6:00:00:{number % 256:02x}"}
    known = {**(names if login == "digest" else {}), **more}
    own = f"{number:08x}-0000-1000-8000-000000000000" if uuid else ""
    return DeviceFacts(address=address, port=80, login=login, uuid=own, **known)  # type: ignore[arg-type]


def seen(one: DeviceFacts) -> Sighting:
    return Sighting(one, DeviceSecrets())


def row(number: int, address: str, *, missing: bool = False, **more: object) -> FoundDevice:
    own = facts(number, address, **more)  # type: ignore[arg-type]
    return FoundDevice(f"d{number}", address, 80, own, DeviceSecrets(), 1, 1, 2 if missing else None)


@given(st.integers(0, 2**32), st.sampled_from(["digest", "not_tried"]), st.booleans())
def test_devices_that_change_places_are_all_known_again_and_none_is_another(seed: int, login: str, uuid: bool) -> None:
    """Any of twelve devices go anywhere, some vanish, and new ones come; logged in to or known by their UUID."""
    rng = random.Random(seed)
    places = [f"10.0.0.{n}" for n in range(1, 30)]
    known = [row(n, place) for n, place in enumerate(rng.sample(places, 12))]
    now = rng.sample(places, 14)
    numbers = [*rng.sample(range(12), rng.randint(0, 12)), 100, 101]
    sightings = [
        seen(facts(n, place, login=login, uuid=uuid or login != "digest"))
        for n, place in zip(numbers, now, strict=False)
    ]
    settled = settle(known, sightings)
    assert len(settled) == len(sightings)
    for one in settled:
        number = next(
            n for n, s in zip(numbers, sightings, strict=False) if s.facts.address == one.sighting.facts.address
        )
        assert (one.device.id if one.device is not None else None) == (f"d{number}" if number < 12 else None)
        if one.device is not None:
            assert one.moved_from == (None if one.device.address == one.sighting.facts.address else one.device.address)
    assert len({one.device.id for one in settled if one.device is not None}) == sum(n < 12 for n in numbers)


def test_of_two_that_claim_one_serial_number_neither_moves() -> None:
    known = [row(1, "10.0.0.1")]
    settled = settle(known, [seen(facts(1, "10.0.0.2")), seen(facts(1, "10.0.0.3"))])
    assert [one.device for one in settled] == [None, None]
    for one, other in zip(settled, ("10.0.0.3", "10.0.0.2"), strict=True):
        finding = one.sighting.facts.findings[-1]
        assert (finding.code, finding.figures) == ("serial_shared", {"address": other})


def test_a_device_that_still_answers_where_it_was_has_not_moved() -> None:
    known = [row(1, "10.0.0.1")]
    found = [seen(facts(1, "10.9.0.1"))]
    assert unsure(known, found, lambda address: address.startswith("10.9.")) == known
    assert unsure(known, found, lambda address: True) == []
    kept = settle(known, found, still_there=["d1"])[0]
    assert kept.device is None and kept.sighting.facts.findings[0].code == "serial_shared"
    moved = settle(known, found)[0]
    assert moved.device is known[0] and moved.moved_from == "10.0.0.1"


def test_a_duplicate_that_is_known_stays_what_it_is() -> None:
    known = [row(1, "10.0.0.1"), FoundDevice("d1b", "10.0.0.2", 80, facts(1, "10.0.0.2"), DeviceSecrets(), 1, 1, None)]
    settled = settle(known, [seen(facts(1, "10.0.0.2"))])
    assert settled[0].device is known[1]
    elsewhere = settle(known, [seen(facts(1, "10.0.0.3"))])
    assert elsewhere[0].device is None, "it can't be said which of the two that is"


def test_another_device_at_a_known_address_is_another_device() -> None:
    settled = settle([row(1, "10.0.0.1")], [seen(facts(2, "10.0.0.1"))])
    assert settled[0].device is None


def test_without_a_serial_number_the_uuid_counts_and_then_the_place() -> None:
    plain, same = facts(1, "a", login="not_tried"), facts(1, "b")
    assert is_same(plain, same)
    assert not is_same(plain, facts(2, "a"))
    bare = DeviceFacts(address="a", port=80)
    assert is_same(bare, DeviceFacts(address="a", port=80)) and not is_same(bare, DeviceFacts(address="b", port=80))
    # A MAC that many share is no match where serial numbers differ.
    assert not is_same(facts(1, "a", mac="00:11:22:33:44:55"), facts(2, "b", mac="00:11:22:33:44:55"))


def test_what_was_known_stays_when_nobody_could_log_in() -> None:
    old = row(1, "10.0.0.1")
    now = merged(old, seen(facts(1, "10.0.0.9", login="blocked")))
    assert (now.facts.serial, now.facts.address, now.facts.login) == ("SN000001X", "10.0.0.9", "blocked")
    rtsp = merged(old, seen(DeviceFacts(address="10.0.0.1", port=554, kind="rtsp")))
    assert (rtsp.facts.kind, rtsp.facts.serial, rtsp.facts.port) == ("onvif", "SN000001X", 80)
