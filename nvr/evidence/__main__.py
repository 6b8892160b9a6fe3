"""``python -m nvr.evidence``: makes exports. Started by the supervisor, configured by a line of JSON on stdin, ended by
SIGTERM or a closed stdin."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from nvr import core_dumps
from nvr.evidence.jobs.priority import give_way


def main() -> None:
    core_dumps.forbid()
    import msgspec

    from nvr import log as logs
    from nvr.evidence.jobs.exporter import Exporter, ExportSettings
    from nvr.evidence.seal.errors import KeyProblem
    from nvr.evidence.seal.keys import KeyFolder

    settings = msgspec.json.decode(sys.stdin.readline(), type=ExportSettings)
    logs.setup("evidence", settings.log_level)
    # Not before its code is read: with the least priority that takes minutes on a busy machine.
    give_way()
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())

    exporter = Exporter(settings, ending)

    def listen() -> None:
        for line in sys.stdin:
            exporter.configure(msgspec.json.decode(line, type=ExportSettings))
        ending.set()

    threading.Thread(target=listen, name="orders", daemon=True).start()
    try:
        # Made at the first start, so that its certificate can be handed out before the first export.
        KeyFolder(Path(settings.keys), settings.name).ensure()
    except (KeyProblem, OSError) as error:
        logging.getLogger(__name__).error("exports can't be signed until that is put right (nvr doctor): %s", error)
    # Beside the exports, which may take hours.
    threading.Thread(target=exporter.keeper.run, args=(ending,), name="keeper", daemon=True).start()
    exporter.run()


main()
