"""``python -m nvr.housekeeping``: started by the supervisor, configured by JSON lines on stdin, ended by SIGTERM or a
closed stdin.

Says ``{"event": "disk_full", "stopped": [ids]}`` on stdout whenever it changes which cameras must pause for want of
space.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from nvr import core_dumps, niceness
from storage.disk.roots import Root


def _roots(settings: dict[str, Any]) -> list[Root]:
    return [Root(identity, Path(path)) for identity, path in settings["roots"]]


def _secrets(settings: dict[str, Any]) -> list[str]:
    """What is to be in no line of the log."""
    from nvr.alerting.settings import secrets_told

    own = [settings["backup"][key] for key in ("passphrase", "s3_secret_key")]
    return [*(secret for secret in own if secret is not None), *secrets_told(settings["alerts"])]


def main() -> None:
    core_dumps.forbid()
    # Below recording in every respect, and before its code is read.
    niceness.lower(5)
    from nvr import log as logs
    from nvr.alerting.watch import Watch
    from nvr.housekeeping.backups import BackupKeeper
    from nvr.housekeeping.certificate import CertificateKeeper
    from nvr.housekeeping.coverage_days import DayKeeper
    from nvr.housekeeping.device_seeker import DeviceSeeker
    from nvr.housekeeping.disk_health import DiskHealth
    from nvr.housekeeping.draining import Drainer
    from nvr.housekeeping.mark_keeper import MarkKeeper
    from nvr.housekeeping.network_hours import NetworkKeeper
    from nvr.housekeeping.pruning import Pruner
    from nvr.housekeeping.scrub import Scrubber

    first = json.loads(sys.stdin.readline())
    logs.setup("accounting", first["log_level"], _secrets(first))
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())

    def say(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    keeper = Pruner(first, say)
    scrubber = Scrubber(Path(first["catalogue"]), _roots(first), first["scrub_bytes_per_s"], ending)
    drainer = Drainer(first, ending)
    certificate = CertificateKeeper(first, ending)
    health = DiskHealth(_roots(first), ending)
    watch = Watch(first, ending, worn=lambda: health.worn)
    backups = BackupKeeper(first, ending)

    seeker = DeviceSeeker(Path(first["catalogue"]), first["devices"], ending)

    def listen() -> None:
        for line in sys.stdin:
            settings: dict[str, Any] = json.loads(line)
            logs.learn_secrets(_secrets(settings))
            keeper.configure(settings)
            scrubber.roots = _roots(settings)
            watch.configure(settings)
            seeker.told = settings["devices"]
            backups.settings = settings
            drainer.configure(settings)
            certificate.settings = settings
            health.roots = _roots(settings)
        ending.set()

    threading.Thread(target=listen, name="orders", daemon=True).start()
    scrubber.start()
    days = DayKeeper(Path(first["catalogue"]), ending)
    days.start()
    network = NetworkKeeper(Path(first["catalogue"]), ending)
    network.start()
    keeping_marks = MarkKeeper(Path(first["catalogue"]), ending)
    keeping_marks.start()
    watch.start()
    seeker.start()
    backups.start()
    health.start()
    drainer.start()
    certificate.start()
    keeper.run(ending)
    for thread in (scrubber, days, network, keeping_marks, watch, seeker, backups, drainer, certificate):
        thread.join(5.0)


main()
