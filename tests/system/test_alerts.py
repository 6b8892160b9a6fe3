"""Alerts from the real server, with every state at once: a real mail server and a webhook that refuse, hang and come
back, and restarts in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.cameras.present import present
from nvr.orders import register
from nvr.orders.model import DirectiveKind, Draft
from storage.catalogue import node
from storage.catalogue.database import Database
from tests.alerting import receivers
from tests.alerting.receivers import SECRET, Hook, Inbox
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable, running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.people import person
from tests.support.ports import free_port
from tests.support.server import Server, now_us

Serve = Callable[[Startable], str]
ROOM, CHIEF = "room@example.org", "chief@example.org"
DEAD = ("dead-1", "dead-2", "dead-3")


@pytest.fixture
def mail() -> Iterator[Inbox]:
    with receivers.inbox() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


def camera(id_: str, url: str, **labels: str) -> str:
    pairs = ", ".join(f'{key} = "{value}"' for key, value in labels.items())
    return f'[[camera]]\nid = "{id_}"\nurl = "{url}"\nlabels = {{ {pairs} }}'


def read(server: Server) -> tuple[list[alerts.AlertRow], dict[str, Any], dict[str, deliveries.Recipient]]:
    database = Database(server.catalogue)
    try:
        with database.read() as conn:
            every = {one.id: one for one in deliveries.recipients(conn)}
            return alerts.list_all(conn, open_only=True, limit=99), present(conn, now_us()), every
    finally:
        database.close()


def decide(server: Server) -> None:
    """Twelve cameras of the ISP are off by letter, and one is in maintenance."""
    off = [f"off-{n:02}" for n in range(12)]
    drafts = [
        (Draft(kind=DirectiveKind.ORDER, reason="saving", letter="7/2026", approver="Mayor", start_us=now_us()), off),
        (
            Draft(kind=DirectiveKind.MAINTENANCE, reason="mast", start_us=now_us(), end_us=now_us() + 3600 * 10**6),
            ["window"],
        ),
    ]
    database = Database(server.catalogue)
    try:
        with database.write() as conn:
            for draft, cameras in drafts:
                register.add(
                    conn, draft, cameras, node_id=node.this_node(conn, None), by=person("anna"), now_us=now_us()
                )
    finally:
        database.close()


@pytest.mark.long
@pytest.mark.nightly
def test_a_night_of_the_real_server(tmp_path: Path, serve: Serve, h264_clip: Clip, mail: Inbox, hook: Hook) -> None:
    ports = [free_port() for _ in DEAD]
    urls = {id_: f"rtsp://127.0.0.1:{port}/stream" for id_, port in zip(DEAD, ports, strict=True)}
    server = Server(tmp_path, [], workers=2)
    nowhere = "rtsp://127.0.0.1:9/x"
    server.extra = "\n\n".join(
        [
            f'[alerts]\ncamera_after = "12s"\nclear_after = "1s"\nfold_from = 3\nfold_by = ["isp"]\nlanguage = "id"\n'
            f'email_to = ["{ROOM}", "{CHIEF}"]\nemail_from = "nvr@example.org"\nsmtp_host = "127.0.0.1"\n'
            f"smtp_port = {mail.port}\n"
            f'smtp_security = "none"\nwebhook_url = "{hook.url}"\nwebhook_secret = "{SECRET}"',
            camera("well", serve(ScriptedCamera(h264_clip, at_end="repeat")), isp="biznet"),
            *(camera(id_, url, isp="telkom") for id_, url in urls.items()),
            *(camera(f"off-{n:02}", nowhere, isp="telkom") for n in range(12)),
            camera("window", nowhere, isp="telkom"),
        ]
    )
    server.write_config()
    mail.no_such = {CHIEF}
    hook.go_on.clear()
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.until(server.prepared, what="the catalogue")
        server.until(lambda: "window" in read(server)[1], what="the cameras")
        decide(server)
        server.until(lambda: mail.to(ROOM), what="the mail")
        assert mail.to(ROOM) == ["nvr: 3 dari 3 kamera tidak terekam (isp=telkom)"]
        server.until(lambda: hook.seen, what="the webhook is asked")
        (group,), fleet, _ = read(server)
        assert group.cameras == DEAD
        assert {fleet[id_].since_us for id_ in DEAD} == {m.since_us for m in group.members}
        assert not fleet["window"].is_required and not fleet["off-03"].is_required

        # A restart, while the webhook hangs and the cameras are dead: nobody hears anything new, and the webhook what
        # it missed.
        server.stop()
        hook.go_on.set()
        server.start()
        server.until(lambda: hook.posts, what="the webhook gets it")
        looked_us = now_us()
        server.until(lambda: now_us() - looked_us > 16_000_000 and server.growing("well"), what="time passes")
        assert mail.to(ROOM) == ["nvr: 3 dari 3 kamera tidak terekam (isp=telkom)"]
        assert hook.events == [("opened", "cameras_down", "isp=telkom")]
        (again,), fleet, recipients = read(server)
        assert (again.id, again.since_us, again.members) == (group.id, group.since_us, group.members)
        assert {fleet[id_].since_us for id_ in DEAD} == {m.since_us for m in group.members}
        assert "550" in str(recipients[f"email:{CHIEF}"].error)

        # One by one they come back, and "over" is said once.
        server.stop()
        mail.no_such = set()
        for port in ports:
            back = ScriptedCamera(h264_clip, at_end="repeat", port=port)
            stack.enter_context(running(back))
        server.start()
        over = "nvr: selesai: semua 3 kamera terekam kembali (isp=telkom)"
        server.until(lambda: over in mail.to(ROOM) and len(hook.posts) == 2, what="it is over")
        assert mail.to(ROOM)[1:] == [over]
        # Of what the chief could not be told, the last word counts.
        server.until(lambda: mail.to(CHIEF), what="the chief's mail")
        assert mail.to(CHIEF)[-1] == over
        assert [event for event, _, _ in hook.events] == ["opened", "resolved"]
        assert read(server)[0] == []
