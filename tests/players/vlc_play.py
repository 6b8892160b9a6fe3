"""Plays an address with VLC's own library and prints what it shows, as JSON lines. Exit code 3: there is no VLC here.

``vlc_play.py ADDRESS SECONDS [SEEK_SECONDS]``: plays for at most so long; each frame shown is a line ``{"at": position
in seconds, "number": what the frame carries}``; then, if asked, seeks and prints the first frame that differs from
those before. Last line: ``{"length": seconds, "ended": whether it came to its end, "failed": …}``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import sys
import time
from typing import Any

BITS = 16
WIDTH, HEIGHT = 256, 64
_LOCK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
_UNLOCK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
_DISPLAY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_ENDED, _ERROR = 6, 7


def _number(data: bytes) -> int:
    row = (HEIGHT // 2) * WIDTH * 4
    block = WIDTH // BITS
    return sum((data[row + 4 * (bit * block + block // 2)] > 125) << bit for bit in range(BITS))


def main(address: str, seconds: float, seek: float | None) -> int:
    name = ctypes.util.find_library("vlc")
    if name is None:
        return 3
    vlc: Any = ctypes.CDLL(name)
    for function in ("libvlc_new", "libvlc_media_new_location", "libvlc_media_player_new_from_media"):
        getattr(vlc, function).restype = ctypes.c_void_p
    vlc.libvlc_media_player_get_time.restype = vlc.libvlc_media_player_get_length.restype = ctypes.c_int64
    arguments = [b"--no-audio", b"--no-video-title-show", b"--quiet", b"--no-xlib"]
    core = vlc.libvlc_new(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))
    if not core:
        return 3
    media = ctypes.c_void_p(vlc.libvlc_media_new_location(ctypes.c_void_p(core), address.encode()))
    player = ctypes.c_void_p(vlc.libvlc_media_player_new_from_media(media))
    buffer = ctypes.create_string_buffer(WIDTH * HEIGHT * 4)
    shown: list[tuple[float, int]] = []

    @_LOCK
    def lock(_: Any, planes: Any) -> None:
        planes[0] = ctypes.addressof(buffer)

    @_UNLOCK
    def unlock(*_: Any) -> None:
        pass

    @_DISPLAY
    def display(*_: Any) -> None:
        shown.append((vlc.libvlc_media_player_get_time(player) / 1000, _number(buffer.raw)))

    vlc.libvlc_video_set_callbacks(player, lock, unlock, display, None)
    vlc.libvlc_video_set_format(player, b"RV32", WIDTH, HEIGHT, WIDTH * 4)
    vlc.libvlc_media_player_play(player)

    def run(until_s: float) -> int:
        while time.monotonic() < until_s:
            state = int(vlc.libvlc_media_player_get_state(player))
            if state in (_ENDED, _ERROR):
                return state
            time.sleep(0.02)  # sleep: between two looks at the player
        return int(vlc.libvlc_media_player_get_state(player))

    state = run(time.monotonic() + seconds)
    length = vlc.libvlc_media_player_get_length(player) / 1000
    position = vlc.libvlc_media_player_get_time(player) / 1000
    print(json.dumps({"shown": shown, "position": position}))
    if seek is not None:
        before = len(shown)
        vlc.libvlc_media_player_set_time(player, ctypes.c_int64(round(seek * 1000)))
        state = run(time.monotonic() + 2)
        print(json.dumps({"after": shown[before:], "position": vlc.libvlc_media_player_get_time(player) / 1000}))
    print(json.dumps({"length": length, "ended": state == _ENDED, "failed": state == _ERROR}), flush=True)
    sys.stdout.flush()
    # To stop it may wait for ever for its threads.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else None))
