"""``python -m nvr.api``: the API's process, started by the supervisor.

Reads its settings as one line of JSON on stdin, and new ones whenever they change; says ``{"ready": true, "port": N}``
on stdout when it listens, and ``{"event": "cameras_changed"}`` when the supervisor should look at the cameras. Ends on
SIGTERM or when stdin closes. Exit code 3: starting again can't help (port taken, settings wrong).
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final, NoReturn

from nvr import core_dumps, niceness

_HOPELESS: Final = 3
# Recorders go first when the machine is busy.
_NICENESS: Final = 5
# Of each place that logs: a stranger's nonsense must not fill the disk that the log is on.
_LINES_A_MINUTE: Final = 10


def _leave(code: int) -> NoReturn:
    # A thread that waits for a dead disk must not keep the process; what it was doing was an answer, never a record.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def main() -> NoReturn:
    """The process."""
    core_dumps.forbid()
    # Before its code is read, which takes half a second of a core.
    niceness.lower(_NICENESS)
    import msgspec

    from nvr import log as logs
    from nvr.api.connections import Limits, raise_descriptors
    from nvr.api.http.settings import ApiSettings
    from nvr.api.server import PortError, bind, serve
    from nvr.tls.errors import TlsError

    try:
        settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=ApiSettings)
    except msgspec.DecodeError as error:
        sys.stderr.write(f"nvr.api: the first line on stdin must be its settings as JSON: {error}\n")
        _leave(_HOPELESS)
    logs.setup("api", settings.log_level, most_a_minute=_LINES_A_MINUTE)
    # A clip holds a file a segment: a day of short segments is thousands.
    limits = Limits.within(raise_descriptors())
    try:
        sockets = bind(settings.host, settings.port)
        if settings.certificate is not None and settings.redirect_port is not None:
            sockets += bind(settings.host, settings.redirect_port)
        serve(settings, sockets, limits)
    except (PortError, TlsError) as error:
        # Passwords never go out in the clear for want of a certificate.
        logging.getLogger(__name__).error("%s", error)
        _leave(_HOPELESS)
    _leave(0)


main()
