"""What the routes work with: the catalogue, the settings, the clock, and the word to the supervisor."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from litestar import Request
from litestar.di import Provide
from litestar.params import Dependency

from nvr.api.attempts import Attempts
from nvr.api.settings import ApiSettings
from storage.database import Database

__all__ = ["Injected", "Services", "provide"]

_PACKAGED_PAGE = Path(__file__).parent.parent / "web" / "dist"


def _wall_clock_us() -> int:
    return time.time_ns() // 1000


class Services:
    """One for the whole application."""

    def __init__(
        self,
        settings: ApiSettings,
        *,
        now_us: Callable[[], int] = _wall_clock_us,
        on_cameras_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.db = Database(Path(settings.catalogue))
        self.now_us = now_us
        self.on_cameras_changed = on_cameras_changed
        self.attempts = Attempts()
        self.page_folder = _PACKAGED_PAGE if settings.web_dist is None else Path(settings.web_dist)
        # A password costs 50 ms of a core and 64 MiB: more than these at once would be felt by recording.
        self.password_slots = asyncio.Semaphore(2)
        self.report_slots = threading.BoundedSemaphore(2)


async def provide(request: Request[Any, Any, Any]) -> Services:
    """The services of the application that was asked."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Injected = Annotated[Services, Dependency(skip_validation=True)]
PROVIDED = {"services": Provide(provide)}
