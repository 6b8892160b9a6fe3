"""What is remembered of the catalogue, against deciding anew each time; and who would see what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.access.decide import Outcome
from nvr.access.effects import effects, with_labels
from nvr.access.model import ALL_FOOTAGE, Closure, Grant, LabelledCamera
from nvr.access.roles import AccessAction, Role
from nvr.access.snapshot import AccessSnapshot, AccessSnapshots, Rights
from storage.catalogue import cameras
from storage.catalogue.selection import Selection, parse
from tests.access.test_decide import CAMERAS, TIMES, closures, grants
from tests.support.catalogues import new_catalogue
from tests.support.grants import decide, give, revoke

MOST = st.none() | st.frozensets(st.sampled_from(AccessAction), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    found=st.lists(grants(), max_size=5),
    shut=st.lists(closures(), max_size=2),
    now_us=TIMES,
    most=MOST,
    actions=st.sets(st.sampled_from(AccessAction), min_size=1, max_size=3),
)
def test_lists_and_decisions_agree_property(
    found: list[Grant],
    shut: list[Closure],
    now_us: int,
    most: frozenset[AccessAction] | None,
    actions: set[AccessAction],
) -> None:
    snapshot = AccessSnapshot(1, {camera.id: camera for camera in CAMERAS}, found, shut)
    rights = Rights(snapshot, "user-1", now_us, most)
    for action in actions:
        sight = rights.cameras(action)
        for camera in CAMERAS:
            mine = rights.on(camera.id, action)
            if most is None:
                same = decide(found, camera, snapshot.closures(camera.id), now_us=now_us, action=action)
                assert (mine.outcome, mine.ranges) == (same.outcome, same.ranges)
            elif action not in most:
                assert not mine.allowed
            assert not mine.allowed or camera.id in sight
            assert (camera.id in sight) == any(
                g.holds_at(now_us) and action in g.actions and (most is None or action in most)
                and g.cameras.has(camera.id, camera.labels) for g in found
            )  # fmt: skip
        assert not rights.everywhere(action) or sight.everything
    assert Rights(snapshot, "user-2", now_us).actions == frozenset()


def test_what_is_remembered_is_that_of_the_catalogue_of_the_moment(tmp_path: Path) -> None:
    db = new_catalogue(tmp_path / "catalogue.sqlite")
    snapshots = AccessSnapshots()

    def sees(camera: str) -> bool:
        with db.read() as conn:
            return Rights(snapshots.now(conn), "user-sari", 10).on(camera, AccessAction.LIVE).allowed

    assert not sees("gate")
    with db.write() as conn:
        conn.execute("INSERT INTO node (id) VALUES ('n1')")
    made = give(db, "sari", Role.VIEWER, "district=Tengah", at_us=1)
    with db.write() as conn:
        cameras.add(conn, camera="gate", name="Gate", source="catalogue", settings={}, labels={"District": "tengah"},
                    node="n1", epoch=0, at_us=1)  # fmt: skip
    assert sees("gate")
    with db.read() as conn:
        before = snapshots.now(conn)
        assert snapshots.now(conn) is before
    with db.write() as conn:
        cameras.change(conn, camera="gate", name="Gate", source="catalogue", settings={}, labels={})
    assert not sees("gate")
    with db.write() as conn:
        cameras.change(conn, camera="gate", name="Gate", source="catalogue", settings={}, labels={"district": "Tengah"})
    assert sees("gate")
    revoke(db, made, at_us=5)
    assert not sees("gate")
    db.close()


def test_other_labels_give_and_take() -> None:
    mine = Grant(
        "g", "user-1", "viewer", frozenset({AccessAction.LIVE}), parse("district=Tengah"), ALL_FOOTAGE, 0, None, "why"
    )
    snapshot = AccessSnapshot(1, {camera.id: camera for camera in CAMERAS}, [mine], ())
    found = effects(snapshot, with_labels(snapshot, {"yard": {"district": "tengah"}, "gate": {}}), 1)
    assert (dict(found.given), dict(found.taken)) == (
        {"user-1": frozenset({"yard"})},
        {"user-1": frozenset({"gate"})},
    )
    assert str(found.sentence()) == "gives 1 person sight of 1 camera, takes sight of 1 camera from 1 person"


class CountedSelection(Selection):
    """A query that counts how often it is asked."""

    asked: ClassVar[int] = 0

    def has(self, camera: str, labels: Mapping[str, str]) -> bool:
        CountedSelection.asked += 1
        return super().has(camera, labels)


def test_a_hidden_camera_takes_the_same_steps_as_one_that_never_was() -> None:
    query = parse("district=Tengah")
    counted = CountedSelection(query.text, query.terms)
    cameras_there = {id_: LabelledCamera(id_, {"district": "Utara"}) for id_ in ("gate", "yard")}
    grant = Grant("grant-1", "user-1", Role.VIEWER, frozenset({AccessAction.LIVE}), counted, ALL_FOOTAGE, 0, None, "x")
    rights = Rights(AccessSnapshot(1, cameras_there, [grant, replace(grant, id="grant-2")], []), "user-1", 10)
    steps = []
    for camera in ("yard", "yard", "none", "none"):
        before = CountedSelection.asked
        assert rights.on(camera, AccessAction.LIVE).outcome is Outcome.HIDDEN
        steps.append(CountedSelection.asked - before)
    assert steps == [2, 2, 2, 2], "neither is remembered, neither is left out"
    # Labels that some camera has let nobody see one that is not there.
    snapshot = AccessSnapshot(1, cameras_there, [replace(grant, cameras=parse("district=Utara"))], [])
    assert Rights(snapshot, "user-1", 10).on("none", AccessAction.LIVE).outcome is Outcome.HIDDEN
    assert Rights(snapshot, "user-1", 10).on("gate", AccessAction.LIVE).allowed
