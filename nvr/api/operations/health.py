"""Route of the server's health: for machines that watch it, without login, so without names."""

from __future__ import annotations

import logging
import sqlite3
from typing import Literal

import msgspec

from nvr.api.cameras import status as fleet
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from nvr.config import redact
from storage.errors import CatalogueError
from storage.writing import at_risk

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)


class HealthProblem(msgspec.Struct, omit_defaults=True):
    """``code`` is catalogue_unavailable, heartbeat_old, cameras_silent, roots_away or power_cut_costly; ``cameras`` is
    how many."""

    code: str
    detail: str
    cameras: int = 0


class HealthBody(msgspec.Struct):
    """``degraded`` as soon as there is one problem."""

    status: Literal["ok", "degraded"]
    version: str
    time: str
    problems: list[HealthProblem]


@get("/api/health", role="public", summary="Whether the server works", answer=HealthBody, pool="health")
def health(services: Injected) -> HealthBody:
    """Always 200: who restarts a server because one camera is silent interrupts all the others."""
    now_us = services.now_us()
    problems = []
    if away := services.settings.roots_away:
        problems.append(HealthProblem("roots_away", f"footage roots whose disk is missing or another's: {away}"))
    try:
        with services.db.read() as conn:
            found = fleet.health(conn, node=services.settings.node, now_us=now_us)
            risks = at_risk.by_root(conn, now_us=now_us).values()
    except (sqlite3.Error, CatalogueError) as error:
        log.error("the catalogue can't be read: %s", redact(str(error)))
        problems.append(HealthProblem("catalogue_unavailable", "the catalogue can't be read"))
    else:
        if found.heart_stopped:
            age = found.heartbeat_age_us
            ago = "there was none yet" if age is None else f"the last one was {age // 1_000_000} s ago"
            problems.append(HealthProblem("heartbeat_old", f"the supervisor's heartbeat is missing: {ago}"))
        if found.silent:
            seconds = fleet.SILENT_US // 1_000_000
            problems.append(
                HealthProblem(
                    "cameras_silent", f"cameras whose recorder has said nothing for {seconds} s", found.silent
                )
            )
        late = [risk for risk in risks if risk.worst_s > risk.limit_s]
        if late:
            worst = max(late, key=lambda risk: risk.worst_s)
            what = f"a power cut could have cost {worst.worst_s:.1f} s of footage, not {worst.limit_s:g} s"
            problems.append(HealthProblem("power_cut_costly", f"{what}: a footage disk is slow to sync"))
    return HealthBody("degraded" if problems else "ok", services.settings.version, format_time(now_us), problems)


ROUTES: list[object] = [health]
