"""Routes of retention: the rules in force, what they would delete, doing it, and whether promises will be kept.

Invariants: nothing is deleted here but a plan whose hash its confirmer names; whoever decides on some cameras sees,
tries and deletes what is of these alone, by the cameras' own rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import msgspec
from litestar import Response
from litestar.params import JSONBody

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time, seconds
from nvr.api.retention.bodies import (
    LEAST_BYTES,
    LONGEST_S,
    AppliedRules,
    CameraRules,
    Confirmation,
    ForecastBody,
    LabelBody,
    MissBody,
    PolicyBody,
    PolicyChange,
    Preview,
    RecordedBody,
    RetentionBody,
    RootBody,
    RuleChange,
    RuleCount,
    ShortfallBody,
)
from storage.catalogue import cameras
from storage.disk.roots import Root
from storage.retention import candidates as footage
from storage.retention import confirmed_plans, forecast
from storage.retention.applying import apply
from storage.retention.free_space import disks
from storage.retention.plan import Disk
from storage.retention.policies import LabelRule, Policy, Rules, own_rules, resolve
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


def _policy(policy: Policy) -> PolicyBody:
    return PolicyBody(
        None if policy.max_age_us is None else seconds(policy.max_age_us),
        None if policy.min_age_us is None else seconds(policy.min_age_us),
        policy.max_bytes,
    )


def _disks(services: Services) -> list[Disk]:
    settings = services.settings
    roots = [Root(identity, Path(path)) for identity, path in settings.roots]
    return disks(roots, settings.floor_bytes, settings.floor_fraction)


def _rules(services: Services) -> Rules:
    return Rules.from_wire(services.settings.retention)


def _mine(request: ApiRequest) -> Collection[str] | None:
    """The cameras of which who asks decides for how long all of their footage is kept; None: all that there are."""
    rights = rights_of(request)
    if rights.everywhere(AccessAction.RETENTION):
        return None
    seen = rights.cameras(AccessAction.RETENTION).ids
    return frozenset(one for one in seen if rights.on(one, AccessAction.RETENTION).outcome is Outcome.ALLOWED)


@get(
    "/api/retention",
    action="retention",
    scope="cameras",
    summary="The rules of retention in force",
    answer=RetentionBody,
)
def retention_rules(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Default, labels and every camera; to who decides on some cameras these, with the rules of labels that they have,
    and no disk."""
    rules, mine = _rules(services), _mine(request)
    with services.db.read() as conn:
        rows = [row for row in cameras.list_all(conn) if mine is None or row.id in mine]
    paths = dict(services.settings.roots)
    body = RetentionBody(
        format_time(services.now_us()),
        _policy(rules.default),
        [
            LabelBody(**msgspec.structs.asdict(_policy(r.policy)), match=r.match)
            for r in rules.labels
            if mine is None or any(r.fits(row.labels) for row in rows)
        ],
        [
            CameraRules(row.id, _policy(own := own_rules(row.settings)), _policy(resolve(own, row.labels, rules)))
            for row in rows
        ],
        [
            RootBody(disk.root, paths[disk.root], disk.free_bytes, disk.floor_bytes)
            for disk in (_disks(services) if mine is None else ())
        ],
    )
    return json_answer(request, body)


def _changed(old: Policy, change: PolicyChange, what: str) -> Policy:
    """The policy with the change.

    Raises:
        ApiError: ``invalid_retention``.
    """
    for key in ("max_age_s", "min_age_s"):
        age = getattr(change, key)
        if isinstance(age, float | int) and not 1 <= age <= LONGEST_S:
            raise ApiError(
                "invalid_retention",
                Sentence("{what}.{key} must be between 1 and {most}", what=what, key=key, most=LONGEST_S),
            )
        if age is not msgspec.UNSET:
            old = replace(old, **{key.replace("_s", "_us"): None if age is None else round(age * 1_000_000)})
    if change.max_bytes is not msgspec.UNSET:
        if change.max_bytes is not None and change.max_bytes < LEAST_BYTES:
            raise ApiError(
                "invalid_retention",
                Sentence("{what}.max_bytes must be at least {least}", what=what, least=LEAST_BYTES),
            )
        old = replace(old, max_bytes=change.max_bytes)
    return old


def _preview(request: ApiRequest, services: Services, change: RuleChange) -> Response[bytes]:
    in_force, now_us, mine = _rules(services), services.now_us(), _mine(request)
    if mine is not None and (change.default != PolicyChange() or change.labels is not None):
        raise ApiError(
            "forbidden", Sentence("these rules concern every camera: try other rules of the cameras that are yours")
        )
    labels = in_force.labels
    if change.labels is not None:
        labels = [
            LabelRule(rule.match, _changed(Policy(), rule, f"labels[{i}]")) for i, rule in enumerate(change.labels)
        ]
    rules = Rules(_changed(in_force.default, change.default, "default"), labels)
    own: dict[str, Policy] = {}
    with services.db.read() as conn:
        for id_, new in change.cameras.items():
            row = cameras.find(conn, id_)
            if row is None or (mine is not None and id_ not in mine):
                raise no_camera(id_)
            own[id_] = _changed(own_rules(row.settings), new, f"cameras.{id_}")
        for id_, policy in footage.policies(conn, rules, own).items():
            if (
                (mine is None or id_ in mine)
                and policy.min_age_us is not None
                and policy.max_age_us is not None
                and policy.min_age_us > policy.max_age_us
            ):
                raise ApiError(
                    "invalid_retention", Sentence("camera {id} would have a min_age longer than its max_age", id=id_)
                )
        # Room on the disks is made of all cameras' footage: who decides on some sees what their rules delete.
        full = _disks(services) if mine is None else []
        planned = confirmed_plans.preview(conn, rules, full, now_us=now_us, own=own, among=mine)
        made = confirmed_plans.packed(conn, planned.deletions, in_force)
    with services.db.write() as conn:
        confirmed_plans.save(conn, made, now_us=now_us)
    sums = confirmed_plans.summary(planned.deletions)
    body = Preview(
        format_time(now_us),
        made.hash,
        sums.segments,
        sums.recorded_us / 3_600_000_000,
        sums.bytes,
        sums.cameras,
        None if sums.oldest_us is None else format_time(sums.oldest_us),
        {rule: RuleCount(*count) for rule, count in sums.by_rule.items()},
        planned.complete,
        [ShortfallBody(s.root, s.bytes) for s in planned.shortfalls],
        planned.overdue,
        dict(planned.beyond),
    )
    return json_answer(request, body)


@get(
    "/api/retention/preview",
    action="retention",
    scope="cameras",
    summary="What the rules in force would delete now",
    answer=Preview,
    pool="heavy",
)
def preview_in_force(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Usually little: it goes within seconds."""
    return _preview(request, services, RuleChange())


@post(
    "/api/retention/preview",
    action="retention",
    scope="cameras",
    summary="What other rules would delete now",
    errors=["invalid_request", "invalid_retention", "camera_not_found"],
    status=200,
    answer=Preview,
    pool="heavy",
)
def preview_change(request: ApiRequest, services: Injected, data: JSONBody[RuleChange]) -> Response[bytes]:
    """Changes nothing."""
    return _preview(request, services, data)


@post(
    "/api/retention/apply",
    action="retention",
    scope="cameras",
    summary="Delete exactly what was previewed under this hash",
    errors=["invalid_request", "plan_changed"],
    status=200,
    answer=AppliedRules,
    pool="heavy",
)
def apply_plan(request: ApiRequest, services: Injected, data: JSONBody[Confirmation]) -> Response[bytes]:
    """Moves the segments into the garbage; the housekeeping process removes the files."""
    now_us = services.now_us()
    try:
        with services.db.read() as conn:
            mine = _mine(request)
            todo = confirmed_plans.confirmed(conn, data.plan_hash, _rules(services), now_us=now_us, among=mine)
    except confirmed_plans.PlanError as error:
        raise ApiError("plan_changed", sentence_of(error)) from None
    done = apply(services.db, todo.deletions, now_us=now_us, by=principal_of(request).actor, sweep=False)
    return json_answer(request, AppliedRules(RuleCount(done.segments, done.bytes), todo.gone))


@get(
    "/api/retention/forecast",
    action="retention",
    scope="fleet",
    summary="Which cameras will miss their min_age, and when",
    answer=ForecastBody,
    pool="heavy",
)
def retention_forecast(request: ApiRequest, services: Injected) -> Response[bytes]:
    """By what was recorded over the last day."""
    now_us = services.now_us()
    found = _disks(services)
    with services.db.read() as conn:
        fleet, recorded_bytes = forecast.measure(conn, footage.policies(conn, _rules(services)), now_us=now_us)
    answer = forecast.forecast(fleet, forecast.capacity(found, recorded_bytes), now_us=now_us)
    body = ForecastBody(
        format_time(now_us),
        answer.capacity_bytes,
        answer.needed_bytes,
        round(answer.bytes_per_s),
        None if answer.full_us is None else format_time(answer.full_us),
        [
            MissBody(m.camera, seconds(m.min_age_us), seconds(m.reachable_us), format_time(m.at_us))
            for m in answer.misses
        ],
        [
            RecordedBody(c.camera, round(c.bytes_per_s), None if c.oldest_us is None else format_time(c.oldest_us))
            for c in fleet
        ],
    )
    return json_answer(request, body)


ROUTES = [
    retention_rules,
    preview_in_force,
    preview_change,
    apply_plan,
    retention_forecast,
]
