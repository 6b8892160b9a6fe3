"""A small real catalogue: three cameras, footage with known gaps, users and tokens of every role."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nvr import accounts
from nvr.accounts.rows import Role
from storage.catalogue import cameras, facts, node, segments, status
from storage.catalogue.database import Database
from storage.catalogue.segments import Init, Key
from storage.catalogue.status import Status
from storage.causes import Cause
from tests.support.catalogues import new_catalogue
from tests.support.people import create_token, token_of

S = 1_000_000
# 2026-11-23T14:00:00Z
T0 = 1_795_442_400 * S
NOW = T0 + 3600 * S
PASSWORDS = {"vera": "vera-vera-vera", "ines": "ines-ines-ines", "anna": "anna-anna-anna"}
ROLES = {"vera": Role.VIEWER, "ines": Role.INVESTIGATOR, "anna": Role.ADMIN}
SEGMENT_BYTES = bytes(range(256)) * 40
INIT = Init("ab" * 32, b"\0\0\0\x08ftyp" * 8, "avc1.64001f", None, 1280, 720)


@dataclass
class World:
    """``now_us`` is the clock of the application under test. Each reading of it is later than the one before, as with
    any clock; a test that compares an answer to the microsecond stops it (``tick_us = 0``)."""

    folder: Path
    db: Database
    tokens: dict[str, str] = field(default_factory=dict)
    now_us: int = NOW
    tick_us: int = 1

    def read_clock(self) -> int:
        self.now_us += self.tick_us
        return self.now_us

    def bearer_of(self, name: str) -> dict[str, str]:
        """A token of the user of this name."""
        return {"Authorization": f"Bearer {token_of(self.db, name, ROLES[name], at_us=T0)}"}

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


def add_segment(world: World, camera: str, start_us: int, end_us: int | None, *, resume: bool = True) -> Key:
    key = Key(camera, start_us, "n1", 1)
    with world.db.write() as conn:
        segments.put_init(conn, INIT)
        segments.begin(conn, key, root="r1", init=INIT.id, run_start_us=start_us, timescale=90_000, media_start=0)
        if resume:
            facts.resume(conn, camera, start_us)
        if end_us is not None:
            ticks = (end_us - start_us) * 9 // 100
            segments.finish(conn, key, end_us=end_us, media_end=ticks, frames=1, bytes_=len(SEGMENT_BYTES), sha256=None)
        segment = segments.get(conn, key)
    assert segment is not None
    segment.path.parent.mkdir(parents=True, exist_ok=True)
    segment.path.write_bytes(SEGMENT_BYTES)
    return key


def enter(world: World, camera: str, at_us: int, cause: Cause, **detail: object) -> None:
    with world.db.write() as conn:
        facts.set_cause(conn, camera, at_us, cause, detail, node="n1", epoch=1)


def add_camera(world: World, camera: str, *, source: str = "catalogue", **labels: str) -> None:
    settings = {"url": f"rtsp://192.0.2.1/{camera}", "username": "root", "password": "s3cret-s3cret", "audio": False}
    with world.db.write() as conn:
        cameras.add(
            conn,
            camera=camera,
            name=camera.capitalize(),
            source=source,
            settings=settings,
            labels=labels,
            node="n1",
            epoch=1,
            at_us=T0 - 600 * S,
        )


def make(folder: Path) -> World:
    """Gate: footage 14:00–14:10, 14:10:01–14:20 and growing since 14:30, unreachable in between. Yard: never reachable.
    Hall: from the file, recorded without a break."""
    db = new_catalogue(folder / "catalogue.sqlite")
    world = World(folder, db)
    with db.write() as conn:
        node.this_node(conn, "n1")
        node.heartbeat(conn, "n1", NOW)
        conn.execute("INSERT INTO root (id, path) VALUES ('r1', ?)", (str(folder / "footage"),))
    add_camera(world, "gate", district="north", owner="city")
    add_camera(world, "yard", district="south", owner="city")
    add_camera(world, "hall", source="file", district="south")
    add_segment(world, "gate", T0, T0 + 600 * S)
    enter(world, "gate", T0 + 600 * S, Cause.ENDED)
    add_segment(world, "gate", T0 + 601 * S, T0 + 1200 * S)
    enter(world, "gate", T0 + 1200 * S, Cause.UNREACHABLE, error="timeout")
    growing = add_segment(world, "gate", T0 + 1800 * S, None)
    enter(world, "yard", T0, Cause.UNREACHABLE, error="no route")
    add_segment(world, "hall", T0 - 600 * S, T0 + 1800 * S)
    add_segment(world, "hall", T0 + 1800 * S, NOW)
    with db.write() as conn:
        segments.grown(conn, growing, NOW - S)
        status.put(
            conn,
            [
                Status("gate", "recording", T0 + 1800 * S, recorded_until_us=NOW - S,
                       init=INIT.id, bitrate_bps=2_000_000, frame_rate=25.0, updated_us=NOW),
                Status("yard", "waiting", T0, Cause.UNREACHABLE, {"error": "no route"}, updated_us=NOW),
                Status("hall", "recording", T0, recorded_until_us=NOW, updated_us=NOW),
            ],
        )  # fmt: skip
    for name, password in PASSWORDS.items():
        accounts.create_user(db, name, password, ROLES[name], at_us=T0)
    for role in Role:
        world.tokens[role] = create_token(db, f"for {role}", role, at_us=T0)
    return world
