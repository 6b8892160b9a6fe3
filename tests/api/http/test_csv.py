"""Every CSV that leaves the server: nothing in it runs in a spreadsheet, whoever chose the text."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from nvr.devices import rows
from nvr.devices.onvif.facts import DeviceFacts, DeviceSecrets
from nvr.texts.cells import cell_text, csv_cell
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.audit import Act
from storage.causes import Cause
from tests.api.catalogue import NOW, World, add_camera, enter

HOSTILE = ["=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "  =1", "'=1", "\n@x", "＝1"]


def runs(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula; a number is one, and none."""
    return re.match(r"[\t\r\n]|\s*[=+\-@＝＋－＠]", cell) is not None and not re.fullmatch(r"-?\d+(\.\d+)?", cell)


@given(st.one_of(st.text(), st.sampled_from(HOSTILE), st.from_regex(r"'{0,3}\s{0,2}[=+\-@]?-?[0-9.]{0,4}")))
def test_no_text_runs_and_each_comes_back(text: str) -> None:
    for numbers in (False, True):
        cell = csv_cell(text, numbers=numbers)
        assert not runs(cell)
        assert cell_text(cell) == text


async def test_no_answer_has_a_cell_that_runs(app: Litestar, world: World) -> None:
    for number, text in enumerate(HOSTILE):
        add_camera(world, f"hostile-{number}", district=text, isp=text, **{text: text})
        with world.db.write() as conn:
            conn.execute("UPDATE camera SET name = ? WHERE id = ?", (text, f"hostile-{number}"))
            facts = DeviceFacts(address=f"10.0.0.{number}", port=80, manufacturer=text, model=text, serial=text)
            rows.put_device(conn, None, facts, DeviceSecrets(), now_us=NOW)
        enter(world, f"hostile-{number}", NOW - 3_600_000_000, Cause.UNREACHABLE, error=text)
    found = 0
    async with AsyncTestClient(app, base_url="http://nvr.test") as client:
        for route in app.routes:
            assert isinstance(route, HTTPRoute)
            url = re.sub(r"\{(\w+):\w+\}", "gate", route.path)
            if not any("GET" in handler.http_methods for handler in route.route_handlers):
                continue
            query = "format=csv&start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"
            answer = await client.get(f"{url}?{query}", headers=world.bearer("admin"))
            if not answer.headers.get("content-type", "").startswith("text/csv"):
                continue
            found += 1
            cells = [
                cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")) for cell in row
            ]
            assert not [cell for cell in cells if runs(cell)], url
            assert any(cell_text(cell) == "=1+1" for cell in cells), url
    assert found == 3


def test_the_audit_log_has_none_either(world: World, tmp_path: Path) -> None:
    for text in HOSTILE:
        with audit.acting(Act(Actor(text, text), text, "x", NOW)), world.db.write() as conn:
            audit.append(conn, "thought_of", detail={"text": text})
    config = tmp_path / "config.toml"
    config.write_text(f'[storage]\ncatalogue = "{world.db.path}"\n')
    done = subprocess.run(
        [Path(sys.executable).with_name("nvr"), "audit", "export", "--format", "csv", "--config", config],
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert {cell_text(row["actor"]) for row in rows} >= set(HOSTILE)
    assert not [cell for row in rows for cell in row.values() if runs(cell)]
