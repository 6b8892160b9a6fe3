"""``python -m nvr.recorder``: a recorder worker, started by the supervisor."""

from __future__ import annotations

import gc
import json
import logging
import resource
import sys

import uvloop

from nvr import compiled, core_dumps
from nvr import log as logs


def main() -> None:
    core_dumps.forbid()
    # Which code it is is decided before it is imported.
    is_compiled = compiled.use()
    from nvr.recorder.worker import WorkerSettings, leave, serve

    # A spare one waits here, with all of its code read.
    line = sys.stdin.readline()
    if not line:
        return
    first = json.loads(line)
    logs.setup(first["name"], first["log_level"], first["secrets"])
    # A socket and a file a camera.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    settings = WorkerSettings(**{**first["settings"], "roots": [tuple(root) for root in first["settings"]["roots"]]})
    logging.getLogger(__name__).info("recording %s", "compiled" if is_compiled else "interpreted")
    # Pictures that wait for their fragment look like garbage that will not go: with the usual 700 the collector took a
    # fiftieth of a worker's time. Recording leaves no cycles, nor does a connection that ends; what others leave, the
    # worker collects every few minutes.
    gc.freeze()
    gc.set_threshold(200_000)
    try:
        written = uvloop.run(serve(settings))
    except BrokenPipeError:
        written = False
    if not written:
        logging.getLogger(__name__).error("not everything was written in time; it is taken in at the next start")
    leave(0 if written else 1)


main()
