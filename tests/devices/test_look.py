"""Looking at one device: every quirk of the simulator, with the right password and with a wrong one."""

from __future__ import annotations

import ast
import base64
import socket
from pathlib import Path

import msgspec
import pytest

from nvr.devices.look import Looked, look
from nvr.devices.onvif.client import Credentials
from nvr.recorder.sources.rtsp.ledger import Ledger
from storage.catalogue.logins import LoginAccount
from tests.support.cameras.onvif import QUIRKS, OnvifDevice, OnvifServer

PASSWORD = "Semarang2026"
# With these nothing can be learnt, or not without a login.
MUTE = {"silent", "redirects", "xml_dtd", "xml_deep", "xml_endless", "xml_cut"}
NO_LOGIN = {"clock_none", "time_needs_login"}
DIGEST = {"basic_too", "digest_sha256", "nonce_stale"}
FINDINGS = {
    "clock_local_in_utc": "clock_local",
    "clock_none": "clock_unknown",
    "time_needs_login": "login_for_time",
    "anonymous": "open_to_all",
    "basic_too": "basic_offered",
    "names_other_host": "names_other_host",
    "serial_zero": "serial_missing",
    "no_sub": "no_sub_stream",
    "far_keyframes": "keyframes_far",
}


def device(number: int, *quirks: str, **settings: object) -> OnvifDevice:
    login = "digest" if DIGEST & {*quirks} else "wsse"
    made: dict[str, object] = {"login": login, "uuid": f"{number:08x}-0000-1000-8000-000000000000", **settings}
    return OnvifDevice(f"127.31.0.{number}", quirks=frozenset(quirks), **made)  # type: ignore[arg-type]


async def seen(one: OnvifDevice, password: str | None = PASSWORD, ledger: Ledger | None = None) -> Looked | None:
    async def credentials(_: str) -> Credentials | None:
        if password is None:
            return None
        return Credentials("admin", password, LoginAccount.of(f"{one.address}:554", "admin", password))

    with socket.socket() as taken:
        taken.bind((one.address, 0))
        port = int(taken.getsockname()[1])
    server = OnvifServer([one], http_port=port)
    await server.start()
    try:
        return await look(one.address, port, credentials=credentials, ledger=ledger or Ledger())
    finally:
        await server.stop()


@pytest.mark.parametrize("quirk", ["", *QUIRKS])
async def test_a_device_is_known_in_spite_of_its_quirk(quirk: str) -> None:
    one = device(1 + ["", *QUIRKS].index(quirk), *([quirk] if quirk else []))
    found = await seen(one)
    assert one.failed == 0
    if quirk in MUTE:
        assert found is None
        return
    assert found is not None
    facts = found.facts
    codes = {finding.code for finding in facts.findings}
    assert FINDINGS.get(quirk, "") in codes | {""}
    # Nothing else is held against it.
    assert codes <= {FINDINGS.get(quirk), "clock_unknown", "login_impossible"}
    if quirk in NO_LOGIN:
        assert facts.login == "impossible" and not facts.serial
        return
    assert facts.login == ("none" if quirk == "anonymous" else one.login)
    assert (facts.manufacturer, facts.model, facts.serial) == (one.vendor, one.model, one.serial)
    assert facts.mac == one.mac
    assert facts.uuid == ("" if quirk == "no_endpoint" else one.uuid)
    main = next(profile for profile in facts.profiles if profile.use == "main")
    assert main.width == 2560 and found.secrets.urls[main.token].startswith(f"rtsp://{one.address}:554/")
    assert PASSWORD not in repr(found) and PASSWORD not in str(facts)
    assert quirk == "anonymous" or found.secrets.password == PASSWORD


@pytest.mark.parametrize("quirk", ["", *sorted({*QUIRKS} - MUTE)])
async def test_a_wrong_password_fails_once_at_most_and_is_not_tried_again(quirk: str) -> None:
    one = device(60 + ["", *QUIRKS].index(quirk), *([quirk] if quirk else []))
    ledger = Ledger()
    tries = [await seen(one, "wrong", ledger) for _ in range(3)]
    if quirk in NO_LOGIN | {"anonymous"}:
        assert one.failed == 0
        return
    assert one.failed == 1
    logins = [found.facts.login for found in tries if found is not None]
    assert logins == ["refused", "blocked", "blocked"]
    assert tries[0] is not None and "login_refused" in [finding.code for finding in tries[0].facts.findings]
    assert tries[0].secrets.password is None


async def test_what_needs_no_login_is_known_without_one() -> None:
    one = device(120, clock_ahead_s=-1800.0)
    found = await seen(one, None)
    assert found is not None and found.facts.login == "not_tried"
    assert found.facts.uuid == one.uuid and not found.facts.serial
    assert [finding.code for finding in found.facts.findings] == ["clock_off"]
    assert abs((found.facts.clock_offset_s or 0) + 1800) < 2


async def test_another_password_is_tried_once_more_and_no_third() -> None:
    one, ledger = device(121), Ledger()
    for password, login in (("a", "refused"), ("b", "refused"), ("c", "blocked"), (PASSWORD, "blocked")):
        found = await seen(one, password, ledger)
        assert found is not None and found.facts.login == login
    assert one.failed == 2


async def test_few_attempts_left_end_all_attempts() -> None:
    one, ledger = device(122, "attempts_told"), Ledger()
    one.failed = 2
    for login in ("refused", "blocked"):
        found = await seen(one, "wrong" if login == "refused" else PASSWORD, ledger)
        assert found is not None and found.facts.login == login
    assert one.failed == 3


@pytest.mark.parametrize("ahead_s", [-1800.0, 7 * 3600.0, 365 * 86_400.0])
async def test_a_login_goes_by_the_clock_of_the_device(ahead_s: float) -> None:
    one = device(123, "stale_created", clock_ahead_s=ahead_s)
    found = await seen(one)
    assert found is not None and found.facts.login == "wsse" and one.failed == 0
    assert "clock_off" in [finding.code for finding in found.facts.findings]


async def test_a_device_that_shows_local_time_as_utc_is_logged_in_to_by_the_right_time() -> None:
    one = device(124, "stale_created", "clock_local_in_utc")
    found = await seen(one)
    assert found is not None and found.facts.login == "wsse" and one.failed == 0


async def test_a_recorder_of_many_channels_is_one_device_with_many_pictures() -> None:
    found = await seen(device(125, channels=16))
    assert found is not None
    assert len({profile.source for profile in found.facts.profiles}) == 16
    assert len(found.secrets.urls) == 32


def test_the_simulator_acts_on_every_quirk_and_on_no_other() -> None:
    folder = Path(__file__).parents[1] / "support/cameras/onvif"
    named: set[str] = set()
    for name in ("device", "server", "texts", "fleet", "ptz", "events"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        named |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    assert QUIRKS.keys() - named == set()
    assert all(quirk.what and quirk.source for quirk in QUIRKS.values())


@pytest.mark.parametrize("password", [PASSWORD, "wrong-Semarang2026"])
async def test_a_device_that_says_its_password(password: str) -> None:
    """In its names, and in the address of its streams, whether or not the password was right."""
    said = f"X{password}"
    in_base64 = base64.b64encode(said.encode()).decode()
    one = device(90 + len(password), vendor=said, model=f"{password} 2", firmware=in_base64)
    found = await seen(one, password)
    assert found is not None
    text = msgspec.json.encode(found.facts).decode()
    assert password not in text and in_base64 not in text
    if password == PASSWORD:
        assert found.facts.model == "*** 2"
        assert (found.facts.serial, found.facts.mac) == (one.serial, one.mac)
        assert set(found.secrets.urls) == {profile.token for profile in found.facts.profiles if profile.url}
