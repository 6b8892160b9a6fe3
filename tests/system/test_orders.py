"""Decisions of people take effect by themselves: a disabled camera is not connected to, its segments are closed, and it
comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nvr.orders import register
from nvr.orders.model import Directive, DirectiveKind, Draft
from storage.catalogue import status
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.intervals import merge
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.people import person
from tests.support.server import Server, now_us, serving, whole

Serve = Callable[[Startable], str]
S = 1_000_000


def enter(server: Server, draft: Draft, *cameras: str) -> Directive:
    database = Database(server.catalogue)
    with database.write() as conn:
        node = conn.execute("SELECT id FROM node").fetchone()[0]
        made = register.add(conn, draft, cameras, node_id=node, by=person("test"), now_us=now_us())
    database.close()
    return made


def revoke(server: Server, id_: str, **more: Any) -> int:
    database = Database(server.catalogue)
    at_us = now_us()
    with database.write() as conn:
        register.revoke(conn, id_, reason="mayor", by=person("test"), now_us=at_us, **more)
    database.close()
    return at_us


def order(start_us: int, **more: Any) -> Draft:
    return Draft(
        kind=DirectiveKind.ORDER, reason="efficiency", letter="800/17", approver="Head", start_us=start_us, **more
    )


def state(server: Server, camera: str) -> str:
    database = Database(server.catalogue)
    with database.read() as conn:
        found = status.find(conn, camera)
    database.close()
    return found.state if found is not None else ""


def assert_accounted(server: Server, camera: str, start_us: int) -> list[Cause]:
    found = server.coverage(camera, start_us)
    parts = merge([*found.spans, *((g.start_us, g.end_us) for g in found.gaps)])  # type: ignore[list-item]
    assert parts == [(start_us, found.as_of_us)]
    assert Cause.UNKNOWN not in [gap.cause for gap in found.gaps]
    return [gap.cause for gap in found.gaps]


@pytest.mark.nightly
def test_an_order_from_its_time_to_its_revocation_through_a_restart(
    tmp_path: Path, serve: Serve, h264_clip: Clip
) -> None:
    ordered, other = (ScriptedCamera(h264_clip, at_end="repeat") for _ in range(2))
    tables = [{"id": "a", "url": serve(ordered)}, {"id": "b", "url": serve(other)}]
    with serving(tmp_path, *tables, workers=1) as server:
        start_us = now_us()
        server.until(lambda: server.growing("a") and server.growing("b"), what="recording")
        begins_us = now_us() + 2 * S
        made = enter(server, order(begins_us), "a")
        server.until(lambda: state(server, "a") == "off", what="the order takes effect")
        assert now_us() >= begins_us
        segments = server.closed("a")
        assert not server.growing("a") and all(whole(s.path) for s in segments)
        last_us = segments[-1].end_us
        assert begins_us - S < last_us < begins_us + 2 * S
        connected = len(ordered.requests)
        # The server forgets nothing.
        server.stop()
        server.start()
        # Only the other's recording is to be waited for; by then the first one's would have begun.
        at_us = now_us()
        server.until(lambda: [s for s in server.closed("b") if s.key.start_us > at_us], what="the other one records")
        assert len(ordered.requests) == connected, "a disabled camera was connected to"
        assert state(server, "a") == "off"
        revoked_us = revoke(server, made.id)
        server.until(lambda: server.growing("a"), what="it records again")
        server.until(lambda: [s for s in server.closed("a") if s.key.start_us > revoked_us])
        causes = assert_accounted(server, "a", start_us)
        assert (
            {Cause.NOT_CONFIGURED, Cause.DISABLED}
            <= set(causes)
            <= {Cause.NOT_CONFIGURED, Cause.STALLED, Cause.DISABLED}
        )
        gap = next(g for g in server.coverage("a", start_us).gaps if g.cause is Cause.DISABLED and g.end_us > begins_us)
        # It begins with the last frame, or with the order within the frame that was under way then.
        assert last_us <= gap.start_us <= max(last_us, begins_us) and gap.start_us - last_us < 0.1 * S
        assert gap.end_us == revoked_us
        assert gap.detail["letter"] == "800/17" and gap.detail["order"] == made.id
        assert gap.detail["original_cause"] == "server_down", "what the restart alone would have cost stays in sight"
        assert Cause.DISABLED not in assert_accounted(server, "b", start_us)


def test_a_schedule_stops_and_starts_and_a_window_only_explains(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    with serving(tmp_path, {"id": "a", "url": serve(camera), "stall_timeout": "2s"}, workers=1) as server:
        start_us = now_us()
        server.until(lambda: server.growing("a"), what="recording")
        # Never within its hours, however long the test takes: those are a day ago each week.
        day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now_us() // (86_400 * S) + 2) % 7]
        begins_us = now_us() + S
        draft = Draft(
            kind=DirectiveKind.SCHEDULE, reason="x", hours=f"{day} 10:00-11:00", zone="UTC", start_us=begins_us
        )
        made = enter(server, draft, "a")
        server.until(lambda: state(server, "a") == "off", what="the schedule")
        resumed_us = revoke(server, made.id)
        server.until(lambda: server.growing("a"), what="it records again")
        until_us = now_us() + 4 * S
        enter(server, Draft(kind=DirectiveKind.MAINTENANCE, reason="fibre", start_us=now_us(), end_us=until_us), "a")
        server.until(
            lambda: [s for s in server.closed("a") if s.key.start_us > resumed_us], what="it goes on recording"
        )
        assert_accounted(server, "a", start_us)
        assert Cause.SCHEDULE in [g.cause for g in server.coverage("a", start_us).gaps]
