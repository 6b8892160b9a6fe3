"""People who use the server while it records: questions for coverage, and one who watches. Each is a thread that stops
when told."""

from __future__ import annotations

import random
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from tests.support.server import NVR, Server

__all__ = ["Asker", "Client", "Player", "client", "percentile"]

Client = httpx.Client
_AHEAD_S: Final = 6.0
_PIECE_S: Final = 30.0
_ENTRY: Final = re.compile(r"#EXTINF:([\d.]+)[^\n]*\n(?:#EXT-X-BYTERANGE:(\d+)@(\d+)\n)?((?:#[^\n]*\n)*)([^#\n]+)")


def client(server: Server) -> Client:
    """Somebody who may do everything."""
    command = [str(NVR), "tokens", "create", "--role", "admin", "--config", str(server.config)]
    token = (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1].split()[-1]
    )
    return httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )


def iso(at_s: float) -> str:
    """A time in a question."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


class _Person:
    def __init__(self, name: str) -> None:
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self.faults: list[str] = []

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and waits for it."""
        self._leave.set()
        self._thread.join(60)

    def _live(self) -> None:
        try:
            while not self._leave.is_set():
                self._turn()
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def _turn(self) -> None:
        raise NotImplementedError


class Asker(_Person):
    """Asks for the coverage of one camera after another, four times a second, for the time since ``since``."""

    def __init__(self, http: Client, cameras: int, since: float) -> None:
        super().__init__("asker")
        self._http = http
        self._cameras = cameras
        self._since = since
        self._random = random.Random(1)
        self.times_s: list[float] = []

    def _turn(self) -> None:
        camera = self._random.randrange(self._cameras)
        began = time.monotonic()
        answer = self._http.get(
            f"/api/cameras/cam-{camera}/coverage", params={"start": iso(self._since), "end": iso(time.time())}
        )
        answer.raise_for_status()
        self.times_s.append(time.monotonic() - began)
        self._leave.wait(0.25)


@dataclass(slots=True)
class _Clock:
    """Where a player is: footage of ``media`` seconds was bought by ``wall``."""

    began: float
    bought_s: float = 0.0
    stalls: list[float] = field(default_factory=list)


class Player(_Person):
    """Plays a camera's recording by HLS from ``start`` (wall time, seconds) on, as fast as it was recorded: playlists,
    and the bytes they name. What comes after the footage before it has been played is a stall."""

    def __init__(self, http: Client, camera: int, start: float) -> None:
        super().__init__("player")
        self._http = http
        self._path = f"/api/cameras/cam-{camera}/playlist.m3u8"
        self._at = start
        self._clock: _Clock | None = None
        self._inits: set[str] = set()
        self.bytes = 0
        self.played_s = 0.0

    @property
    def stalls_s(self) -> list[float]:
        """How long each stall was."""
        return self._clock.stalls if self._clock is not None else []

    def _turn(self) -> None:
        text = self._fetch(self._path, {"start": iso(self._at), "end": iso(self._at + _PIECE_S)}).text
        for uri in re.findall(r'#EXT-X-MAP:URI="([^"]+)"', text):
            if uri not in self._inits:
                self._inits.add(uri)
                self.bytes += len(self._fetch(uri).content)
        entries = _ENTRY.findall(text)
        if not entries:
            raise AssertionError(f"an empty playlist: {text[:300]}")
        begun = re.search(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)", text)
        assert begun is not None
        at = datetime.fromisoformat(begun[1].replace("Z", "+00:00")).timestamp()
        for duration, size, offset, _, uri in entries:
            # The playlist begins at the keyframe before: what was played already is passed over.
            if at + float(duration) > self._at + 0.01 and not self._leave.is_set():
                headers = {"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"} if size else {}
                self.bytes += len(self._fetch(uri, headers=headers).content)
                self._bought(float(duration))
                self._at = at + float(duration)
            at += float(duration)

    def _fetch(self, uri: str, params: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
        url = uri if uri.startswith("/") else self._path.rpartition("/")[0] + "/" + uri
        answer = self._http.get(url, params=params, headers=headers)
        answer.raise_for_status()
        return answer

    def _bought(self, duration_s: float) -> None:
        now = time.monotonic()
        clock = self._clock
        if clock is None:
            clock = self._clock = _Clock(now)
        late_s = now - clock.began - clock.bought_s
        if clock.bought_s and late_s > 0:
            clock.stalls.append(round(late_s, 3))
            clock.began += late_s
        clock.bought_s += duration_s
        self.played_s += duration_s
        ahead_s = clock.bought_s - (now - clock.began)
        if ahead_s > _AHEAD_S:
            self._leave.wait(ahead_s - _AHEAD_S)
