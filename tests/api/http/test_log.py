"""The log of the API's process: redacted, escaped and bounded, whatever was asked before."""

from __future__ import annotations

import ast
import io
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr import log as logs
from nvr.accounts.rows import Role
from tests.api.catalogue import World
from tests.api.http.test_access import declared
from tests.support.waiting import until

Client = AsyncTestClient[Litestar]
TOP = Path(__file__).parents[3]
SECRET = "hunter22-hunter22"


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process writes as its log. Everything is put back after."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers[:] = []  # setup closes those it finds; pytest's own must live on
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    monkeypatch.setattr(logs, "_redactor", logs.Redactor())
    stream = io.StringIO()
    logs.setup("api", "info", [SECRET], stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], level = before
    root.setLevel(level)


def reaches(name: str, out: io.StringIO) -> bool:
    before = len(out.getvalue())
    logging.getLogger(name).error("is this heard?")
    return len(out.getvalue()) > before


async def test_no_route_changes_how_is_logged(app: Litestar, client: Client, world: World, out: io.StringIO) -> None:
    # Applications that other tests of this process made may have silenced loggers of theirs.
    silenced = {name for name in logging.root.manager.loggerDict if not reaches(name, out)}
    for method, path in sorted(declared(app), key=str):
        # One that ends the session or removes who asks changes nothing for the others: each is asked with a token.
        await client.request(method, re.sub(r"[{}]", "", path), headers=world.bearer(Role.ADMIN))
    # Of a library's own debugging, which nobody switches on; it has its handler from when it is imported.
    silenced.add("pyasn1")
    for name in [None, "nvr.api", *(logging.root.manager.loggerDict.keys() - silenced)]:
        logger = logging.getLogger(name)
        if name is not None:
            own = [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)]
            assert not own, f"{name} has handlers of its own"
            if not logger.isEnabledFor(logging.ERROR):
                continue
        before = len(out.getvalue())
        logger.error("a camera said %s and %s", "\x1b[2J\r\n2026-11-30 forged line", SECRET)
        written = out.getvalue()[before:]
        assert SECRET not in written, name
        assert "\x1b" not in written, name
        assert written.count("\n") == 1, name
        assert "forged line and ***" in written, name


def test_a_flood_is_a_number(out: io.StringIO) -> None:
    """Each place writes so many lines a minute; of the rest there is one line, when the minute is over."""
    handler = next(h for h in logging.getLogger().handlers if getattr(h, "stream", None) is out)
    flood = logs.FloodFilter(3, minute_s=0.2)
    handler.filters.insert(0, flood)
    log = logging.getLogger("uvicorn.error")
    for number in range(1000):
        log.warning("Invalid HTTP request received, number %d.", number)
        if number == 500:
            logging.getLogger("nvr.api").error("something else")
    counted = re.compile(r"WARNING nvr.log: (\d+) more lines like those of test_log.py:\d+ were left out")
    until(lambda: sum(map(int, counted.findall(out.getvalue()))) >= 997, "the count of what was left out")
    lines = [line for line in out.getvalue().splitlines() if not counted.search(line)]
    assert len(lines) == 4
    assert "something else" in lines[3]


def test_nothing_sets_up_logging_but_the_one_place() -> None:
    """What brings its own set-up unless it is told not to is told so, and nobody else adds handlers."""
    told = {"Litestar": "logging_config", "Application": "logging_config", "Config": "log_config"}
    found = []
    for path in sorted([*TOP.glob("nvr/**/*.py"), *TOP.glob("storage/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            is_uvicorns = name != "Config" or getattr(getattr(node.func, "value", None), "id", "") == "uvicorn"
            if name in told and is_uvicorns:
                values = [word.value for word in node.keywords if word.arg == told[name]]
                assert [getattr(v, "value", "") for v in values] == [None], f"{path}:{node.lineno}: {told[name]}=None"
                found.append(name)
            if name in ("basicConfig", "dictConfig", "fileConfig", "addHandler", "removeHandler"):
                assert path == TOP / "nvr/log.py", f"{path}:{node.lineno} sets up logging"
    assert set(found) == set(told)


@pytest.mark.parametrize("asking", [None, *Role])
async def test_only_who_may_reads_the_description(client: Client, world: World, asking: Role | None) -> None:
    answer = await client.get("/api/schema", headers={} if asking is None else world.bearer(asking))
    assert answer.status_code == (401 if asking is None else 200)
    assert asking is not None or "openapi" not in answer.text
