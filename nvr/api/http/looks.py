"""Looks at footage of several cameras at once: each is entered in the audit log by itself."""

from __future__ import annotations

from nvr.api.http.auth import address_of, principal_of
from nvr.api.http.origins import Connection
from nvr.api.http.services import Services
from storage.catalogue.audit import Act

__all__ = ["looked_at"]


async def looked_at(connection: Connection, camera: str, action: str, detail: dict[str, str]) -> None:
    """Enters a look at a camera that is not in the path, as one of several: each once, as any look."""
    services: Services = connection.app.state.services
    who, now_us = principal_of(connection), services.now_us()
    act = Act(who.actor, address_of(connection), action, now_us)
    if not services.views.goes_on(act, camera, detail, now_us):
        await services.pools.entries.run(services.views.enter, act, camera, detail, now_us)
