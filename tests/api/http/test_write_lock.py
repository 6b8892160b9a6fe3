"""How long anything that a person asks for keeps others from writing to the catalogue."""

from __future__ import annotations

import itertools
import sqlite3
import time
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from nvr.accounts.rows import Role
from nvr.cameras import OvertakenError, csv_import, read
from nvr.config import Config
from nvr.supervisor.provision import provision
from storage.catalogue import cameras, segments
from storage.catalogue.actors import SERVER_ACTOR, Actor
from storage.catalogue.slices import in_slices
from storage.retention import applying
from storage.retention.plan import Candidate, Deletion
from tests.api.catalogue import T0, World
from tests.api.http.large_requests import Watch, ask_for_all, footage, table
from tests.nightly import examples

Client = AsyncTestClient[Litestar]
# What a hold may do, whatever is asked for: rows changed (triggers count), statements (each row of many counts), and
# steps of SQLite's machine. No time: other work on the machine must not decide.
MOST_ROWS = 2_600
MOST_STATEMENTS = 4_600
MOST_STEPS = 200_000
COUNT = examples(450, 3000)


async def test_no_route_holds_the_lock_for_long(
    app: Litestar, client: Client, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = Watch(app.state.services.db)
    await ask_for_all(app, client, world, COUNT, examples(300, 3000))
    headers = world.bearer(Role.ADMIN)
    most = watch.most()
    with capsys.disabled():
        for one in sorted(most.values(), key=lambda one: -one.steps):
            print(f"{one.work:24} {one.rows:6} rows {one.statements:5} statements {one.steps:8} steps")
    assert {
        one.work: one
        for one in most.values()
        if one.rows > MOST_ROWS or one.statements > MOST_STATEMENTS or one.steps > MOST_STEPS
    } == {}
    held = app.state.services.db.holdings
    assert held["import_cameras"].count > 4
    text = (await client.get("/metrics", headers=headers)).text
    assert 'nvr_write_lock_longest_seconds{work="import_cameras"}' in text
    assert f'nvr_write_locks_total{{work="import_cameras"}} {held["import_cameras"].count}.0' in text


def test_a_camera_that_changes_meanwhile_is_looked_at_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = read("id,url,name\nyard,rtsp://192.0.2.9/1,New\n")
    plans = []

    def change(name: str) -> None:
        with world.db.write() as conn:
            old = cameras.find(conn, "yard")
            assert old is not None
            values = {"source": old.source, "settings": old.settings, "labels": old.labels}
            cameras.change(conn, camera="yard", name=name, **values)  # type: ignore[arg-type]

    real = csv_import.plan_import

    def once(conn: sqlite3.Connection, given: Any) -> Any:
        plans.append(real(conn, given))
        if len(plans) == 1 or always:
            change(f"Somebody's {len(plans)}")
        return plans[-1]

    always = False
    monkeypatch.setattr(csv_import, "plan_import", once)
    csv_import.import_table(world.db, parsed, node="n1", at_us=T0)
    assert len(plans) == 2
    with world.db.read() as conn:
        found = cameras.find(conn, "yard")
        assert found is not None
        assert found.name == "New"
    always = True
    with pytest.raises(OvertakenError):
        csv_import.import_table(world.db, read("id,url,name\nyard,rtsp://192.0.2.9/1,Newer\n"), node="n1", at_us=T0)


def test_others_write_in_between(world: World) -> None:
    """Each item takes 10 ms: whoever waits for the lock has it after a slice, not after all."""
    written: list[int] = []

    def write(conn: sqlite3.Connection, item: int) -> None:
        time.sleep(0.01)  # sleep: what an item costs
        written.append(item)

    def first(conn: sqlite3.Connection) -> None:
        assert not written

    in_slices(world.db, range(20), write, first=first)
    assert written == list(range(20))
    assert world.db.holdings["server"].count >= 8


@pytest.mark.parametrize("person", [None, SERVER_ACTOR])
def test_a_plan_lets_others_write_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch, person: Actor | None
) -> None:
    """Each deletion takes 10 ms, as on a machine that does much else."""
    csv_import.import_table(world.db, read(table(2)), node="n1", at_us=T0)
    footage(world, 30)
    with world.db.read() as conn:
        found = segments.between(conn, "cam-1", 0, T0)
    deletions = [Deletion(Candidate(one.key, one.end_us, one.bytes, one.root), "max_age") for one in found]
    moments = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(moments) * 0.01, sleep=lambda _: None)
    monkeypatch.setattr(applying, "time", clock)
    watch = Watch(world.db)
    assert applying.apply(world.db, deletions, now_us=T0, by=person, sweep=False).segments == 30
    assert len(watch.holds) >= (15 if person else 6)


def test_a_configuration_of_thousands_is_taken_in_slices(world: World) -> None:
    """A reload, while recorders write: only what differs is written, and others have their turn."""
    watch = Watch(world.db)

    def provide(**settings: str) -> None:
        cameras_ = [{"id": f"cam-{n}", "url": f"rtsp://192.0.2.1/{n}", **settings} for n in range(COUNT)]
        config = Config.model_validate({"camera": cameras_})
        provision(world.db, config, node="n1", epoch=2, now_us=T0)

    for settings in ({}, {"name": "Other"}, {"name": "Other", "password": "s3cret-s3cret", "username": "root"}):
        provide(**settings)
        with world.db.read() as conn:
            found = [row for row in cameras.list_all(conn) if row.source == "file"]
        assert len(found) == COUNT, "the camera that the file has no more is gone"
        assert {row.name for row in found} == {settings.get("name")} or not settings
    holds = len(watch.holds)
    assert holds > 3 * COUNT / 50
    assert max(one.rows for one in watch.holds) < 50 * 12
    provide(name="Other", password="s3cret-s3cret", username="root")
    assert len(watch.holds) == holds, "nothing differs"


def test_keys_that_come_back_are_taken_in_slices(world: World) -> None:
    csv_import.import_table(
        world.db, read(table(COUNT, password="s3cret-s3cret", username="root")), node="n1", at_us=T0
    )
    watch = Watch(world.db)
    with world.db.read() as conn:
        opened, locked = cameras.sealed(conn)
    assert (len(opened), locked) == (COUNT + 3, [])
    in_slices(world.db, opened, cameras.reopen)
    assert max(one.rows for one in watch.holds) <= 2 * 50
