"""A camera is moved, and stands in time: every quirk of the simulated head, over real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nvr.devices.conversation import ConversationError, DeviceConversation
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from nvr.devices.ptz.head import PtzHead, PtzPreset
from nvr.devices.ptz.mover import PtzMover
from nvr.devices.ptz.steps import PtzVelocity
from nvr.devices.rows import FoundDevice
from nvr.recorder.sources.rtsp.ledger import Ledger
from tests.support.cameras.onvif import OnvifDevice, OnvifServer, PtzHeadSimulator
from tests.support.waiting import until_async

PASSWORD = "Semarang2026"
RIGHT = PtzVelocity(pan=0.5)
QUIRKS = (
    "", "ptz_no_stop", "ptz_ignores_stop", "ptz_ignores_timeout", "ptz_refuses_timeout", "ptz_no_status", "closes",
    "chunked", "soap11", "names_other_host",
)  # fmt: skip


@asynccontextmanager
async def moved(port: int, *quirks: str, login: str = "digest") -> AsyncIterator[tuple[PtzMover, PtzHeadSimulator]]:
    head = PtzHeadSimulator()
    one = OnvifDevice("127.39.0.1", uuid="u", quirks=frozenset(quirks), login=login, head=head)
    server = OnvifServer([one], http_port=port)
    await server.start()
    facts = DeviceFacts(address=one.address, port=port, path=one.path)
    secrets = DeviceSecrets(username="admin", password=PASSWORD)
    device = FoundDevice("d1", one.address, port, facts, secrets, 0, 0, None)
    talk = PtzHead(DeviceConversation(device, None, answer_s=2.0, ledger=Ledger()), "main1")
    await talk.open()
    mover = PtzMover(talk)
    try:
        yield mover, head
    finally:
        await mover.close()
        await server.stop()
        assert one.failed == 0


@pytest.mark.parametrize("quirk", QUIRKS)
async def test_it_moves_and_stands(http_port: int, quirk: str) -> None:
    async with moved(http_port, *([quirk] if quirk else [])) as (mover, head):
        for _ in range(2):
            mover.want(RIGHT)
            await until_async(lambda: head.is_moving, within_s=2.0)
            assert head.velocity == (0.5, 0.0, 0.0)
            mover.halt()
            await until_async(lambda: not head.is_moving and not mover.is_moving, within_s=2.0)
        assert mover.trouble is None


@pytest.mark.parametrize("quirk", ["", "ptz_no_stop", "ptz_ignores_timeout", "ptz_hangs"])
async def test_it_is_stopped_when_nobody_says_anything(http_port: int, quirk: str) -> None:
    """Within a second of the last word, whatever the device does with its answers."""
    async with moved(http_port, *([quirk] if quirk else []), login="wsse") as (mover, head):
        mover.want(RIGHT)
        said_s = time.monotonic()
        await until_async(lambda: head.is_moving, within_s=1.0)
        await until_async(lambda: not head.is_moving, within_s=2.0)
        assert time.monotonic() - said_s < 1.0


async def test_the_latest_of_many_counts(http_port: int) -> None:
    async with moved(http_port) as (mover, head):
        began_s = time.monotonic()
        for step in range(60):
            mover.want(PtzVelocity(pan=step / 100))
            turned_s = time.monotonic() + 0.01
            await until_async(lambda turned_s=turned_s: time.monotonic() >= turned_s, "a joystick that turns")  # type: ignore[misc]
        took_s = time.monotonic() - began_s
        await until_async(lambda: head.velocity[0] == 0.59, within_s=2.0)
        moves = [at for name, at in head.told if name == "ContinuousMove"]
        assert 2 <= len(moves) <= 10 * took_s + 3


async def test_zoom_and_pan_each_stop_the_other_axis(http_port: int) -> None:
    async with moved(http_port) as (mover, head):
        mover.want(PtzVelocity(zoom=1.0))
        await until_async(lambda: head.velocity == (0.0, 0.0, 1.0), within_s=2.0)
        mover.want(PtzVelocity(tilt=-1.0))
        await until_async(lambda: head.velocity == (0.0, -1.0, 0.0), within_s=2.0)


async def test_presets_are_kept_called_and_forgotten(http_port: int) -> None:
    async with moved(http_port) as (mover, head):
        assert await mover.look(PtzHead.presets) == [PtzPreset("1", "Gate")]
        mover.want(RIGHT)
        await until_async(lambda: head.is_moving, within_s=2.0)
        made = await mover.ask(lambda one: one.keep('<Pasar> & "Johar"'))
        assert made == PtzPreset("2", '<Pasar> & "Johar"')
        names = [name for name, _ in head.told]
        assert "Stop" in names[: names.index("SetPreset")], "what moves is no place to keep"
        await mover.ask(lambda one: one.go("2"))
        await mover.ask(lambda one: one.forget("1"))
        assert await mover.look(PtzHead.presets) == [made]
        with pytest.raises(ConversationError, match="ActionNotSupported"):
            await mover.ask(lambda one: one.go("9"))


async def test_a_device_that_says_its_password_is_not_quoted(http_port: int) -> None:
    async with moved(http_port) as (mover, head):
        head.presets = {"1": f"Gate {PASSWORD}", PASSWORD: "Yard"}
        (found,) = await mover.look(PtzHead.presets)
        assert found.token == "1" and PASSWORD not in found.name


async def test_a_preset_that_is_not_kept_is_said(http_port: int) -> None:
    async with moved(http_port, "set_ignored") as (mover, _):
        with pytest.raises(ConversationError, match="did not keep it"):
            await mover.ask(lambda one: one.keep("Johar"))


async def test_a_command_that_stops_is_sent_though_it_seems_to_stand(http_port: int) -> None:
    async with moved(http_port) as (mover, head):
        await mover.ask(lambda one: one.go("1"))
        mover.halt()
        await until_async(lambda: head.told and "Stop" in [name for name, _ in head.told], within_s=2.0)
