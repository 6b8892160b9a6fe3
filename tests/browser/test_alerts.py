"""The alerts page: a group with who is still down, who knows of it, and a mail server that can't be reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.messages import facts_of
from nvr.alerting.rows import AlertMember, AlertRow
from nvr.cameras.present import present
from storage.catalogue.database import Database
from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip, serve
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import chromium
from tests.support.server import Server, now_us

__all__ = ["h264_clip", "serve"]

pytestmark = pytest.mark.browser

DEAD = [f"pos-{n}" for n in range(5)]
LANGUAGE = os.environ.get("NVR_PAGE_LANGUAGE", "id")


def camera(id_: str, url: str) -> str:
    return f'[[camera]]\nid = "{id_}"\nurl = "{url}"\nlabels = {{ isp = "telkom" }}'


def opened(server: Server) -> None:
    """What the watch would have written ten minutes ago."""
    database = Database(server.catalogue)
    at_us = now_us() - 600_000_000
    try:
        with database.write() as conn:
            down = tuple(AlertMember(id_, at_us - 300_000_000, at_us) for id_ in DEAD)
            members = (*down, AlertMember("well", at_us - 300_000_000, at_us, well_us=at_us + 60_000_000))
            detail = {"down": 5, "of": 6, "causes": {"unreachable": 5}}
            row = AlertRow(
                "a1", "cameras_down", "isp=telkom", at_us - 300_000_000, at_us, at_us, None, 0, tuple(DEAD), detail,
                members=members, told=6, told_us=at_us,
            )  # fmt: skip
            alerts.put(conn, row)
            deliveries.queue(conn, "a1", "opened", facts_of(row, "opened", at_us=at_us), at_us=at_us)
    finally:
        database.close()


def has_recipients(server: Server) -> bool:
    """Housekeeping has begun, after recording, and knows whom to write to."""
    database = Database(server.catalogue)
    try:
        with database.read() as conn:
            return bool(deliveries.recipients(conn))
    finally:
        database.close()


def are_down(server: Server) -> bool:
    database = Database(server.catalogue)
    try:
        with database.read() as conn:
            found = present(conn, now_us())
        return len(found) == 6 and all(found[id_].is_down for id_ in DEAD) and found["well"].is_recording
    finally:
        database.close()


def test_alerts_at_the_page(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    server = Server(tmp_path, [], workers=1)
    mail = 'email_to = ["room@example.org"]\nemail_from = "nvr@example.org"\nsmtp_host = "127.0.0.1"\nsmtp_port = 9'
    cameras = [camera("well", url), *(camera(id_, "rtsp://127.0.0.1:9/x") for id_ in DEAD)]
    server.extra = "\n\n".join([f"[alerts]\n{mail}", *cameras])
    server.write_config()
    server.start()
    try:
        server.until(server.first_password.exists, what="the first start")
        server.until(lambda: are_down(server), what="cameras that are down")
        server.until(lambda: has_recipients(server), what="recipients")
        opened(server)
        with chromium(tmp_path_factory.mktemp("chromium"), language=LANGUAGE) as page:
            server.log_in_at_page(page)
            page.click("nav-alerts")
            members = page.get("alert-members")
            assert (members.get_attribute("data-down"), members.get_attribute("data-back")) == ("5", "1")
            assert "pos-4" in members.text
            page.until(lambda: page.get("recipients").get_attribute("data-failing") == "1", what="mail fails")
            assert "room@example.org" in page.get("recipient-row").text
            page.click("acknowledge")
            page.get("acknowledge-note").send_keys("teknisi di jalan")
            page.click("acknowledge-save")
            page.until(lambda: "teknisi di jalan" in page.get("alert-known").text, what="the note")
            page.click("alerts-known")
            page.until(lambda: len(page.all("alert-row")) == 1, what="what somebody knows of")
            page.shoot(f"alerts-{LANGUAGE}")
            assert "Uncaught" not in page.console()
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
