"""Route of the server's health: for machines that watch it, without login, so without names."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from nvr.api.cameras import status as fleet
from nvr.api.http.errors import said_to
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from nvr.api.operations.nodes import kept_fleet, node_problems
from nvr.config import redact
from storage.errors import CatalogueError
from storage.sentences import Sentence
from storage.writing import at_risk
from storage.writing.at_risk import Risk

if TYPE_CHECKING:
    from nvr.fleet.seen import KeptFleet

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)


class HealthProblem(msgspec.Struct, omit_defaults=True):
    """``code`` is catalogue_unavailable, heartbeat_old, cameras_silent, roots_away or power_cut_costly; of a fleet of
    several machines also coordinator_away, nodes_lost, no_capacity or clock_off. ``cameras`` is how many."""

    code: str
    detail: str
    cameras: int = 0


class HealthBody(msgspec.Struct):
    """``degraded`` as soon as there is one problem."""

    status: Literal["ok", "degraded"]
    version: str
    time: str
    problems: list[HealthProblem]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the catalogue says; None: it can't be read."""

    found: fleet.Health | None
    risks: Collection[Risk] = ()
    nodes: KeptFleet | None = None


def _read(services: Services) -> _Reading:
    now_us = services.now_us()
    try:
        with services.db.read() as conn:
            found = fleet.health(conn, node=services.settings.node, now_us=now_us)
            nodes = kept_fleet(conn, services.settings)
            return _Reading(found, list(at_risk.by_root(conn, now_us=now_us).values()), nodes)
    except (sqlite3.Error, CatalogueError) as error:
        log.error("the catalogue can't be read: %s", redact(str(error)))
        return _Reading(None)


@get("/api/health", action="public", summary="Whether the server works", answer=HealthBody)
async def health(request: ApiRequest, services: Injected) -> HealthBody:
    """Always 200: who restarts a server because one camera is silent interrupts all the others. Answered within a
    second, whatever the disk is at that the catalogue is on."""
    problems: list[HealthProblem] = []
    reading = await services.health_reading.ask(_read, services)
    now_us = services.now_us()

    def add(code: str, detail: Sentence, cameras: int = 0) -> None:
        problems.append(HealthProblem(code, said_to(request, detail), cameras))

    if away := services.settings.roots_away:
        add("roots_away", Sentence("footage roots whose disk is missing or another's: {count}", count=away))
    if reading is None:
        add("catalogue_unavailable", Sentence("the catalogue does not answer at the moment: its disk may be busy"))
    elif (found := reading.found) is None:
        add("catalogue_unavailable", Sentence("the catalogue can't be read"))
    else:
        if found.heart_stopped:
            age = found.heartbeat_age_us
            add(
                "heartbeat_old",
                Sentence("the supervisor's heartbeat is missing: there was none yet")
                if age is None
                else Sentence(
                    "the supervisor's heartbeat is missing: the last one was {seconds} s ago", seconds=age // 1_000_000
                ),
            )
        if found.silent:
            silent_s = fleet.SILENT_US // 1_000_000
            add(
                "cameras_silent",
                Sentence("cameras whose recorder has said nothing for {seconds} s", seconds=silent_s),
                found.silent,
            )
        late = [risk for risk in reading.risks if risk.worst_s > risk.limit_s]
        if late:
            worst = max(late, key=lambda risk: risk.worst_s)
            add(
                "power_cut_costly",
                Sentence(
                    "a power cut could have cost {lost:.1f} s of footage, not {limit:g} s:"
                    " a footage disk is slow to sync",
                    lost=worst.worst_s,
                    limit=worst.limit_s,
                ),
            )
    if reading is not None and reading.nodes is not None:
        for code, detail, cameras in node_problems(reading.nodes, services.settings.node, now_us):
            add(code, detail, cameras)
    return HealthBody("degraded" if problems else "ok", services.settings.version, format_time(now_us), problems)


ROUTES: list[object] = [health]
