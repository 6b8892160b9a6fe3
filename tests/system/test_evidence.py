"""The process that makes exports is there while there is something for it to do."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from nvr.cases import cases, export_queue
from nvr.config import load
from nvr.supervisor import services
from nvr.supervisor.prepare import prepare
from tests.support.people import person
from tests.support.server import Server, now_us
from tests.support.waiting import until_async


async def test_evidence_ends_by_itself_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "_IDLE_S", 0.1)
    monkeypatch.setattr(services, "_LOOK_S", 0.05)
    config = load(Server(tmp_path, []).config)
    prepared = await asyncio.to_thread(prepare, config)
    service = services.evidence(config, prepared)
    service.start()
    try:
        # At the start it looks whether anything was changed behind the server's back.
        await until_async(lambda: (config.keys_folder / "current.pem").exists() or any(config.keys_folder.glob("*")))
        await until_async(lambda: not service.is_running, "its end")
        assert "ended with code" not in caplog.text
        with prepared.database.write() as conn:
            assert not export_queue.is_any_work(conn, now_us())
            # Whoever closed it crashed before its holds were released.
            before_us, ines = now_us() - 120_000_000, person("ines")
            case = cases.open_case(conn, number="LP/1", legal_basis="art. 1", title="", by=ines, now_us=before_us)
            cases.close(conn, case.id, reason="done", release=True, by=ines, now_us=before_us)
            assert export_queue.is_any_work(conn, now_us())
        caplog.set_level(logging.ERROR)
        await until_async(lambda: service.is_running, "it again")

        def is_done() -> bool:
            with prepared.database.read() as conn:
                return not export_queue.is_any_work(conn, now_us())

        await until_async(is_done, "what it was there for")
        # Not what comes of its end: on a busy machine it may be killed at the seconds that a stop gives it.
        said = [record for record in caplog.records if record.levelno >= logging.ERROR]
    finally:
        await service.stop()
        assert prepared.backlog.stop(10)
        prepared.database.close()
        prepared.lock.release()
    assert not said
