"""Coverage and the gap report."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.exceptions import LitestarException
from litestar.testing import AsyncTestClient, TestClient

from nvr.api import ApiSettings, create_app
from nvr.api.http.times import format_time, parse_time
from nvr.reports.formats import FORMATS
from nvr.texts.cells import csv_cell
from storage.catalogue import cameras, clock_samples
from storage.catalogue.clock_samples import Sample
from storage.causes import Cause
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S, World, add_camera, add_segment, enter
from tests.nightly import examples

Client = AsyncTestClient[Litestar]
HOUR = "start=2026-11-23T14:00:00Z&end=2026-11-23T15:00:00Z"


async def test_coverage_says_what_and_why(client: Client, world: World) -> None:
    body = (await client.get(f"/api/cameras/gate/coverage?{HOUR}", headers=world.bearer("viewer"))).json()
    gaps = body.pop("gaps")
    assert body == {
        "camera": "gate",
        "start": "2026-11-23T14:00:00.000000Z",
        "end": "2026-11-23T15:00:00.000000Z",
        "as_of": "2026-11-23T14:59:59.000000Z",
        "recorded_s": 600 + 599 + 1799,
        "missing_s": 601,
        "not_recorded_s": 601,
        "no_longer_there_s": 0,
        "not_required_s": 0,
        "not_known_s": 1,
        "spans": [
            {"start": "2026-11-23T14:00:00.000000Z", "end": "2026-11-23T14:10:00.000000Z"},
            {"start": "2026-11-23T14:10:01.000000Z", "end": "2026-11-23T14:20:00.000000Z"},
            {"start": "2026-11-23T14:30:00.000000Z", "end": "2026-11-23T14:59:59.000000Z"},
        ],
        "clock_steps": [],
    }
    assert [gap["cause"] for gap in gaps] == ["ended", "unreachable"]
    whole = (await client.get(f"/api/cameras/gate/coverage?{HOUR}", headers=world.bearer("admin"))).json()["gaps"][1]
    assert whole.pop("detail") == {"error": "timeout"}
    assert gaps[1] == whole | {"detail": {}}
    assert gaps[1] == {
        "start": "2026-11-23T14:20:00.000000Z",
        "end": "2026-11-23T14:30:00.000000Z",
        "open": False,
        "duration_s": 600,
        "cause": "unreachable",
        "class": "network",
        "detail": {},
        "fact": {"kind": "unreachable", "start": "2026-11-23T14:20:00.000000Z"},
    }


async def test_the_cameras_own_clock(client: Client, world: World) -> None:
    bearer = world.bearer("viewer")
    path = f"/api/cameras/gate/clock?{HOUR}"
    assert (await client.get(path, headers=bearer)).json()["latest"] is None
    sample = Sample(T0, T0 + 60 * S, -3_200_000, 40_000, "rtcp")
    with world.db.write() as conn:
        clock_samples.record(conn, "gate", sample, node="n1")
    body = (await client.get(path, headers=bearer)).json()
    assert body["samples"] == [body["latest"]]
    assert (body["latest"]["offset_s"], body["latest"]["uncertainty_s"]) == (-3.2, 0.04)
    camera = (await client.get("/api/cameras/gate", headers=bearer)).json()
    assert camera["status"]["clock_offset_s"] == -3.2
    missing = await client.get(f"/api/cameras/nobody/clock?{HOUR}", headers=bearer)
    assert (missing.status_code, missing.json()["code"]) == (404, "camera_not_found")


async def test_an_open_gap_says_so(client: Client, world: World) -> None:
    world.tick_us = 0
    path = "/api/cameras/yard/coverage?start=2026-11-23T14:00:00Z&end=2026-11-23T16:00:00Z"
    body = (await client.get(path, headers=world.bearer("viewer"))).json()
    assert body["as_of"] == "2026-11-23T15:00:00.000000Z"
    assert [(gap["open"], gap["duration_s"]) for gap in body["gaps"]] == [(True, 3600)]


async def test_coverage_of_nothing(client: Client, world: World) -> None:
    viewer = world.bearer("viewer")
    assert (await client.get(f"/api/cameras/nowhere/coverage?{HOUR}", headers=viewer)).json()[
        "code"
    ] == "camera_not_found"
    for query, code in [
        ("", "missing_parameter"),
        ("start=2026-11-23T14:00:00Z", "missing_parameter"),
        ("start=2026-11-23T21:00:00+07:00&end=2026-11-23T15:00:00Z", "naive_time"),
        ("start=2026-11-23T15:00:00Z&end=2026-11-23T15:00:00Z", "empty_range"),
        ("start=2025-01-01T00:00:00Z&end=2026-11-23T15:00:00Z", "range_too_long"),
    ]:
        answer = await client.get(f"/api/cameras/gate/coverage?{query}", headers=viewer)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    future = "start=2199-01-01T00:00:00Z&end=2199-01-02T00:00:00Z"
    body = (await client.get(f"/api/cameras/gate/coverage?{future}", headers=viewer)).json()
    assert (body["spans"], body["gaps"], body["as_of"]) == ([], [], "2199-01-01T00:00:00.000000Z")


def us(text: str) -> int:
    return parse_time("t", text)


STEPS = st.lists(
    st.tuples(st.integers(1, 40_000_000), st.sampled_from(["footage", "ended", "unreachable", "corrupt"])), max_size=15
)


@settings(max_examples=examples(20, 1000), deadline=None)
@given(steps=STEPS, start=st.integers(-30, 300), length=st.integers(1, 400), fold=st.integers(0, 60))
def test_spans_and_gaps_partition_what_is_known(
    steps: list[tuple[int, str]], start: int, length: int, fold: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = catalogue.make(Path(folder))
        try:
            add_camera(world, "prop")
            at = T0
            for us_, what in steps:
                if what == "footage":
                    add_segment(world, "prop", at, at + us_)
                    enter(world, "prop", at + us_, Cause.ENDED)
                else:
                    enter(world, "prop", at, Cause(what))
                at += us_
            app = create_app(ApiSettings(catalogue=str(world.db.path), node="n1"), now_us=lambda: at)
            params: dict[str, Any] = {
                "start": format_time(T0 + start * S),
                "end": format_time(T0 + (start + length) * S),
            }
            with TestClient(app) as client:
                body = client.get("/api/cameras/prop/coverage", params=params, headers=world.bearer("viewer")).json()
                params |= {"camera": "prop", "fold_s": fold}
                report = client.get("/api/gaps", params=params, headers=world.bearer("investigator")).json()
        finally:
            world.db.close()
    parts = sorted((us(p["start"]), us(p["end"])) for p in [*body["spans"], *body["gaps"]])
    assert all(a < b for a, b in parts)
    assert [b for _, b in parts[:-1]] == [a for a, _ in parts[1:]]
    known = us(body["as_of"]) - us(body["start"])
    assert sum(b - a for a, b in parts) == known
    assert round(body["recorded_s"] * S) + round(body["missing_s"] * S) == known
    total = report["total"]
    told = total["recorded_s"] + total["missing_s"] + total["folded"]["missing_s"]
    assert round(told * S) == known
    asked = us(body["end"]) - us(body["start"])
    for found in (body, total):
        three = sum(found[f"{name}_s"] for name in ("not_recorded", "no_longer_there", "not_required"))
        assert round((found["recorded_s"] + three + found["not_known_s"]) * S) == asked
        assert found["not_known_s"] * S == pytest.approx(asked - known, abs=0.5)
    assert len(report["gaps"]) == total["gaps"] == sum(t["gaps"] for t in total["by_cause"].values())


async def test_the_report_of_the_fleet(client: Client, world: World) -> None:
    body = (await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))).json()
    assert body["filters"] == {"camera": [], "group": [], "cause": [], "class": []}
    assert body["omitted"] == 0
    assert [(gap["camera"], gap["name"], gap["cause"], gap["duration_s"]) for gap in body["gaps"]] == [
        ("gate", "Gate", "ended", 1),
        ("gate", "Gate", "unreachable", 600),
        ("yard", "Yard", "unreachable", 3600),
    ]
    assert body["total"] == {
        "cameras": 3,
        "asked_s": 3 * 3600,
        "recorded_s": 600 + 599 + 1799 + 3600,
        "not_recorded_s": 4201,
        "no_longer_there_s": 0,
        "not_required_s": 0,
        "not_known_s": 1,
        "gaps": 3,
        "missing_s": 4201,
        "longest_s": 3600,
        "folded": {"gaps": 0, "missing_s": 0},
        "by_cause": {"unreachable": {"gaps": 2, "missing_s": 4200}, "ended": {"gaps": 1, "missing_s": 1}},
        "by_class": {"network": {"gaps": 2, "missing_s": 4200}, "camera": {"gaps": 1, "missing_s": 1}},
        "by_kind": [
            {"cause": "unreachable", "class": "network", "gaps": 2, "missing_s": 4200},
            {"cause": "ended", "class": "camera", "gaps": 1, "missing_s": 1},
        ],
    }


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("camera=gate", [("gate", "ended"), ("gate", "unreachable")]),
        ("camera=gate&camera=hall", [("gate", "ended"), ("gate", "unreachable")]),
        ("group=district:south", [("yard", "unreachable")]),
        ("group=district%3Dsouth&group=owner:city", [("yard", "unreachable")]),
        ("group=District:SOUTH", [("yard", "unreachable")]),
        (
            "where=district=South|north,owner:CITY",
            [("gate", "ended"), ("gate", "unreachable"), ("yard", "unreachable")],
        ),
        ("cause=ended", [("gate", "ended")]),
        ("cause=ended&cause=corrupt", [("gate", "ended")]),
        ("class=network", [("gate", "unreachable"), ("yard", "unreachable")]),
        ("class=camera&cause=pruned", [("gate", "ended")]),
        ("fold_s=2", [("gate", "unreachable"), ("yard", "unreachable")]),
        ("fold_s=1", [("gate", "ended"), ("gate", "unreachable"), ("yard", "unreachable")]),
        ("fold_s=700", [("yard", "unreachable")]),
    ],
)
async def test_filters_and_folding(client: Client, world: World, query: str, listed: list[tuple[str, str]]) -> None:
    body = (await client.get(f"/api/gaps?{HOUR}&{query}", headers=world.bearer("investigator"))).json()
    assert [(gap["camera"], gap["cause"]) for gap in body["gaps"]] == listed
    if query == "fold_s=700":
        assert body["total"]["folded"] == {"gaps": 2, "missing_s": 601}
        assert body["fold_s"] == 700


async def test_a_short_cause_inside_an_outage_is_no_short_break(client: Client, world: World) -> None:
    add_camera(world, "pier")
    add_segment(world, "pier", T0, T0 + 10 * S)
    enter(world, "pier", T0 + 10 * S, Cause.ENDED)
    enter(world, "pier", T0 + 11 * S, Cause.UNREACHABLE)
    add_segment(world, "pier", T0 + 60 * S, T0 + 70 * S)
    enter(world, "pier", T0 + 70 * S, Cause.ENDED)
    path = f"/api/gaps?{HOUR}&camera=pier&fold_s=5"
    body = (await client.get(path, headers=world.bearer("investigator"))).json()
    assert [gap["duration_s"] for gap in body["gaps"]] == [1, 49, 3530]


async def test_a_camera_that_was_not_there_then_is_not_in_the_report(client: Client, world: World) -> None:
    day = "start=2026-11-22T00:00:00Z&end=2026-11-23T00:00:00Z"
    investigator = world.bearer("investigator")
    assert (await client.get(f"/api/gaps?{day}", headers=investigator)).json()["total"]["cameras"] == 0
    named = (await client.get(f"/api/gaps?{day}&camera=gate", headers=investigator)).json()
    assert [(gap["cause"], gap["duration_s"]) for gap in named["gaps"]] == [("not_configured", 86_400)]


async def test_a_camera_removed_since_is_in_the_report(client: Client, world: World) -> None:
    with world.db.write() as conn:
        cameras.remove(conn, "gate", at_us=NOW)
    body = (await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))).json()
    assert "gate" in {gap["camera"] for gap in body["gaps"]}


@pytest.mark.parametrize(
    "query",
    [
        "fold_s=-1",
        "fold_s=nan",
        "fold_s=inf",
        "fold_s=x",
        "fold_s=1e9",
        "cause=boredom",
        "group=north",
        "group=:x",
        "group=x:",
        "format=odt",
        "class=boredom",
        "lang=nl",
        "limit=-1",
        "limit=x",
    ],
)
async def test_parameters_that_can_not_be(client: Client, world: World, query: str) -> None:
    answer = await client.get(f"/api/gaps?{HOUR}&{query}", headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize("path", ["gaps", "coverage", "outages", "network", "plan", "camera-table"])
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("distrct=south", "did you mean district?"),
        ("district=sout", "did you mean south?"),
        ("district=west", "no camera has district 'west': there is north, south"),
        ("owner!=citty", "did you mean city?"),
        ("id=gat", "did you mean gate?"),
    ],
)
async def test_what_no_camera_has_is_told_and_not_answered_with_nothing(
    client: Client, world: World, path: str, where: str, told: str
) -> None:
    query = f"{HOUR}&" if path not in ("outages", "plan", "camera-table") else ""
    answer = await client.get(f"/api/{path}?{query}where={where}", headers=world.bearer("admin"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_selection")
    assert told in answer.json()["detail"]
    if path in ("gaps", "coverage", "outages") and where.startswith("distr"):
        grouped = await client.get(f"/api/{path}?{query}group={where.replace('=', ':')}", headers=world.bearer("admin"))
        assert (grouped.status_code, grouped.json()["code"]) == (400, "invalid_selection")


async def test_a_report_of_no_camera_there_ever_was(client: Client, world: World) -> None:
    answer = await client.get(f"/api/gaps?{HOUR}&camera=nowhere", headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()["code"]) == (404, "camera_not_found")


async def test_a_range_that_reaches_into_the_future_and_a_clock_that_was_set(client: Client, world: World) -> None:
    """In every form what is not known yet is said, and so is the step of the server's clock. A camera's clock that was
    set is no step of the server's."""
    with world.db.write() as conn:
        (node,) = conn.execute("SELECT min(key) FROM node").fetchone()
        for camera, start_us, detail in (
            ("gate", T0, '{"step_us": -90000000}'),
            ("yard", T0, '{"step_us": -89999000}'),
            ("hall", T0, '{"clock": "camera"}'),
        ):
            conn.execute(
                "INSERT INTO run (camera, start_us, node, epoch, end_us, cause, detail)"
                " SELECT key, ?, ?, 77, ?, 'clock_step', ? FROM camera WHERE id = ?",
                (start_us, node, T0 + 1500 * S + (camera == "yard"), detail, camera),
            )
    span = f"start={format_time(T0)}&end={format_time(T0 + 7200 * S)}"
    headers = world.bearer("admin")
    step = {"at": format_time(T0 + 1500 * S), "to": format_time(T0 + 1410 * S), "by_s": -90.0, "cameras": 2}
    for path in ("gaps", "coverage"):
        body = (await client.get(f"/api/{path}?{span}", headers=headers)).json()
        total = body["total"]
        three = sum(total[f"{name}_s"] for name in ("not_recorded", "no_longer_there", "not_required"))
        assert total["asked_s"] == 3 * 7200 == total["recorded_s"] + three + total["not_known_s"]
        assert 10_801 - 1 <= total["not_known_s"] <= 10_801 and body["clock_steps"] == [step]
    table = (await client.get(f"/api/gaps?{span}&format=csv", headers=headers)).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert sum(float(row["duration_s"]) for row in rows if row["fact_kind"] == "not_known") == pytest.approx(
        total["not_known_s"], abs=1e-3
    )
    (told,) = [row for row in rows if row["fact_kind"] == "clock_step"]
    assert (told["start"], told["end"], json.loads(told["detail"])["by_s"]) == (step["at"], step["to"], -90)
    page = (await client.get(f"/api/gaps?{span}&format=html&lang=id", headers=headers)).text
    assert "Belum diketahui" in page and "Jam server diubah dari" in page
    by_day = (await client.get(f"/api/coverage?{span}&by=hour", headers=headers)).json()["groups"]
    assert [group["asked_s"] for group in by_day] == [3 * 3600, 3 * 3600]


async def test_csv(client: Client, world: World) -> None:
    with world.db.write() as conn:
        conn.execute("UPDATE camera SET name = ? WHERE id = 'gate'", ('=HYPERLINK("http://evil")',))
        conn.execute("UPDATE camera SET name = ? WHERE id = 'yard'", ('Höf, "hinten"',))
    answer = await client.get(f"/api/gaps?{HOUR}&format=csv&fold_s=2", headers=world.bearer("admin"))
    assert answer.headers["content-type"].startswith("text/csv; header=present; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="gaps_20261123T140000Z_20261123T150000Z.csv"'
    assert answer.headers["x-fold-s"] == "2"
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.content.endswith(b"\r\n")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["camera"] for row in rows] == ["gate", "yard", "gate"]
    assert (rows[2]["start"], rows[2]["end"], rows[2]["duration_s"], rows[2]["cause"], rows[2]["fact_kind"]) == (
        "2026-11-23T14:59:59.000000Z", "2026-11-23T15:00:00.000000Z", "1.000000", "", "not_known",
    )  # fmt: skip
    assert rows[0]["name"] == '\'=HYPERLINK("http://evil")'
    assert rows[1]["name"] == 'Höf, "hinten"'
    assert rows[1] | {"name": ""} == {
        "camera": "yard", "name": "", "start": "2026-11-23T14:00:00.000000Z", "end": "2026-11-23T15:00:00.000000Z",
        "open": "false",
        "duration_s": "3600.000000", "cause": "unreachable", "class": "network", "detail": '{"error":"no route"}',
        "fact_kind": "unreachable", "fact_start": "2026-11-23T14:00:00.000000Z",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\n@x"])
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


def test_other_cells_stay() -> None:
    for text in ("", "gate-1", "12.5", "a=b", "2026-11-23T14:00:00Z"):
        assert csv_cell(text) == text


async def test_a_report_comes_in_pieces(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from nvr.api.answers import spool

    monkeypatch.setattr(spool, "_CHUNK_BYTES", 7)
    answer = await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))
    assert len(answer.json()["gaps"]) == 3
    assert "content-length" not in answer.headers


async def test_a_list_that_is_cut_says_so(client: Client, world: World) -> None:
    body = (await client.get(f"/api/gaps?{HOUR}&limit=2", headers=world.bearer("investigator"))).json()
    assert (len(body["gaps"]), body["omitted"], body["total"]["gaps"]) == (2, 1, 3)
    body = (await client.get(f"/api/gaps?{HOUR}&limit=0", headers=world.bearer("investigator"))).json()
    assert (body["gaps"], body["omitted"]) == ([], 3)


async def test_a_fault_in_the_middle_breaks_the_answer_off(
    app: Litestar, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[bytes]:
        yield b"{"
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setitem(FORMATS, "json", replace(FORMATS["json"], make=broken))
    slots = app.state.services.report_slots
    with TestClient(app) as client, pytest.raises(LitestarException, match="after response started"):
        client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))
    assert slots.acquire(timeout=5)
    assert slots.acquire(timeout=5)


async def test_a_fault_at_the_beginning_is_an_error(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[bytes]:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setitem(FORMATS, "json", replace(FORMATS["json"], make=broken))
    answer = await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()["code"]) == (503, "catalogue_unavailable")


@pytest.mark.parametrize(("lang", "words"), [("en", "Camera unreachable"), ("id", "Kamera tidak terjangkau")])
async def test_documents(client: Client, world: World, lang: str, words: str) -> None:
    investigator = world.bearer("investigator")
    answer = await client.get(f"/api/gaps?{HOUR}&format=html&lang={lang}", headers=investigator)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-disposition"] == 'attachment; filename="gaps_20261123T140000Z_20261123T150000Z.html"'
    assert words in answer.text
    assert "21:20:00 WIB" in answer.text
    assert "2026-11-23 14:20:00 UTC" in answer.text
    answer = await client.get(f"/api/gaps?{HOUR}&format=pdf&lang={lang}", headers=investigator)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")


async def test_only_so_many_reports_at_once(app: Litestar, client: Client, world: World) -> None:
    slots = app.state.services.report_slots
    slots.acquire()
    slots.acquire()
    answer = await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    slots.release()
    assert (await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))).status_code == 200
    assert (await client.get(f"/api/gaps?{HOUR}&cause=x", headers=world.bearer("investigator"))).status_code == 400
    assert (await client.get(f"/api/gaps?{HOUR}&camera=x", headers=world.bearer("investigator"))).status_code == 404
    assert (await client.get(f"/api/gaps?{HOUR}", headers=world.bearer("investigator"))).status_code == 200


ODD = st.one_of(
    st.text(max_size=30),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [
            "2026-11-23T14:00:00Z",
            "2026-11-23T15:00:00Z",
            "",
            "gate",
            "district:north",
            "ended",
            "5",
            "csv",
            "html",
            "id",
            "\0",
            "%FF",
        ]
    ),
)


def test_no_query_is_the_servers_fault(app: Litestar, world: World) -> None:
    names = ["start", "end", "camera", "group", "cause", "fold_s", "format", "class", "limit", "by", "x"]
    cameras = ["gate", "yard", "Ä", "%00", "a" * 300, "..", "gate%2Fx"]

    @settings(max_examples=examples(50, 1500), deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(names), ODD), max_size=8), st.sampled_from(cameras))
    def ask(query: list[tuple[str, str]], camera: str) -> None:
        for path in (
            "/api/gaps",
            "/api/coverage",
            "/api/outages",
            f"/api/cameras/{camera}/coverage",
            f"/api/cameras/{camera}",
        ):
            answer = client.get(path, params=query, headers=world.bearer("admin"))  # type: ignore[arg-type]
            assert answer.status_code in (200, 400, 404), answer.text
            answer.read()

    # An application serves once.
    with TestClient(app) as client:
        ask()
