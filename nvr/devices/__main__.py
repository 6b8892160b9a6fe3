"""``python -m nvr.devices``: one search, in a process of its own below recording; its settings as a line of JSON on
stdin. Ends when it is done, when the catalogue says so, by SIGTERM, or when stdin is closed; then it can be gone on
with.

Says ``{"done": …, "of": …, "found": …}`` on stdout as it goes, and ``{"state": …}`` at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from nvr import core_dumps, niceness
from nvr import log as logs
from nvr.devices.scan import Scan
from nvr.devices.settings import ScanSettings
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.database import Database


def _say(line: dict[str, Any]) -> None:
    # Who began it may have gone.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    core_dumps.forbid()
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=ScanSettings)
    logs.setup("scan", settings.log_level)
    # Below recording, and below whatever else people wait for.
    niceness.lower(10)
    asyncio.run(_run(settings))


async def _run(settings: ScanSettings) -> None:
    database = Database(Path(settings.catalogue))
    LEDGER.open(database)
    scan = Scan(database, settings, progress=lambda done, of, found: _say({"done": done, "of": of, "found": found}))
    work = asyncio.create_task(scan.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    orphan = asyncio.create_task(reader.read())
    orphan.add_done_callback(lambda _: work.cancel())
    state = "stopped"
    with contextlib.suppress(asyncio.CancelledError):
        state = await work
    orphan.cancel()
    _say({"state": state})
    await asyncio.to_thread(LEDGER.close)
    await asyncio.to_thread(database.close)


if __name__ == "__main__":
    main()
