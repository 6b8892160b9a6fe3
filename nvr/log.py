"""Logging of all processes: one line an event on standard error, with time and zone, process, level; without secrets.

    2026-11-23T14:05:06.123+07:00 recorder-1 WARNING nvr.recorder.retry: gate-1: connection refused

Where standard error is systemd's journal, each line begins with its priority (``<4>``), which the journal takes off.
Standard output belongs to the talk between processes. Uncaught exceptions, of threads too, and warnings go the same
way, since Python's own traceback would print whatever password stands in it. Where strangers can cause lines (the API),
each place in the code may write so many a minute; of the rest a line says how many there were.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO

from nvr.config.redact import Redactor

__all__ = [
    "FloodFilter", "LineFormatter", "OwnLinesFilter", "PerMinute", "RedactionFilter", "learn_secrets", "print_error",
    "setup",
]  # fmt: skip

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger(__name__)

_MINUTE_S: Final = 60.0
# sd-daemon(3): what syslog calls error, warning, and so on.
_PRIORITIES: Final = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
# Modules that are run as a process are called the last.
_OWN_LOGGERS: Final = frozenset({"nvr", "storage", "__main__"})
_redactor = Redactor()


class RedactionFilter(logging.Filter):
    """Rewrites a record so that no handler behind it can print a secret: message, traceback and stack."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError) as error:
            # logging would print the arguments as they are, passwords included.
            message = f"log message that doesn't fit its arguments ({error}): {record.msg}"
        record.msg, record.args = self._redactor(message), None
        if record.exc_info:
            record.exc_text = self._redactor(record.exc_text or _traceback(record.exc_info))
        if record.stack_info:
            record.stack_info = self._redactor(record.stack_info)
        return True


class OwnLinesFilter(logging.Filter):
    """Of what other people's code says only warnings and worse: what it notes of each step, such as an address that it
    asks, may hold what is a secret here, and nobody looks through it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OWN_LOGGERS


class PerMinute:
    """How often something may be written down: ``most`` times a minute, then it is only counted. Safe to use from
    several threads."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._began_s = clock()
        self._taken = 0
        self._left_out = 0

    def take(self) -> int | None:
        """None: not this one. Else how many were left out since the last that was written."""
        with self._lock:
            now_s = self._clock()
            if now_s - self._began_s >= _MINUTE_S:
                self._began_s, self._taken = now_s, 0
            if self._taken >= self._most:
                self._left_out += 1
                return None
            self._taken += 1
            left_out, self._left_out = self._left_out, 0
            return left_out

    def drain(self) -> int:
        """How many were left out and not yet told of; they are told of now."""
        with self._lock:
            left_out, self._left_out = self._left_out, 0
            return left_out


class FloodFilter(logging.Filter):
    """Lets each place in the code write ``most`` lines a minute. A line a minute says what was left out, by a thread
    that lives only while something is."""

    def __init__(self, most: int, minute_s: float = _MINUTE_S) -> None:
        super().__init__()
        self._most = most
        self._minute_s = minute_s
        self._lock = threading.Lock()
        # As many as there are places that log: the code bounds it.
        self._places: dict[tuple[str, int], PerMinute] = {}
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "nvr_summary", False):
            return True
        with self._lock:
            rate = self._places.setdefault((record.pathname, record.lineno), PerMinute(self._most))
        if rate.take() is not None:
            return True
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._minute_s, self._summarise)
                self._timer.daemon = True
                self._timer.start()
        return False

    def _summarise(self) -> None:
        with self._lock:
            self._timer = None
            places = list(self._places.items())
        for (path, line), rate in places:
            if count := rate.drain():
                place = f"{Path(path).name}:{line}"
                log.warning("%d more lines like those of %s were left out", count, place, extra={"nvr_summary": True})


def _traceback(exc_info: _ExcInfo) -> str:
    return logging.Formatter().formatException(exc_info)


class LineFormatter(logging.Formatter):
    """One line an event. Line ends and control characters, which a camera may send us, are written as escapes; on a
    terminal tracebacks keep their lines. ``prioritised``: for systemd's journal.
    """

    def __init__(self, process: str, *, multiline: bool = False, prioritised: bool = False) -> None:
        super().__init__()
        self._process = process
        self._multiline = multiline
        self._prioritised = prioritised

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        line = f"{at} {self._process} {record.levelname} {record.name}: {_printable(record.getMessage())}"
        if record.exc_info and not record.exc_text:
            record.exc_text = _traceback(record.exc_info)
        for details in filter(None, (record.exc_text, record.stack_info)):
            lines = [_printable(text) for text in details.rstrip().splitlines()]
            line += ("\n" if self._multiline else " | ") + ("\n" if self._multiline else " | ").join(lines)
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{line}" if self._prioritised else line


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _is_journal(stream: TextIO) -> bool:
    """Whether what is written there goes to systemd's journal, which names it by device and inode."""
    try:
        state = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"


def print_error(text: str) -> None:
    """Writes lines to standard error before logging is set up."""
    prefix = f"<{_PRIORITIES[logging.ERROR]}>" if _is_journal(sys.stderr) else ""
    for line in text.splitlines():
        print(prefix + line, file=sys.stderr)


def setup(
    process: str,
    level: str = "info",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    *,
    most_a_minute: int | None = None,
) -> None:
    """Sets up logging for this process, replacing what was set up before. ``level`` is that of ``[server] log_level``;
    of other people's code warnings are written alone, whatever it is.
    ``most_a_minute``: how many lines each place in the code may write, where strangers can cause them."""
    stream = stream or sys.stderr
    learn_secrets(secrets)
    handler = logging.StreamHandler(stream)
    handler.addFilter(OwnLinesFilter())
    if most_a_minute is not None:
        handler.addFilter(FloodFilter(most_a_minute))
    handler.addFilter(RedactionFilter(_redactor))
    handler.setFormatter(LineFormatter(process, multiline=stream.isatty(), prioritised=_is_journal(stream)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    # A handler that fails must not print the record it failed on.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def learn_secrets(secrets: Iterable[str]) -> None:
    """From now on these are removed from every line as well: for cameras that are added while the process runs."""
    _redactor.learn(secrets)


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("nvr").critical("uncaught %s", kind.__name__, exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "a thread"
    logging.getLogger("nvr").critical(
        "uncaught %s in %s",
        args.exc_type.__name__,
        name,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
