"""Gap reports and coverage from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main

HOUR = ("--start", "2026-10-05T23:00:00Z", "--end", "2026-10-06T00:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n')
    (tmp_path / "cameras.csv").write_text(
        "id,url,district\na,rtsp://192.0.2.1/s,Tembalang\nb,rtsp://192.0.2.2/s,Candisari\n"
    )
    assert nvr(tmp_path, "cameras", "import", str(tmp_path / "cameras.csv")).exit_code == 0
    order = ["--letter", "500/1", "--reason", "x", "--approver", "y", "--start", "2026-10-05T23:30:00Z"]
    assert nvr(tmp_path, "orders", "add", "--where", "*", *order, input_="y\n").exit_code == 0
    return tmp_path


def nvr(folder: Path, *arguments: str, input_: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments], input=input_)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_gaps_as_data(folder: Path) -> None:
    body = json.loads(done(nvr(folder, "gaps", *HOUR, "--class", "administrative", "--format", "json")))
    assert [(g["camera"], g["cause"], g["duration_s"]) for g in body["gaps"]] == [
        ("a", "not_configured", 1800), ("a", "disabled", 1800), ("b", "not_configured", 1800), ("b", "disabled", 1800),
    ]  # fmt: skip
    assert body["gaps"][1]["detail"]["original_cause"] == "not_configured"
    lines = done(
        nvr(folder, "gaps", *HOUR, "--where", "district=Candisari", "--cause", "disabled", "--format", "csv")
    ).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(
        "b,b,2026-10-05T23:30:00.000000Z,2026-10-06T00:00:00.000000Z,false,1800.000000,disabled,"
    )


def test_gaps_as_documents(folder: Path) -> None:
    for kind, mark in (("pdf", b"%PDF"), ("html", b"<!doctype html>")):
        path = folder / f"report.{kind}"
        done(nvr(folder, "gaps", *HOUR, "--camera", "a", "--format", kind, "--lang", "id", "--output", str(path)))
        assert path.read_bytes().startswith(mark)
        again = nvr(folder, "gaps", *HOUR, "--format", kind, "--output", str(path))
        assert again.exit_code == 1, "never over another file"
    assert "Dinonaktifkan atas perintah" in (folder / "report.html").read_text()


def test_coverage(folder: Path) -> None:
    body = json.loads(done(nvr(folder, "coverage", *HOUR, "--by", "district", "--format", "json")))
    assert [(g["value"], g["administrative_s"], g["coverage"]) for g in body["groups"]] == [
        ("Candisari", 1800, None), ("Tembalang", 1800, None),
    ]  # fmt: skip
    text = done(nvr(folder, "coverage", *HOUR, "--where", "district=Candisari"))
    assert "COVERAGE" in text and "all 1 cameras" in text
    assert "2026-10-06 06:00:00+07:00" in done(nvr(folder, "coverage", *HOUR, "--by", "day"))
    assert len(done(nvr(folder, "coverage", *HOUR, "--by", "hour")).splitlines()) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        ("gaps", *HOUR, "--camera", "nobody"),
        ("gaps", *HOUR, "--cause", "boredom"),
        ("gaps", *HOUR, "--where", "=x"),
        ("gaps", "--start", "2026-10-06T00:00:00Z", "--end", "2026-10-06T00:00:00Z"),
        ("coverage", *HOUR, "--camera", "nobody"),
        ("coverage", *HOUR, "--by", "distrikt"),
        ("coverage", *HOUR, "--where", "district=Candisary"),
        ("network", "--by", "distrikt"),
        ("plan", "--where", "distrikt=Candisari"),
        ("cameras", "--where", "district=Candisary"),
    ],
)
def test_what_can_not_be_asked(folder: Path, wrong: tuple[str, ...]) -> None:
    assert nvr(folder, *wrong).exit_code in (1, 2)
