"""What footage goes, and why: pure decisions, and the step that carries them out.

Judged by a segment's **end**: a segment goes when all of it is past its time. Oldest first. Growing segments never go. Invariants:
nothing goes that no rule names, and a rule names no more than it needs.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from storage import garbage
from storage.causes import Cause
from storage.database import Database
from storage.files import FILES, Files
from storage.roots import Root, is_mounted
from storage.segments import Key

__all__ = ["Candidate", "Deletion", "Disk", "Policy", "apply", "disks", "load", "plan"]

log = logging.getLogger(__name__)

# Oldest segments of a camera looked at in one pass. A pass that deletes this many is followed by another.
_LOOK_AHEAD = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """A camera's rules. ``max_age_us``: gone by then. ``max_bytes``: no more than this. None: no such rule."""

    max_age_us: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A closed segment as the planner sees it."""

    key: Key
    end_us: int
    bytes: int
    root: str


@dataclass(frozen=True, slots=True)
class Disk:
    """A root's disk: bytes free, and how many must stay free."""

    root: str
    free_bytes: int
    floor_bytes: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """A segment to go, and the rule that says so: ``max_age``, ``max_bytes`` or ``free_space_floor``."""

    candidate: Candidate
    rule: str


@dataclass(frozen=True, slots=True)
class Footage:
    """A camera's footage: its oldest closed segments, oldest end first, and the bytes of all. ``more``: it has others, which are not
    older. ``garbage``: by root, bytes that are given up already and still on the disk."""

    camera: str
    policy: Policy
    oldest: Sequence[Candidate] = field(default=())
    bytes: int = 0
    more: bool = False
    garbage: Mapping[str, int] = field(default_factory=dict)


def plan(footage: Iterable[Footage], disks_: Iterable[Disk], *, now_us: int) -> list[Deletion]:
    """The deletions that the rules ask for now, oldest first. Pure."""
    deletions: list[Deletion] = []
    rest: list[Candidate] = []
    freed: dict[str, int] = {}
    horizon: dict[str, int] = {}
    for camera in footage:
        for root, bytes_ in camera.garbage.items():
            # A disk that refuses to unlink is not helped by giving up more and more.
            freed[root] = freed.get(root, 0) + bytes_
        if camera.more:
            # Its next segments were not looked at, and may be older than other cameras' that were.
            for root, end_us in {candidate.root: candidate.end_us for candidate in camera.oldest}.items():
                horizon[root] = min(end_us, horizon.get(root, end_us))
        kept_bytes = camera.bytes
        for candidate in camera.oldest:
            policy = camera.policy
            if policy.max_age_us is not None and candidate.end_us <= now_us - policy.max_age_us:
                rule = "max_age"
            elif policy.max_bytes is not None and kept_bytes > policy.max_bytes:
                rule = "max_bytes"
            else:
                rest.append(candidate)
                continue
            deletions.append(Deletion(candidate, rule))
            kept_bytes -= candidate.bytes
            freed[candidate.root] = freed.get(candidate.root, 0) + candidate.bytes
    rest.sort(key=lambda candidate: candidate.end_us)
    for disk in disks_:
        short = disk.floor_bytes - disk.free_bytes - freed.get(disk.root, 0)
        for candidate in rest:
            if short <= 0:
                break
            if candidate.root == disk.root and candidate.end_us <= horizon.get(disk.root, candidate.end_us):
                deletions.append(Deletion(candidate, "free_space_floor"))
                short -= candidate.bytes
    deletions.sort(key=lambda deletion: (deletion.candidate.end_us, deletion.candidate.key.camera))
    return deletions


def load(conn: sqlite3.Connection, policies: Mapping[str, Policy], default: Policy) -> list[Footage]:
    """The footage of every camera that has some, removed cameras included (they follow ``default``)."""
    rows = conn.execute("SELECT key, id FROM camera ORDER BY id").fetchall()
    totals = dict(conn.execute("SELECT camera, sum(bytes) FROM span GROUP BY camera").fetchall())
    given_up: dict[int, dict[str, int]] = {}
    for camera, root, bytes_ in conn.execute(
        "SELECT g.camera, r.id, sum(g.bytes) FROM garbage g JOIN root r ON r.key = g.root GROUP BY g.camera, r.id"
    ):
        given_up.setdefault(camera, {})[root] = bytes_
    footage = []
    for row in rows:
        if row["key"] not in totals and row["key"] not in given_up:
            continue
        oldest = conn.execute(
            "SELECT s.start_us, n.id AS node, s.epoch, s.end_us, s.bytes, r.id AS root FROM segment s"
            " JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root"
            " WHERE s.camera = ? AND s.end_us IS NOT NULL ORDER BY s.start_us LIMIT ?",
            (row["key"], _LOOK_AHEAD),
        )
        candidates = [
            Candidate(Key(row["id"], s["start_us"], s["node"], s["epoch"]), s["end_us"], s["bytes"], s["root"])
            for s in oldest
        ]
        candidates.sort(key=lambda candidate: candidate.end_us)
        footage.append(
            Footage(
                row["id"],
                policies.get(row["id"], default),
                candidates,
                totals.get(row["key"], 0),
                len(candidates) >= _LOOK_AHEAD,
                given_up.get(row["key"], {}),
            )
        )
    return footage


def disks(roots: Sequence[Root], floor_bytes: int, floor_fraction: float, files: Files = FILES) -> list[Disk]:
    """The roots' disks as they are now. The floor is the larger of bytes and fraction of the disk. A root whose disk is away is left
    out: the free space below its mount point says nothing of it."""
    found = []
    for root in roots:
        try:
            if not is_mounted(root):
                continue
            free, total = files.usage(root.path)
        except OSError as error:
            log.error("footage root %s can't be asked for its free space: %s", root.path, error)
            continue
        found.append(Disk(root.id, free, max(floor_bytes, int(total * floor_fraction))))
    return found


def apply(database: Database, deletions: Sequence[Deletion], *, now_us: int, files: Files = FILES) -> int:
    """Deletes what was planned; returns the bytes freed. The ledger names rule and time."""
    freed = 0
    for start in range(0, len(deletions), _LOOK_AHEAD):
        with database.write() as conn:
            for deletion in deletions[start : start + _LOOK_AHEAD]:
                freed += garbage.discard(
                    conn, [deletion.candidate.key], cause=Cause.PRUNED, detail={"policy": deletion.rule}, now_us=now_us
                )
        garbage.sweep(database, files)
    return freed
