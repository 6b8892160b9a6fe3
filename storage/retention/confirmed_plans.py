"""Plans that a person confirms: what is confirmed is what runs.

A plan's text is a line for each deletion, sorted; its hash is the SHA-256 of that text. Invariant: ``confirmed`` hands
out exactly the deletions that were shown under the hash, or refuses. Footage that went since does not change a plan, it
only shortens it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.retention import holds
from storage.retention.candidates import load, policies
from storage.retention.plan import Candidate, Deletion, Disk, RetentionPlan, plan
from storage.retention.policies import Policy, Rules
from storage.sentences import Sentence

__all__ = [
    "LARGEST",
    "PackedPlan",
    "PlanError",
    "Summary",
    "Todo",
    "confirmed",
    "packed",
    "preview",
    "save",
    "summary",
]

# Deletions of one plan to confirm. Catalogue and memory hold its text; what is more is planned again once these are
# gone.
LARGEST: Final = 100_000
_VALID_US: Final = 3600 * 1_000_000
_MOST_KEPT: Final = 16


class PlanError(Exception):
    """The plan is not, or no longer, what would be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Todo:
    """What of a confirmed plan is still there to be deleted, and how many of its segments went since."""

    deletions: Sequence[Deletion]
    gone: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a plan deletes. ``recorded_us`` is the sum of the segments' lengths; ``oldest_us`` the earliest start;
    ``by_rule`` segments and bytes of each rule."""

    segments: int
    recorded_us: int
    bytes: int
    cameras: int
    oldest_us: int | None
    by_rule: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class PackedPlan:
    """A plan to be kept. ``hash``: SHA-256 over its sorted deletions, hexadecimal; ``basis``: of the rules that are in
    force for its cameras; ``text``: compressed."""

    hash: str
    basis: str
    text: bytes


def summary(deletions: Sequence[Deletion]) -> Summary:
    """The sums of a plan. Pure."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for deletion in deletions:
        counts[deletion.rule] += 1
        sizes[deletion.rule] += deletion.candidate.bytes
    candidates = [deletion.candidate for deletion in deletions]
    return Summary(
        len(candidates),
        sum(c.end_us - c.key.start_us for c in candidates),
        sum(sizes.values()),
        len({c.key.camera for c in candidates}),
        min((c.key.start_us for c in candidates), default=None),
        {rule: (counts[rule], sizes[rule]) for rule in sorted(counts)},
    )


def preview(
    conn: sqlite3.Connection,
    rules: Rules,
    found: Iterable[Disk],
    *,
    now_us: int,
    own: Mapping[str, Policy] | None = None,
    among: Collection[str] | None = None,
) -> RetentionPlan:
    """What these rules would delete now, at most ``LARGEST`` segments. ``own`` takes the place of
    cameras' own rules; ``among``: as if there were these cameras alone."""
    policy_of = policies(conn, rules, own)
    if among is not None:
        policy_of = {id_: policy for id_, policy in policy_of.items() if id_ in among}
    return plan(load(conn, policy_of, now_us=now_us), found, now_us=now_us, most=LARGEST)


def _text(deletions: Sequence[Deletion]) -> bytes:
    lines = []
    for deletion in deletions:
        c = deletion.candidate
        parts = (c.key.camera, c.key.start_us, c.key.node, c.key.epoch, c.end_us, c.bytes, c.root, deletion.rule)
        lines.append("\t".join(map(str, parts)))
    return "\n".join(sorted(lines)).encode()


def _deletions(text: bytes) -> list[Deletion]:
    found = []
    for line in text.decode().splitlines():
        camera, start_us, node, epoch, end_us, bytes_, root, rule = line.split("\t")
        key = Key(camera, int(start_us), node, int(epoch))
        found.append(Deletion(Candidate(key, int(end_us), int(bytes_), root), rule))
    found.sort(key=lambda deletion: (deletion.candidate.end_us, deletion.candidate.key.camera))
    return found


def _basis(policy_of: Mapping[str, Policy], deletions: Sequence[Deletion]) -> str:
    cameras = sorted({deletion.candidate.key.camera for deletion in deletions})
    text = json.dumps({id_: asdict(policy_of[id_]) for id_ in cameras}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def packed(conn: sqlite3.Connection, deletions: Sequence[Deletion], rules: Rules) -> PackedPlan:
    """A plan as ``save`` keeps it: made beforehand, since it takes long. ``rules`` are those in force, whatever it was
    made with."""
    text = _text(deletions)
    basis = _basis(policies(conn, rules), deletions)
    return PackedPlan(hashlib.sha256(text).hexdigest(), basis, zlib.compress(text, 1))


def save(conn: sqlite3.Connection, made: PackedPlan, *, now_us: int) -> None:
    """Keeps a plan for an hour."""
    conn.execute("DELETE FROM plan WHERE made_us < ? OR made_us > ?", (now_us - _VALID_US, now_us))
    conn.execute(
        "INSERT OR REPLACE INTO plan (hash, made_us, basis, text) VALUES (?, ?, ?, ?)",
        (made.hash, now_us, made.basis, made.text),
    )
    conn.execute(
        "DELETE FROM plan WHERE hash NOT IN (SELECT hash FROM plan ORDER BY made_us DESC LIMIT ?)", (_MOST_KEPT,)
    )


def confirmed(
    conn: sqlite3.Connection, hash_: str, rules: Rules, *, now_us: int, among: Collection[str] | None = None
) -> Todo:
    """The deletions of the plan, oldest first, if it still is the plan.

    Raises:
        PlanError: it was never made or is over an hour old, is of cameras that are not ``among`` these, the rules in
            force for its cameras have changed since, or a hold now keeps some of it.
    """
    never = PlanError(Sentence("there is no such plan, or it was made over an hour ago: preview again"))
    row = conn.execute("SELECT made_us, basis, text FROM plan WHERE hash = ?", (hash_,)).fetchone()
    if row is None or not now_us - _VALID_US <= row["made_us"] <= now_us:
        raise never
    deletions = _deletions(zlib.decompress(row["text"]))
    if among is not None and any(deletion.candidate.key.camera not in among for deletion in deletions):
        raise never
    if row["basis"] != _basis(policies(conn, rules), deletions):
        raise PlanError(Sentence("the rules in force have changed since: preview again"))
    left = []
    for deletion in deletions:
        key, end_us = deletion.candidate.key, deletion.candidate.end_us
        if holds.keeps(conn, key.camera, key.start_us, end_us):
            raise PlanError(
                Sentence("a hold placed since keeps footage of camera {camera}: preview again", camera=key.camera)
            )
        segment = segments.get(conn, key)
        if segment is not None and (segment.growing or segment.end_us != end_us):
            raise PlanError(
                Sentence("a segment of camera {camera} is another one by now: preview again", camera=key.camera)
            )
        if segment is not None:
            left.append(deletion)
    return Todo(left, len(deletions) - len(left))
