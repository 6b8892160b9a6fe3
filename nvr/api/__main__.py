"""``python -m nvr.api``: the API's process, started by the supervisor.

Reads its settings as one line of JSON on stdin, and new ones whenever they change; says ``{"ready": true, "port": N}`` on stdout when it
listens, and ``{"event": "cameras_changed"}`` when the supervisor should look at the cameras. Ends on SIGTERM or when stdin closes.
Exit code 3: starting again can't help (port taken, settings wrong).
"""

from __future__ import annotations

import logging
import os
import resource
import sys
from typing import Final, NoReturn

import msgspec

from nvr import core_dumps
from nvr import log as logs
from nvr.api.server import PortError, bind, serve
from nvr.api.settings import ApiSettings

_HOPELESS: Final = 3
# Recorders go first when the machine is busy.
_NICENESS: Final = 5


def _leave(code: int) -> NoReturn:
    # A thread that waits for a dead disk must not keep the process; what it was doing was an answer, never a record.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def main() -> NoReturn:
    """The process."""
    core_dumps.forbid()
    try:
        settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=ApiSettings)
    except msgspec.DecodeError as error:
        sys.stderr.write(f"nvr.api: the first line on stdin must be its settings as JSON: {error}\n")
        _leave(_HOPELESS)
    logs.setup("api", settings.log_level)
    os.nice(_NICENESS)
    # A clip holds a file a segment: a day of short segments is thousands.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    try:
        sockets = bind(settings.host, settings.port)
    except PortError as error:
        logging.getLogger(__name__).error("%s", error)
        _leave(_HOPELESS)
    serve(settings, sockets)
    _leave(0)


main()
