"""Citizens watch a camera live, lose it with a cut, and report a fault that stands beside its history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.fixtures import serve
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import chromium
from tests.support.server import serving

__all__ = ["serve"]

pytestmark = [pytest.mark.browser, pytest.mark.nightly]
OWN = "gerbang-tua-berlumut"


def test_live_until_the_cut_and_a_report(tmp_path: Path, serve: Callable[[Startable], str]) -> None:
    small = ScriptedCamera(clip(ClipSpec(frame_rate=10)), at_end="repeat")
    gate = {"id": "gate", "name": "Tugu Muda", "url": serve(small), "labels": {"public": "live"}}
    with (
        serving(tmp_path, gate, workers=1, extra="[public]\nenabled = true") as server,
        chromium(tmp_path / "office") as office,
        chromium(tmp_path / "street", size="390,844") as street,
    ):
        server.until(lambda: bool(server.growing("gate")), what="recording")
        server.log_in_at_page(office, OWN)
        base = f"http://127.0.0.1:{server.port}"
        street.driver.get(f"{base}/public")
        street.click("public-go-live")
        street.until(lambda: street.get("public-live").get_attribute("data-shows") == "live", what="a live picture")
        street.plays()
        street.shoot("public-live")
        street.click("public-report")
        street.click("fault-blocked")
        street.get("report-note").send_keys("pohon di depan kamera")
        street.click("report-send")
        street.get("report-done")
        street.click("dialog-close")
        office.driver.get(f"{base}/#/cameras/gate")
        row = office.get("citizen-report")
        assert row.get_attribute("data-kind") == "blocked" and "pohon" in row.text
        office.click("public-cut-ask")
        office.get("public-cut-reason").send_keys("jendela rumah")
        office.click("public-cut-save")
        office.until(lambda: office.get("public-cut").get_attribute("data-cut") == "yes", what="the cut")
        street.until(lambda: not street.all("public-live"), timeout_s=3, what="no live picture any more")
        assert httpx.get(f"{base}/api/public/cameras/gate/live.m3u8").status_code == 409
