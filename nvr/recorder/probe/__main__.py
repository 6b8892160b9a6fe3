"""``python -m nvr.recorder.probe``: a camera's settings as a line of JSON on stdin, the report as a line on stdout. A
process of its own, since FFmpeg may end the one it runs in.

With a second line on stdin, the path of the catalogue, refused logins count in the ledger that recorders share.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path

import msgspec

from nvr import core_dumps
from nvr import log as logs
from nvr.config import recorded_from_wire
from nvr.recorder.probe.run import probe
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.database import Database


def main() -> None:
    core_dumps.forbid()
    camera = recorded_from_wire(sys.stdin.readline())
    catalogue = sys.stdin.readline().strip()
    logs.setup("probe", "error", camera.secrets)
    if catalogue:
        LEDGER.open(Database(Path(catalogue)))
    found, picture = asyncio.run(probe(camera))
    if picture is not None:
        found = msgspec.structs.replace(found, picture=base64.b64encode(picture).decode())
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    sys.stdout.flush()


main()
