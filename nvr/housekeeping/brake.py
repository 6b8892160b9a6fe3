"""The brake at work: what one pass of retention may delete, what waits, and what people have confirmed
(``storage.retention.brake`` decides)."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from nvr.alerting.clock import synchronised
from storage.catalogue.database import Database
from storage.retention import brake, confirmations, forecast, misdated
from storage.retention import candidates as footage
from storage.retention.brake import Amount, Moment
from storage.retention.confirmations import CLOCK, Confirmed
from storage.retention.plan import SPACE, Deletion, Disk, RetentionPlan, plan
from storage.retention.policies import Policy

__all__ = ["Brake", "Pass", "moment"]

log = logging.getLogger(__name__)

# How often what waits is looked at again while nothing has changed, and how often the clock's reading is kept.
_AGAIN_US: Final = 60_000_000
_ANCHOR_US: Final = 30_000_000
_RATE_US: Final = 600_000_000
# What is planned to see how much would go: more than that is much in any case.
_MOST: Final = 100_000


def moment() -> Moment:
    """The clocks now. Time since boot is read from the kernel's own file, which goes on while a machine sleeps and
    which nobody can set."""
    try:
        up_us = round(float(Path("/proc/uptime").read_text().split()[0]) * 1_000_000)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError, IndexError):
        return Moment(time.time_ns() // 1000, "", time.monotonic_ns() // 1000)
    return Moment(time.time_ns() // 1000, boot, up_us)


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass may do: the plan, the disks with the floors that count, and what the rules would delete beyond
    confirmed ones."""

    planned: RetentionPlan
    disks: Sequence[Disk]
    unconfirmed: Mapping[str, Amount]


class Brake:
    """Of one catalogue. Not for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # What waited at the last look, and when that was. These are times since boot.
        self._asked: tuple[object, int] = (None, 0)
        self._anchored_us: int | None = None
        self._rate: tuple[int, float, int] | None = None
        self._passed_us: int | None = None
        self._doubt = ""
        # Whether what is recorded now is known to be dated wrongly, perhaps.
        self._is_dated: bool | None = None
        self._space: dict[str, dict[str, Any]] = {}
        # Bytes by root that may go at the pace of recording: a pass's share is less than a segment.
        self._credit: dict[str, int] = {}

    def decide(self, policy_of: Mapping[str, Policy], found: Sequence[Disk], now: Moment, *, most: int) -> Pass:
        """The plan of a pass: all that the rules in force ask for, but for what waits. Confirms what a person has
        confirmed, and what does no harm."""
        self._confirm(policy_of, found, now)
        self._confirm_floors(found, now)
        self._date(now)
        with self._database.read() as conn:
            confirmed = confirmations.load(conn)
            doubt = self._clock(conn, now)
            now_us = brake.true_us(now, confirmations.anchor(conn)) if doubt else now.wall_us
            quiet = {camera: brake.gentle(policy, confirmed.rules.get(camera)) for camera, policy in policy_of.items()}
            mild = [brake.allowed(disk, confirmed.floors.get(disk.root)) for disk in found]
            wild = {d.root for d in found if brake.floor_error(d.floor_bytes, d.total_bytes) and d.total_bytes}
            if doubt:
                quiet = {camera: replace(policy, max_age_us=None) for camera, policy in quiet.items()}
            is_all = not doubt and quiet == dict(policy_of) and mild == list(found)
            small = plan(footage.load(conn, quiet, now_us=now_us), mild, now_us=now_us, most=most)
            small = self._at_pace(conn, small, mild, now, now_us)
        if is_all:
            self._settle(policy_of, found, confirmed, {}, now)
            return Pass(small, mild, {})
        return self._judge(policy_of, found, small, mild, confirmed, wild, now, most)

    def _judge(
        self,
        policy_of: Mapping[str, Policy],
        found: Sequence[Disk],
        small: RetentionPlan,
        mild: Sequence[Disk],
        confirmed: Confirmed,
        wild: set[str],
        now: Moment,
        most: int,
    ) -> Pass:
        """Rules, floors or the clock ask for more than was confirmed."""
        asked = (dict(policy_of), [(d.root, d.floor_bytes) for d in found], self._doubt)
        if asked == self._asked[0] and abs(now.up_us - self._asked[1]) < _AGAIN_US:
            return Pass(small, mild, {})
        with self._database.read() as conn:
            full = plan(footage.load(conn, policy_of, now_us=now.wall_us), found, now_us=now.wall_us, most=_MOST)
            going = {deletion.candidate.key for deletion in small.deletions}
            more = [deletion for deletion in full.deletions if deletion.candidate.key not in going]
            lately = confirmations.lately(conn, now_us=now.wall_us)
            footage_of = confirmations.footage(conn)
            much = bool(more) and brake.is_much(brake.amounts(more), lately, footage_of)
        causes = self._causes(more, policy_of, confirmed, found, wild)
        # In doubt nothing is confirmed either: a clock that is years back makes any rule look harmless.
        if much or self._doubt:
            self._asked = (asked, now.up_us)
            # A camera that never had rules nor footage has nothing to lose.
            new = {c: p for c, p in policy_of.items() if c not in confirmed.rules and c not in footage_of}
            self._settle(new, [], confirmed, causes, now)
            return Pass(small, mild, {})
        self._asked = (None, 0)
        causes = {cause: detail for cause, detail in causes.items() if detail.get("reason")}
        if not more:
            # These rules delete nothing more than the confirmed ones did: they do no harm, and count from now on.
            self._settle(policy_of, [disk for disk in found if disk.root not in wild], confirmed, causes, now)
            return Pass(small, mild, {})
        if causes:
            # A floor that can't be meant waits by itself; what little goes besides does not wait for it.
            self._settle({}, [], confirmed, causes, now)
        planned = replace(full, deletions=full.deletions[:most], complete=full.complete and len(full.deletions) <= most)
        kept = {deletion.candidate.key for deletion in planned.deletions}
        return Pass(planned, mild, brake.amounts(d for d in more if d.candidate.key in kept))

    def _causes(
        self,
        more: Sequence[Deletion],
        policy_of: Mapping[str, Policy],
        confirmed: Confirmed,
        found: Sequence[Disk],
        wild: set[str],
    ) -> dict[str, dict[str, Any]]:
        """What waits, by what a person would have to confirm."""
        rows: dict[str, list[tuple[str, int, int, int]]] = {}
        floors = {disk.root: disk.floor_bytes for disk in found}
        for deletion in more:
            c = deletion.candidate
            was = confirmed.rules.get(c.key.camera)
            rule = brake.gentle(policy_of[c.key.camera], was)
            is_age = self._doubt and deletion.rule != SPACE and rule.max_age_us == policy_of[c.key.camera].max_age_us
            cause = CLOCK if is_age else brake.cause_of(deletion, policy_of[c.key.camera], was)
            if cause.startswith("floor="):
                cause = f"{cause}:{floors.get(c.root, 0)}"
            rows.setdefault(cause, []).append((c.key.camera, c.key.start_us, c.end_us, c.bytes))
        causes = {cause: confirmations.details(list_) for cause, list_ in rows.items()}
        for disk in found:
            if disk.root in wild and confirmed.floors.get(disk.root) != disk.floor_bytes:
                detail = causes.setdefault(f"floor={disk.root}:{disk.floor_bytes}", confirmations.details([]))
                detail["reason"] = brake.floor_error(disk.floor_bytes, disk.total_bytes)
        if self._doubt:
            causes.setdefault(CLOCK, confirmations.details([]))["reason"] = self._doubt
        return causes

    def _settle(
        self,
        policy_of: Mapping[str, Policy],
        found: Sequence[Disk],
        confirmed: Confirmed,
        causes: Mapping[str, Mapping[str, Any]],
        now: Moment,
    ) -> None:
        """Confirms these rules and floors, which do no harm, and notes what waits. Writes only what differs."""
        rules = {camera: policy for camera, policy in policy_of.items() if confirmed.rules.get(camera) != policy}
        floors = {d.root: d.floor_bytes for d in found if confirmed.floors.get(d.root) != d.floor_bytes}
        with self._database.read() as conn:
            before = confirmations.waiting(conn)
            keep_anchor = not self._doubt and (
                self._anchored_us is None or abs(now.up_us - self._anchored_us) >= _ANCHOR_US
            )
        causes = {**causes, **self._space}
        same = {w.cause: dict(w.detail) for w in before} == {cause: dict(detail) for cause, detail in causes.items()}
        if same and not rules and not floors and not keep_anchor:
            return
        for cause in causes.keys() - {w.cause for w in before}:
            log.error(
                "deletions wait for a person (%s): %s; nvr retention waiting lists them,"
                " nvr retention confirm lets them go",
                cause,
                ", ".join(f"{key} {value}" for key, value in causes[cause].items() if value is not None),
            )
        with self._database.write() as conn:
            confirmations.confirm_rules(conn, rules, now_us=now.wall_us)
            for root, floor_bytes in floors.items():
                confirmations.confirm_floor(conn, root, floor_bytes, now_us=now.wall_us)
            confirmations.set_waiting(conn, causes, now_us=now.wall_us)
            if synchronised():
                confirmations.accept_unsynchronised(conn, False)
            if keep_anchor:
                confirmations.set_anchor(conn, now)
                if runs := misdated.trusted(conn, now.wall_us):
                    log.warning(
                        "the clock was wrong for a while that nobody saw: %d runs are dated earlier than they were"
                        " recorded; max_age judges them by when they can have been",
                        runs,
                    )
                self._anchored_us = now.up_us

    def _confirm(self, policy_of: Mapping[str, Policy], found: Sequence[Disk], now: Moment) -> None:
        """Carries out what people have confirmed since the last pass."""
        with self._database.read() as conn:
            said = [row for row in confirmations.waiting(conn) if row.confirmed_by is not None]
            confirmed = confirmations.load(conn)
        if not said:
            return
        with self._database.write() as conn:
            for row in said:
                name, _, value = row.cause.partition("=")
                log.warning("deletions that waited (%s) were confirmed by %s", row.cause, row.confirmed_by)
                if row.cause == CLOCK:
                    confirmations.set_anchor(conn, now)
                    confirmations.accept_unsynchronised(conn, synchronised() is False)
                elif name in ("floor", "space"):
                    root = value.partition(":")[0]
                    for disk in found:
                        if disk.root == root and value in (root, f"{root}:{disk.floor_bytes}"):
                            confirmations.confirm_floor(conn, root, disk.floor_bytes, now_us=now.wall_us)
                    if name == "space":
                        confirmations.forget_space(conn, root)
                else:
                    confirmations.confirm_rules(conn, _meant(row.cause, policy_of, confirmed), now_us=now.wall_us)
                conn.execute("DELETE FROM waiting_deletion WHERE cause = ?", (row.cause,))
        self._asked = (None, 0)

    def _confirm_floors(self, found: Sequence[Disk], now: Moment) -> None:
        """Floors that ask for no deletion do no harm, whatever the clock says; a root that never had one begins with
        what is free now."""
        with self._database.read() as conn:
            floors = confirmations.load(conn).floors
        harmless = {}
        for disk in found:
            is_wild = bool(disk.total_bytes and brake.floor_error(disk.floor_bytes, disk.total_bytes))
            if disk.root not in floors or (not is_wild and disk.free_bytes >= disk.floor_bytes):
                harmless[disk.root] = (
                    brake.allowed(disk, None).floor_bytes if is_wild or disk.root not in floors else disk.floor_bytes
                )
        harmless = {root: floor for root, floor in harmless.items() if floors.get(root) != floor}
        if harmless:
            with self._database.write() as conn:
                for root, floor_bytes in harmless.items():
                    confirmations.confirm_floor(conn, root, floor_bytes, now_us=now.wall_us)

    def _date(self, now: Moment) -> None:
        """Notes when the clock begins and ceases to be in doubt: what is recorded meanwhile may be dated long ago."""
        with self._database.read() as conn:
            is_doubted, anchor = bool(self._clock(conn, now)), confirmations.anchor(conn)
        if is_doubted == self._is_dated:
            return
        with self._database.write() as conn:
            if is_doubted and anchor is not None:
                misdated.begin(conn, anchor.wall_us)
            elif not is_doubted and (runs := misdated.end(conn)):
                log.warning(
                    "the clock was wrong: %d runs are dated earlier than they were recorded;"
                    " max_age judges them by when they can have been",
                    runs,
                )
        self._is_dated = is_doubted

    def _clock(self, conn: sqlite3.Connection, now: Moment) -> str:
        is_synchronised = synchronised()
        if is_synchronised is False and confirmations.accepts_unsynchronised(conn):
            is_synchronised = None
        error = brake.clock_error(now, confirmations.anchor(conn), confirmations.last_footage_us(conn), is_synchronised)
        if error and error != self._doubt:
            log.error(
                "the clock is in doubt, so nothing is deleted by age: %s; timedatectl shows it, nvr doctor says more",
                error,
            )
        elif self._doubt and not error:
            log.warning("the clock is trusted again: footage is deleted by age again")
        self._doubt = error
        return error

    def _at_pace(
        self, conn: sqlite3.Connection, planned: RetentionPlan, disks: Sequence[Disk], now: Moment, now_us: int
    ) -> RetentionPlan:
        """The plan, with no more deletions for free space than recording explains."""
        elapsed_us = 0 if self._passed_us is None else now.up_us - self._passed_us
        self._passed_us = now.up_us
        self._space = {}
        if not any(deletion.rule == SPACE for deletion in planned.deletions):
            self._credit.clear()
            return planned
        if self._rate is None or abs(now.up_us - self._rate[0]) >= _RATE_US:
            policy_of = dict.fromkeys((row[0] for row in conn.execute("SELECT id FROM camera")), Policy())
            fleet, recorded = forecast.measure(conn, policy_of, now_us=now_us)
            self._rate = now.up_us, sum(camera.bytes_per_s for camera in fleet) * 86_400, recorded
        _, a_day, total = self._rate
        kept = list(planned.deletions)
        # What recording explains, it explains once, however many disks there are; and a twentieth is one of each disk's
        # own footage, too.
        gone_of = {disk.root: confirmations.space_lately(conn, disk.root, now_us=now_us) for disk in disks}
        fleet_left = brake.space_budget(sum(gone_of.values()), a_day, total)
        for disk in disks:
            wanted = sum(d.candidate.bytes for d in kept if d.candidate.root == disk.root and d.rule == SPACE)
            on_disk = min(total, disk.total_bytes - disk.free_bytes) if disk.total_bytes else total
            budget = min(fleet_left, brake.space_budget(gone_of[disk.root], a_day, on_disk))
            if wanted <= budget:
                fleet_left -= wanted
                self._credit.pop(disk.root, None)
                continue
            credit = self._credit.get(disk.root, 0) + brake.at_pace(a_day, elapsed_us)
            mine = brake.within([d for d in kept if d.candidate.root == disk.root], max(budget, credit), SPACE)
            kept = [d for d in kept if d.candidate.root != disk.root] + mine
            fleet_left = max(0, fleet_left - sum(d.candidate.bytes for d in mine if d.rule == SPACE))
            self._credit[disk.root] = max(0, credit - sum(d.candidate.bytes for d in mine if d.rule == SPACE))
            self._space[f"space={disk.root}"] = {"bytes": wanted, "recorded_a_day": round(a_day)}
        return planned if len(kept) == len(planned.deletions) else replace(planned, deletions=kept, complete=False)


def _meant(cause: str, policy_of: Mapping[str, Policy], confirmed: Confirmed) -> dict[str, Policy]:
    """The cameras that a confirmed cause (``max_age=…``) is about, with the rules that are confirmed of them from now
    on."""
    name, _, text = cause.partition("=")
    key = {"max_age": "max_age_us", "max_bytes": "max_bytes", "min_age": "min_age_us"}[name]
    value = None if text == "None" else int(text)
    found = {}
    for camera, policy in policy_of.items():
        if getattr(policy, key) == value:
            was = confirmed.rules.get(camera, Policy(None, None, policy.min_age_us))
            found[camera] = replace(was, **{key: value})
    return found
