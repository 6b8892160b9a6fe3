"""What nodes agree by: the interface, and which kind a configuration names.

There are two: PostgreSQL, for machines; a SQLite file, for several servers on one machine. Whatever ends without an
error has happened, and is seen by every node that looks later. Invariant: ``propose`` changes nothing if anything was
assigned since the picture that it is based on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from nvr.fleet.errors import FleetError
from nvr.fleet.model import NodeBeat, Offer, Picture, Standing, Transfer

__all__ = ["Coordinator", "is_postgres", "open_coordinator"]

_POSTGRES: Final = ("postgresql://", "postgres://")


class Coordinator(Protocol):
    """Every call may raise ``Unreachable``, within a few seconds; the next one tries anew."""

    async def prepare(self) -> None:
        """Makes the tables that are missing.

        Raises:
            FleetError: they are there and of another version.
        """

    async def join(self, node: str, site: str, capacity_bps: int | None) -> None:
        """Makes this node a member, or one again that was draining or had left."""

    async def set_standing(self, node: str, standing: Standing) -> None:
        """What the others are to make of this node.

        Raises:
            NotJoined: there is none of this id.
        """

    async def claim(self, node: str, incarnation: str) -> None:
        """From now on this server is the node; one that was it before is told at its next beat.

        Raises:
            NotJoined: there is none of this id, or it has left.
        """

    async def beat(self, beat: NodeBeat) -> int:
        """Says that the node lives; returns the coordinator's time, microseconds.

        Raises:
            NotJoined: it is no member any more.
            TakenOver: another server has claimed the node.
        """

    async def look(self, known: Picture) -> Picture:
        """All of it, as it is at one time; of what has not changed since ``known``, that is taken."""

    async def offer(self, node: str, offers: Mapping[str, Offer], withdrawn: Collection[str]) -> None:
        """Cameras that the node knows now, or of which something changed; and those that it no longer knows."""

    async def propose(self, base: int, transfers: Sequence[Transfer]) -> bool:
        """Makes these transfers, under one new epoch; False: something was assigned since epoch ``base``."""

    async def confirm(self, node: str, cameras: Mapping[str, int]) -> None:
        """The node has footage of these cameras, of the assignment of this epoch; of others it means nothing."""

    async def close(self) -> None:
        """Lets go of it."""


def is_postgres(database: str) -> bool:
    """Whether ``[fleet] database`` names a PostgreSQL database; else it is a file."""
    return database.startswith(_POSTGRES)


def open_coordinator(database: str, password: str | None) -> Coordinator:
    """The coordinator that ``[fleet] database`` names; asks nobody yet.

    Raises:
        FleetError: what speaks PostgreSQL is not installed.
    """
    if not is_postgres(database):
        from nvr.fleet.embedded import EmbeddedCoordinator

        return EmbeddedCoordinator(Path(database))
    try:
        from nvr.fleet.postgres import PostgresCoordinator
    except ImportError as error:
        raise FleetError(f"PostgreSQL needs the package psycopg ({error}): pip install 'nvr[fleet]'") from None
    return PostgresCoordinator(database, password)
