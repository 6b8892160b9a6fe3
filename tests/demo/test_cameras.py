"""The demo's cameras: their pictures, their clock, their outages and their command."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from nvr.demo import timecode
from nvr.demo.cameras import VirtualCamera
from nvr.demo.scene import HEIGHT_PX, WIDTH_PX, Scene
from nvr.demo.sky import LEVELS, daylight
from nvr.demo.streets import STREETS
from nvr.demo.traffic import CYCLE_S, lamp
from nvr.demo.views import CAMERAS, DemoOutage, FilmedCamera
from tests.support.cameras.reading import numbers, packets

ZONE = ZoneInfo("Asia/Jakarta")
NOON_US = int(datetime(2026, 11, 23, 12, tzinfo=ZONE).timestamp()) * 1_000_000


@pytest.mark.parametrize("place", STREETS)
def test_a_picture_moves_and_carries_its_time(place: str) -> None:
    scene = Scene(place, "Camera", ZONE)
    first, second = scene.frame(NOON_US + 1_999), scene.frame(NOON_US + 500_000)
    assert first.shape == (HEIGHT_PX, WIDTH_PX, 3)
    # The millisecond is cut off, not rounded.
    assert timecode.read(first[:, :, 1]) == NOON_US // 1000 + 1
    assert timecode.read(second[:, :, 1]) == NOON_US // 1000 + 500
    assert np.any(first[80:-20] != second[80:-20])


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.id)
def test_a_view_is_part_of_its_scene_and_carries_its_own_time(camera: FilmedCamera) -> None:
    scene = Scene(camera.place, "Camera", ZONE).picture(NOON_US)
    made = VirtualCamera(camera.place, camera.name, zone=ZONE, view=camera.view)
    seen = camera.view.of(scene)
    assert seen.shape == (camera.view.height, camera.view.width, 3)
    first = made.take(scene, 0, NOON_US)
    assert first.keyframe and first.payload
    # Nothing of a view comes back into the scene, which other cameras see too.
    assert np.array_equal(scene, Scene(camera.place, "Camera", ZONE).picture(NOON_US))


def test_vehicles_keep_their_order_and_distance() -> None:
    for place in STREETS:
        scene = Scene(place, "Camera", ZONE)
        for step in range(400):
            scene._move(NOON_US / 1e6 + step * 0.25)
            for lane in scene._lanes:
                for ahead, behind in pairwise(lane.vehicles):
                    assert behind.at_m <= ahead.at_m - ahead.length_m


def test_the_roads_are_never_both_open() -> None:
    times = [step / 10 for step in range(int(CYCLE_S * 10))]
    assert all("red" in (lamp(at), lamp(at, crossing=True)) for at in times)
    assert {lamp(at) for at in times} == {lamp(at, crossing=True) for at in times} == {"red", "yellow", "green"}


def test_day_and_night() -> None:
    midnight = datetime(2026, 11, 23, tzinfo=ZONE)
    levels = [daylight(midnight + timedelta(minutes=minute)).level for minute in range(1440)]
    assert levels[0] == levels[-1] == 0
    assert levels[720] == LEVELS
    assert max(abs(b - a) for a, b in pairwise(levels)) <= 1


async def test_an_outage_refuses_and_ends() -> None:
    camera = VirtualCamera("tugu-muda", "Tugu Muda", zone=ZONE, outage=DemoOutage(0.5, 0.4, 3.0))
    running = asyncio.create_task(camera.run())
    try:
        async with asyncio.timeout(10):
            await camera.ready.wait()
            reader, writer = await asyncio.open_connection(camera.server.host, camera.server.port)
            assert await reader.read() == b""  # until the outage ends the connection
            writer.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(camera.server.host, camera.server.port)
            await camera.server.listening.wait()
            assert len(await asyncio.to_thread(packets, camera.url, limit=3)) == 3
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("end", ["stdin", "signal"])
def test_the_command(end: str) -> None:
    command = [sys.executable, "-m", "nvr.demo.cameras", "--steady"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        killer = threading.Timer(30, process.kill)
        killer.start()
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert [camera["id"] for camera in ready["cameras"]] == [camera.id for camera in CAMERAS]
        assert len(CAMERAS) == 9 and len({camera["labels"]["district"] for camera in ready["cameras"]}) == 3
        for camera in ready["cameras"][:: 4 if end == "stdin" else 8]:
            now_ms = time.time() * 1000
            got = [number for number in numbers(camera["url"], limit=6) if number is not None]
            assert len(got) == 6
            assert got == sorted(set(got))
            assert abs(got[0] - now_ms) < 30_000
        if end == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        killer.cancel()


def test_the_command_says_what_is_wrong_with_its_ports() -> None:
    command = [sys.executable, "-m", "nvr.demo.cameras", "--ports", "39999", "39999"]
    ended = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("the cameras can't have ports 39999 and 39999: ")
    assert "Traceback" not in ended.stderr
