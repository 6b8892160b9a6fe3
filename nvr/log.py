"""Logging of all processes: one line an event on standard error, with time and zone, process, level; without secrets.

    2026-11-23T14:05:06.123+07:00 recorder-1 WARNING nvr.recorder.retry: gate-1: connection refused

Standard output belongs to the talk between processes. Uncaught exceptions, of threads too, and warnings go the same way,
since Python's own traceback would print whatever password stands in it.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import TextIO

from nvr.config.redact import Redactor

__all__ = ["LineFormatter", "RedactionFilter", "learn_secrets", "setup"]

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

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


def _traceback(exc_info: _ExcInfo) -> str:
    return logging.Formatter().formatException(exc_info)


class LineFormatter(logging.Formatter):
    """One line an event. Line ends and control characters, which a camera may send us, are written as escapes; on a
    terminal tracebacks keep their lines.
    """

    def __init__(self, process: str, *, multiline: bool = False) -> None:
        super().__init__()
        self._process = process
        self._multiline = multiline

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        line = f"{at} {self._process} {record.levelname} {record.name}: {_printable(record.getMessage())}"
        if record.exc_info and not record.exc_text:
            record.exc_text = _traceback(record.exc_info)
        for details in filter(None, (record.exc_text, record.stack_info)):
            lines = [_printable(text) for text in details.rstrip().splitlines()]
            line += ("\n" if self._multiline else " | ") + ("\n" if self._multiline else " | ").join(lines)
        return line


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def setup(process: str, level: str = "info", secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Sets up logging for this process, replacing what was set up before. ``level`` is that of ``[server] log_level``."""
    stream = stream or sys.stderr
    learn_secrets(secrets)
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactionFilter(_redactor))
    handler.setFormatter(LineFormatter(process, multiline=stream.isatty()))
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
