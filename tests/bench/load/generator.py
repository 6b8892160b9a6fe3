"""``python -m tests.bench.load.generator``: thousands of cameras in one process, on one epoll loop.

Told what to do by JSON lines on stdin, answers each with one on stdout (``tests.bench.load.fleet`` is the other end). A
camera's URL is ``rtsp://127.0.0.1:PORT/<number>``. Cameras are spread over ``PHASES`` moments of a frame's time, each
with its own place in the group of pictures. Invariant: what the log of a connection calls sent was taken by the kernel
whole, in order, without a hole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

from tests.bench.load.material import SSRC, Clip, Frame, Profile, camera_bytes, clip

PHASES: Final = 50
_REPORT_S: Final = 5
# What a recorder may leave unread before frames are left out, as a camera would.
_MOST_PENDING: Final = 4 << 20
_NTP_UNIX_OFFSET_S: Final = 2_208_988_800
_REQUEST: Final = re.compile(rb"([A-Z_]+) (\S+) RTSP/1\.0\r\n(.*?)\r\n\r\n", re.DOTALL)


@dataclass(slots=True)
class Stretch:
    """Frames sent one behind the other. ``end``: why no more came: ``peer``, ``drop``, ``stall``, ``overrun``, or
    empty."""

    camera: int
    first: int
    last: int
    began: float
    ended: float
    end: str = ""
    # (from this frame on, which clip)
    clips: list[tuple[int, int]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Connection:
    """A recorder's connection to a camera."""

    sock: socket.socket
    camera: int = -1
    tag: bytes = b""
    inbox: bytes = b""
    pending: bytearray = field(default_factory=bytearray)
    playing: bool = False
    clip: int = 0
    offset: int = 0
    change_to: int | None = None
    stretch: Stretch | None = None
    audio: bool = False


class Generator:
    """All cameras of one load."""

    def __init__(self, profiles: list[Profile], jitter_free_start: bool = True) -> None:
        self.clips: list[Clip] = [clip(profile) for profile in profiles]
        self.rate = profiles[0].frame_rate
        self.loop_frames = len(self.clips[0].frames)
        self.group = profiles[0].group_s * self.rate
        self.epoll = select.epoll()
        self.listener: socket.socket | None = None
        self.port = 0
        self.connections: dict[int, Connection] = {}
        self.phases: list[dict[int, Connection]] = [{} for _ in range(PHASES)]
        self.stretches: list[Stretch] = []
        self.stalled: set[int] = set()
        self.overruns = 0
        self.latest_s = 0.0
        self.frames = 0
        self.setups = 0
        self.ending = False
        self.input = b""
        self.start_s = time.monotonic()
        self.tick = 0

    # Pace ------------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until stdin closes."""
        os.set_blocking(0, False)
        self.epoll.register(0, select.EPOLLIN)
        step_s = 1 / self.rate / PHASES
        while not self.ending:
            due = self.start_s + self.tick * step_s
            now = time.monotonic()
            if now >= due:
                self.latest_s = max(self.latest_s, now - due)
                self._send_phase(self.tick)
                self.tick += 1
                # Connections are looked after even when it is late.
                if self.tick % 4:
                    continue
                due = now
            for fd, events in self.epoll.poll(max(0.0, due - now), 256):
                self._event(fd, events)

    def _send_phase(self, tick: int) -> None:
        turn, phase = divmod(tick, PHASES)
        connections = self.phases[phase]
        if not connections:
            return
        # Keyframes of the phases are spread over a group.
        number = turn + phase * self.group // PHASES
        report = self._report(number) if number % (_REPORT_S * self.rate) == 0 else b""
        now = time.time()
        frame: Frame | None = None
        patched: tuple[int, int] | None = None
        for connection in list(connections.values()):
            if connection.change_to is not None and self.clips[0].at(number).keyframe:
                self._change(connection, number)
            if connection.camera in self.stalled:
                self._end_stretch(connection, "stall")
                continue
            which = (connection.clip, connection.offset)
            if which != patched:
                patched = which
                made = self.clips[connection.clip]
                frame = made.at(number)
                frame.patch(number, made.sequence(number) + connection.offset, made.ticks(number))
            assert frame is not None
            heard = [self.clips[0].audio(number)] if connection.audio else []
            if not self._send(connection, [report, frame.head, connection.tag, frame.tail, *heard]):
                continue
            self.frames += 1
            stretch = connection.stretch
            if stretch is None:
                stretch = connection.stretch = Stretch(
                    connection.camera, number, number, now, now, clips=[(number, connection.clip)]
                )
                self.stretches.append(stretch)
            stretch.last = number
            stretch.ended = now

    def _change(self, connection: Connection, number: int) -> None:
        assert connection.change_to is not None
        before = self.clips[connection.clip].sequence(number) + connection.offset
        connection.clip, connection.change_to = connection.change_to, None
        connection.offset = before - self.clips[connection.clip].sequence(number)
        if connection.stretch is not None:
            connection.stretch.clips.append((number, connection.clip))

    def _send(self, connection: Connection, buffers: list[Any]) -> bool:
        """Whether the frame is on its way whole; what the kernel does not take at once is copied, for the buffers
        change."""
        pending = connection.pending
        if pending:
            if len(pending) > _MOST_PENDING:
                self.overruns += 1
                self._end_stretch(connection, "overrun")
                return False
            for buffer in buffers:
                pending += buffer
            return True
        try:
            sent = connection.sock.sendmsg(buffers)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection, "peer")
            return False
        if sent < sum(map(len, buffers)):
            pending += b"".join(buffers)[sent:]
            self.epoll.modify(connection.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        return True

    def _report(self, number: int) -> bytes:
        now = time.time()
        whole = int(now)
        fraction = int((now - whole) * (1 << 32))
        ticks = self.clips[0].ticks(number)
        return struct.pack(
            "!cBHBBHIIIIII", b"$", 1, 28, 0x80, 200, 6, SSRC, whole + _NTP_UNIX_OFFSET_S, fraction, ticks, 0, 0
        )

    # Connections -----------------------------------------------------------------------------------------------------

    def listen(self) -> int:
        """Opens the port, always the same one; returns it."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(4096)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        return self.port

    def _event(self, fd: int, events: int) -> None:
        if fd == 0:
            self._orders()
        elif self.listener is not None and fd == self.listener.fileno():
            self._accept()
        elif (connection := self.connections.get(fd)) is not None:
            if events & select.EPOLLOUT:
                self._flush(connection)
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read(connection)

    def _accept(self) -> None:
        assert self.listener is not None
        for _ in range(64):
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[sock.fileno()] = Connection(sock)
            self.epoll.register(sock.fileno(), select.EPOLLIN)

    def _flush(self, connection: Connection) -> None:
        try:
            sent = connection.sock.send(connection.pending)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection, "peer")
            return
        del connection.pending[:sent]
        if not connection.pending:
            self.epoll.modify(connection.sock.fileno(), select.EPOLLIN)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection, "peer")
            return
        inbox = connection.inbox + data
        while inbox:
            if inbox[0] == 0x24:
                if len(inbox) < 4 or len(inbox) < 4 + (size := inbox[2] << 8 | inbox[3]):
                    break
                inbox = inbox[4 + size :]
                continue
            found = _REQUEST.match(inbox)
            if found is None:
                break
            inbox = inbox[found.end() :]
            self._answer(connection, found[1], found[2].decode(), found[3])
            if connection.sock.fileno() < 0:
                return
        connection.inbox = inbox

    def _answer(self, connection: Connection, method: bytes, url: str, headers: bytes) -> None:
        cseq = re.search(rb"CSeq: *(\d+)", headers, re.IGNORECASE)
        lines = [f"CSeq: {cseq[1].decode() if cseq else 0}"]
        body = ""
        if method == b"OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")
        elif method == b"DESCRIBE":
            path = url.split("/", 3)[3]
            connection.camera = int(path.partition("/")[0])
            connection.tag = camera_bytes(connection.camera)
            body = self.clips[0].sdp()
            lines += [f"Content-Base: {url}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == b"SETUP":
            connection.audio |= url.endswith("track1")
            channels = "2-3" if url.endswith("track1") else "0-1"
            lines += ["Session: 6c6f6164;timeout=60", f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}"]
        else:
            lines.append("Session: 6c6f6164")
        answer = ("RTSP/1.0 200 OK\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()
        if connection.pending:
            connection.pending += answer
        else:
            with contextlib.suppress(OSError):
                connection.sock.send(answer)
        if method == b"PLAY" and not connection.playing:
            connection.playing = True
            self.setups += 1
            self.phases[connection.camera % PHASES][connection.sock.fileno()] = connection
        elif method == b"TEARDOWN":
            self._close(connection, "peer")

    def _end_stretch(self, connection: Connection, end: str) -> None:
        if connection.stretch is not None:
            connection.stretch.end = end
            connection.stretch = None

    def _close(self, connection: Connection, end: str) -> None:
        fd = connection.sock.fileno()
        if fd < 0:
            return
        self._end_stretch(connection, end)
        self.connections.pop(fd, None)
        self.phases[connection.camera % PHASES].pop(fd, None)
        self.epoll.unregister(fd)
        connection.sock.close()

    # Orders ----------------------------------------------------------------------------------------------------------

    def _orders(self) -> None:
        data = os.read(0, 1 << 20)
        if not data:
            self.ending = True
            return
        self.input += data
        *lines, self.input = self.input.split(b"\n")
        for line in lines:
            answer = self._obey(json.loads(line))
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    def _obey(self, order: dict[str, Any]) -> dict[str, Any]:
        what = order["do"]
        cameras: list[int] = order.get("cameras", [])
        if what == "drop":
            return self._drop()
        if what == "accept":
            self.listen()
        elif what == "stall":
            self.stalled.update(cameras)
        elif what == "resume":
            self.stalled.difference_update(cameras)
        elif what == "hang up":
            gone = set(cameras)
            for connection in [c for c in self.connections.values() if c.camera in gone]:
                self._end_in_order(connection)
        elif what == "change":
            chosen = set(cameras)
            for connection in self.connections.values():
                if connection.camera in chosen:
                    connection.change_to = 1 - connection.clip
        elif what == "log":
            with open(order["path"], "w") as file:
                for stretch in self.stretches:
                    row = [stretch.camera, stretch.first, stretch.last, stretch.began, stretch.ended]
                    file.write(json.dumps([*row, stretch.end, stretch.clips]) + "\n")
        latest_s, self.latest_s = self.latest_s, 0.0
        return {
            "connections": len(self.connections),
            "playing": sum(map(len, self.phases)),
            "frames": self.frames,
            "setups": self.setups,
            "overruns": self.overruns,
            "behind": sum(len(c.pending) for c in self.connections.values()),
            "late_ms": round(latest_s * 1000, 1),
            "cpu_s": time.process_time(),
        }

    def _drop(self) -> dict[str, Any]:
        """All cameras go at once and refuse to come back until ``accept``. What was sent still arrives: a reset would
        take it back."""
        if self.listener is not None:
            self.epoll.unregister(self.listener.fileno())
            self.listener.close()
            self.listener = None
        at = time.time()
        for connection in list(self.connections.values()):
            self._end_in_order(connection)
        return {"at": at}

    def _end_in_order(self, connection: Connection) -> None:
        if connection.pending:
            connection.sock.setblocking(True)
            connection.sock.settimeout(5.0)
            with contextlib.suppress(OSError):
                connection.sock.sendall(connection.pending)
            connection.sock.setblocking(False)
        with contextlib.suppress(OSError):
            # Unread requests would turn the end into a reset.
            while connection.sock.recv(65536):
                pass
        self._close(connection, "drop")


def main() -> None:
    order = json.loads(sys.stdin.buffer.raw.readline())
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    generator = Generator([Profile(**profile) for profile in order["profiles"]])
    port = generator.listen()
    sys.stdout.write(json.dumps({"port": port, "bit_rate_bps": generator.clips[0].bits_per_second}) + "\n")
    sys.stdout.flush()
    generator.start_s = time.monotonic()
    generator.run()


if __name__ == "__main__":
    main()
