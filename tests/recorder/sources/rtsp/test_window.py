"""A camera with little memory, and a recorder that reads its sockets seldom."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

from nvr.recorder.loop.rounds import Rounds
from nvr.recorder.sources.rtsp.connection import connect

FRAMES, PACKETS, PAYLOAD = 30, 28, 1400


def packet(number: int) -> bytes:
    return b"$\0" + (12 + PAYLOAD).to_bytes(2, "big") + b"\x80\x60" + number.to_bytes(2, "big") + bytes(8 + PAYLOAD)


def send(listener: socket.socket, dropped: list[int]) -> None:
    """8 Mbit/s, 25 pictures a second. What it can't send at once it drops, as cameras do."""
    camera, _ = listener.accept()
    with camera:
        camera.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        camera.setblocking(False)
        began = time.monotonic()
        for frame in range(FRAMES):
            time.sleep(max(0.0, began + frame * 0.04 - time.monotonic()))  # sleep: the camera's frame rate
            for number in range(PACKETS):
                data = packet(frame * PACKETS + number)
                try:
                    sent = camera.send(data)
                except BlockingIOError:
                    dropped.append(frame)
                    break
                if sent < len(data):
                    # The rest would be the next thing to go; here the picture is lost.
                    dropped.append(frame)
                    return


async def test_nothing_is_dropped_in_the_first_second() -> None:
    dropped: list[int] = []
    received = 0

    def on_packet(_: memoryview) -> None:
        nonlocal received
        received += 1

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        camera = threading.Thread(target=send, args=(listener, dropped))
        camera.start()
        connection = await connect(*listener.getsockname(), 5.0, None)
        connection.handle(0, on_packet)
        rounds = Rounds(asyncio.get_running_loop())
        rounds.start()
        connection.read_in_rounds()
        await asyncio.wait_for(connection.closed, 60)
        rounds.stop()
        camera.join()
    assert dropped == [] and received == FRAMES * PACKETS
