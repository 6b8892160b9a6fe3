"""Real footage, the application over it, and the exporter: what tests of exports work with."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from nvr.accounts.rows import Role
from nvr.api import ApiSettings, create_app
from nvr.evidence.jobs.exporter import Exporter, ExportSettings
from nvr.evidence.seal.times import iso
from tests.playback.footage import START_US, Studio
from tests.playback.frames import encode
from tests.support.people import create_token


class Office:
    """Real footage, the application over it, and the exporter."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.run = self.studio.record(encode("h264", 60, first=0, gop=10, jitter=0), START_US, segment_s=4.0)
        self.range = {"start": iso(self.run.start_us), "end": iso(self.run.end_us)}
        self.now_us = self.run.end_us + 10**6
        db = self.studio.database
        self.tokens = {role: create_token(db, f"a {role}", role, at_us=START_US) for role in Role}
        path = str(db.path)
        self.exporter = Exporter(
            ExportSettings(
                catalogue=path, keys=str(folder / "keys"), exports=str(folder / "exports"), name="Test", node="n1",
                zone="Asia/Jakarta", version="0", budget_bytes=10**9, keep_us=10**9, rate_bytes_per_s=10**9,
            ),
            threading.Event(),
        )  # fmt: skip

    def app(self, *, second_person: bool = False) -> Any:
        settings = ApiSettings(catalogue=str(self.studio.database.path), node="n1", second_person=second_person)
        return create_app(settings, now_us=self.read_clock)

    def read_clock(self) -> int:
        """Each reading is later than the one before."""
        self.now_us += 1
        return self.now_us

    def headers(self, role: Role = Role.INVESTIGATOR) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}
