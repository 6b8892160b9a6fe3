"""Prometheus' rules and Grafana's board ask for what the server answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from litestar import Litestar
from litestar.testing import AsyncTestClient
from prometheus_client.parser import text_string_to_metric_families

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertRow
from nvr.backups.state import note_backup, note_drill
from storage.disk.roots import open_root
from storage.writing import at_risk
from storage.writing.at_risk import Risk
from tests.api.catalogue import NOW, T0, World

PACKAGING = Path(__file__).parents[3] / "packaging"
RULES = PACKAGING / "prometheus/nvr.rules.yml"
BOARD = PACKAGING / "grafana/nvr.json"
METRIC = re.compile(r"\bnvr_[a-z_]+\b")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def board() -> dict[str, Any]:
    return dict(json.loads(BOARD.read_text()))


def queries() -> dict[str, str]:
    """Every query of both, by what it is for."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in board()["panels"]:
        found |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    found["instance"] = board()["templating"]["list"][1]["query"]
    return found


async def test_every_metric_that_is_asked_for_is_answered(
    client: AsyncTestClient[Litestar], world: World, tmp_path: Path
) -> None:
    """By a real answer, of a server with something of everything."""
    world.tick_us = 0
    services = client.app.state.services
    root = open_root(tmp_path / "disk", known=None)
    services.settings = msgspec.structs.replace(services.settings, roots=[(root.id, str(root.path))])
    with world.db.write() as conn:
        at_risk.put(conn, 1, [("r1", Risk(1.5, 4.5, 0.25, 7, 0, 5.0))], at_us=NOW)
        note_backup(conn, T0, path="/b", made_bytes=7)
        note_drill(conn, T0, None)
        row = AlertRow("a", "camera_down", "yard", T0, T0 + 1, T0 + 2, None, 0, ("yard",), {"cause": "unreachable"})
        alerts.put(conn, row)
        deliveries.set_recipients(conn, ["email:room@example.org"], now_us=T0)
    # Refused, so that there is something that was.
    await client.get("/metrics")
    answer = await client.get("/metrics", headers=world.bearer("admin"))
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    answered: dict[str, set[str]] = {}
    for sample in samples:
        answered.setdefault(sample.name, set()).update(sample.labels)
    asked = {name: METRIC.findall(query) for name, query in queries().items()}
    assert all(names for what, names in asked.items() if what != "NvrGone")
    missing = {what: sorted(set(names) - answered.keys()) for what, names in asked.items()}
    assert {what: names for what, names in missing.items() if names} == {}
    # And legends and messages fill in labels that these have.
    for panel in board()["panels"]:
        for target in panel["targets"]:
            labels = set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - {"instance"}
            assert labels <= set().union(*(answered[name] for name in METRIC.findall(target["expr"]))), panel["title"]


def test_the_board_is_whole() -> None:
    found = board()
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids)) > 12
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        cells = {(across, down) for across in range(x, x + w) for down in range(y, y + h)}
        assert not cells & taken and x + w <= 24, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("command", [["check", "rules", "nvr.rules.yml"], ["test", "rules", "nvr.test.yml"]])
def test_promtool_finds_nothing_wrong(command: list[str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("NOT TESTED: the rules of Prometheus by promtool (apt-get install prometheus)")
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
