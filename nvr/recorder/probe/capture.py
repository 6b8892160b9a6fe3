"""A capture: what went over an RTSP connection, message by message, without credentials. Pure, but for the file.

A text file, a JSON object a line: first ``{"nvr": "capture", "version": 1, …}``, then ``{"t_us", "from": "client" |
"camera", "rtsp": text}`` for a message, ``{"t_us", "from", "channel", "rtp": base64}`` for an interleaved packet, and
``{"t_us", "from", "raw": base64}`` for bytes that were neither. ``t_us``: microseconds since the first. Invariant: no
login of the camera is in it, in no form: ``Authorization`` is left out, and every text passes the redactor of the
camera's own secrets.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Capture", "CaptureError", "Event", "Recorder", "read"]

_VERSION: Final = 1
_LONGEST_HEAD: Final = 1 << 15
_LOGIN: Final = re.compile(r"^(?:Proxy-)?Authorization\s*:.*\r?\n", re.IGNORECASE | re.MULTILINE)
_LENGTH: Final = re.compile(rb"^content-length\s*:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)
_MESSAGE: Final = re.compile(rb"(?:RTSP/\d|[A-Z_]{3,16} \S+ RTSP/)")
_RTSP: Final = b"RTSP/"
# What may yet become a status line or a request.
_BEGINNING: Final = re.compile(rb"R(?:T(?:S(?:P/?)?)?)?|[A-Z_]{1,16}(?: [^ \r\n]{0,2000}(?: R?T?S?P?/?)?)?")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")


class CaptureError(Exception):
    """It is not a capture, or damaged; the message says where."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message (``rtsp``), packet (``channel`` and ``data``) or stray bytes (``data``)."""

    t_us: int
    is_camera: bool
    rtsp: str = ""
    channel: int = -1
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Capture:
    """``about``: what the first line says: version of the server, time, URL without credentials."""

    about: Mapping[str, Any]
    events: tuple[Event, ...]


def _without_beginning(rest: bytes) -> int:
    """How much of this can't be the first bytes of a message."""
    return (
        next((len(rest) - size for size in range(len(_RTSP) - 1, 0, -1) if rest.endswith(_RTSP[:size])), len(rest)) or 1
    )


@dataclass(slots=True)
class _Splitter:
    """Takes the bytes of one direction apart."""

    rest: bytes = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, int, bytes]]:
        """(kind, channel, bytes): ``rtsp``, ``rtp`` or ``raw``."""
        self.rest += data
        while self.rest:
            found = self._next()
            if found is None:
                return
            yield found

    def _next(self) -> tuple[str, int, bytes] | None:
        rest = self.rest
        if rest[0] == 0x24:
            if len(rest) < 4 or len(rest) < (stop := 4 + int.from_bytes(rest[2:4], "big")):
                return None
            self.rest = rest[stop:]
            return "rtp", rest[1], rest[4:stop]
        if _MESSAGE.match(rest):
            end = _HEAD_END.search(rest)
            if end is None and len(rest) < _LONGEST_HEAD:
                return None
            if end is not None:
                length = _LENGTH.search(rest[: end.end()])
                stop = end.end() + (int(length[1]) if length else 0)
                if len(rest) < stop:
                    return None
                self.rest = rest[stop:]
                return "rtsp", -1, rest[:stop]
        if _BEGINNING.fullmatch(rest):
            return None
        # What belongs to nothing goes up to where something may begin.
        later = [at for at in (rest.find(b"$", 1), rest.find(b"RTSP/", 1)) if at > 0]
        stop = min(later, default=_without_beginning(rest))
        self.rest = rest[stop:]
        return "raw", -1, rest[:stop]


@dataclass(slots=True)
class Recorder:
    """Makes a capture: a ``Tap`` of a connection. ``write`` takes lines, ``redact`` a text and gives it without
    secrets, ``now_us`` is a monotonic clock."""

    write: Callable[[str], object]
    redact: Callable[[str], str]
    now_us: Callable[[], int]
    about: Mapping[str, Any]
    most_bytes: int = 64 << 20
    written_bytes: int = 0
    _first_us: int | None = None
    _camera: _Splitter = field(default_factory=_Splitter)
    _client: _Splitter = field(default_factory=_Splitter)

    def received(self, data: bytes) -> None:
        """From the camera."""
        self._enter(self._camera, "camera", data)

    def sent(self, data: bytes) -> None:
        """To the camera."""
        self._enter(self._client, "client", data)

    def _line(self, values: Mapping[str, Any]) -> None:
        text = json.dumps(values, ensure_ascii=False) + "\n"
        self.written_bytes += len(text)
        self.write(text)

    def _enter(self, splitter: _Splitter, who: str, data: bytes) -> None:
        now_us = self.now_us()
        if self._first_us is None:
            self._first_us = now_us
            self._line({"nvr": "capture", "version": _VERSION, **self.about})
        for kind, channel, content in splitter.feed(data):
            if self.written_bytes > self.most_bytes:
                return
            base: dict[str, Any] = {"t_us": now_us - self._first_us, "from": who}
            if kind == "rtsp":
                # Bytes that are no UTF-8 come back as they were.
                text = _LOGIN.sub("", content.decode("utf-8", "surrogateescape"))
                clean = self.redact(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                self._line({**base, "rtsp": clean})
            elif kind == "rtp":
                self._line({**base, "channel": channel, "rtp": base64.b64encode(content).decode()})
            else:
                # It may be anything, a login that was echoed too: as text it is redacted, and else it says nothing.
                text = self.redact(content.decode("latin-1"))
                self._line({**base, "raw": base64.b64encode(text.encode("latin-1", "replace")).decode()})


def read(lines: Iterable[str]) -> Capture:
    """The capture that these lines are.

    Raises:
        CaptureError: they are none.
    """
    about: Mapping[str, Any] | None = None
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            if about is None:
                if values.get("nvr") != "capture" or values.get("version") != _VERSION:
                    raise CaptureError(f"line {number}: not a capture of version {_VERSION}")
                about = values
                continue
            encoded = values.get("rtp", values.get("raw", ""))
            event = Event(
                int(values["t_us"]),
                values["from"] == "camera",
                str(values.get("rtsp", "")),
                int(values.get("channel", -1)),
                base64.b64decode(encoded, validate=True),
            )
        except CaptureError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CaptureError(f"line {number} is damaged: {type(error).__name__}") from None
        if not -1 <= event.channel <= 255 or not 0 <= event.t_us < 1 << 62 or len(event.data) > 0xFFFF:
            raise CaptureError(f"line {number} is damaged: no such channel, time or packet can be")
        events.append(event)
    if about is None:
        raise CaptureError("it is empty")
    return Capture(about, tuple(events))
