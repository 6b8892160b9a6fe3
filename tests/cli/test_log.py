from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from nvr import log

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d test (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+: ")


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process that logs as ``test`` and knows the secret ``hunter22`` has written. Everything is put
    back after."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    # basicConfig(force=True) closes the handlers it finds; pytest's own must outlive this test.
    root.handlers[:] = []
    for name in ("excepthook",):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    monkeypatch.setattr(log, "_redactor", log.Redactor())
    stream = io.StringIO()
    log.setup("test", "info", ["hunter22"], stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], level = before
    root.setLevel(level)


def test_one_line_an_event(out: io.StringIO) -> None:
    logging.getLogger("nvr.x").info("camera said %s", "a\r\n\x1b[31mfake line")
    logging.getLogger("nvr.x").debug("not shown")
    (line,) = out.getvalue().splitlines()
    assert LINE.match(line)
    assert line.endswith("test INFO nvr.x: camera said a\\r\\n\\x1b[31mfake line")


def test_secrets_in_message_arguments_and_url(out: io.StringIO) -> None:
    logging.getLogger("nvr").warning("hunter22 and %s at %s", "hunter22", "rtsp://u:p4ss@h/x")
    assert out.getvalue().endswith("*** and *** at rtsp://***@h/x\n")


def test_libraries_are_heard_when_something_is_wrong_alone(out: io.StringIO) -> None:
    """What they note of each step may hold what they were given: addresses with a token in them."""
    logging.getLogger().setLevel(logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "urllib3.connectionpool", "acme.client", "uvicorn.access", "nvrx", None):
        logging.getLogger(name).info("POST https://example.org/bot123456:token/sendMessage")
        logging.getLogger(name).debug("the same")
    assert out.getvalue() == ""
    logging.getLogger("httpx").warning("odd")
    logging.getLogger("storage.x").debug("ours")
    logging.getLogger("__main__").info("ours, run as a process")
    assert len(out.getvalue().splitlines()) == 3


def test_secrets_in_tracebacks(out: io.StringIO) -> None:
    try:
        raise ValueError("rtsp://u:p4ss@h/x and hunter22")
    except ValueError:
        logging.getLogger("nvr").exception("failed", stack_info=True)
    (line,) = out.getvalue().splitlines()
    assert LINE.match(line)
    assert "Traceback (most recent call last): | " in line
    assert "rtsp://***@h/x and ***" in line
    assert "p4ss" not in line


def test_message_that_does_not_fit(out: io.StringIO) -> None:
    logging.getLogger("nvr").error("%d of hunter22", "x")
    (line,) = out.getvalue().splitlines()
    assert "doesn't fit" in line
    assert "hunter22" not in line


def test_learns_secrets(out: io.StringIO) -> None:
    log.learn_secrets(["battery staple"])
    logging.getLogger("nvr").info("correct horse battery staple")
    assert out.getvalue().endswith("correct horse ***\n")


def test_warnings_are_events(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("about hunter22", stacklevel=1)
    (line,) = out.getvalue().splitlines()
    assert LINE.match(line)
    assert "about ***" in line


@pytest.mark.parametrize("where", ["main", "thread"])
def test_uncaught_exceptions_are_events(where: str) -> None:
    fail = "def fail(): raise RuntimeError('open rtsp://u:p4ss@h/x')\n"
    call = "fail()" if where == "main" else "import threading; t = threading.Thread(target=fail); t.start(); t.join()"
    code = f"from nvr import log\nlog.setup('test')\n{fail}{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert LINE.match(line)
    assert "RuntimeError: open rtsp://***@h/x" in line
    assert done.returncode == (1 if where == "main" else 0)


@pytest.mark.parametrize("is_journal", [True, False])
def test_lines_to_the_journal_begin_with_their_priority(is_journal: bool) -> None:
    """As systemd starts a service: standard error is a stream, and the environment names it."""
    code = """
import logging
from nvr import log
log.print_error("before it is set up\\nand so")
log.setup("test", "debug")
for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
    logging.getLogger("nvr.x").log(level, "first\\nsecond")
raise ValueError("uncaught")
"""
    ours, theirs = os.pipe()
    state = os.fstat(theirs)
    named = f"{state.st_dev}:{state.st_ino if is_journal else state.st_ino + 1}"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "JOURNAL_STREAM": named})
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert process.wait(30) == 1
    assert len(lines) == 8
    priorities = ["<3>", "<3>", "<7>", "<6>", "<4>", "<3>", "<2>", "<2>"]
    assert [line[:3] for line in lines] == (priorities if is_journal else [*("bef", "and"), *["202"] * 6])
    assert "first\\nsecond" in lines[2] and "uncaught" in lines[-1]
