"""Orders, windows, schedules, camera tables and deletion from the command line."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text('[server]\nzone = "Asia/Jakarta"\n[network]\nprice_per_mbit = 30000\n')
    (tmp_path / "cameras.csv").write_text(
        "id,url,username,password,district,isp\n"
        "a,rtsp://192.0.2.1/s,u,s3cret-s3cret,Tembalang,Telkom\nb,rtsp://192.0.2.2/s,,,Tembalang,Indosat\n"
    )
    return tmp_path


def nvr(folder: Path, *arguments: str, input_: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "config.toml"), *arguments], input=input_)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_cameras_by_table(folder: Path) -> None:
    table = str(folder / "cameras.csv")
    assert "2 would be added, 0 would be changed" in done(nvr(folder, "cameras", "import", table, "--dry-run"))
    assert "2 added, 0 changed" in done(nvr(folder, "cameras", "import", table))
    assert "0 added, 0 changed, 2 unchanged" in done(nvr(folder, "cameras", "import", table))
    listed = done(nvr(folder, "cameras", "--where", "isp=telkom"))
    assert re.search(r"^a ", listed, re.MULTILINE) and not re.search(r"^b ", listed, re.MULTILINE)
    assert "s3cret" not in done(nvr(folder, "cameras", "export"))
    copy = folder / "copy.csv"
    warned = done(nvr(folder, "cameras", "export", str(copy), "--with-passwords"))
    assert "passwords" in warned and "s3cret-s3cret" in copy.read_text()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "2 unchanged" in done(nvr(folder, "cameras", "import", str(copy)))
    assert nvr(folder, "cameras", "export", str(copy)).exit_code == 1, "never over another file"
    (folder / "bad.csv").write_text("id,url\na b,x\nc,\n")
    bad = nvr(folder, "cameras", "import", str(folder / "bad.csv"))
    assert bad.exit_code == 1 and "line 2, id" in bad.output and "line 3, url" in bad.output


def test_an_order_from_its_dry_run_to_its_revocation(folder: Path) -> None:
    done(nvr(folder, "cameras", "import", str(folder / "cameras.csv")))
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7 x")
    order = [
        "orders", "add", "--where", "district=Tembalang", "--letter", "500/1", "--letter-date", "2026-10-06",
        "--reason", "efisiensi", "--approver", "Kepala", "--attachment", str(folder / "letter.pdf"),
        "--expected-end", "2099-01-01T00:00:00+07:00",
    ]  # fmt: skip
    shown = done(nvr(folder, *order, "--dry-run"))
    assert "cameras: 2 (0" in shown and "camera-hours until 2099-01-01 00:00:00+07:00" in shown
    found = re.search(r"hash: (\w{64})", shown)
    assert found is not None
    assert nvr(folder, *order, input_="n\n").exit_code == 1
    assert nvr(folder, *order, "--confirm", "0" * 64).exit_code == 1
    entered = done(nvr(folder, *order, "--confirm", found[1]))
    id_ = re.search(r"order (\w+) entered for 2 cameras", entered)
    assert id_ is not None
    assert "in_force" in done(nvr(folder, "orders", "list"))
    done(nvr(folder, "orders", "attachment", id_[1], str(folder / "out.pdf")))
    assert (folder / "out.pdf").read_bytes() == b"%PDF-1.7 x"
    done(nvr(folder, "orders", "revoke", id_[1], "--reason", "banjir", "--camera", "a", "--letter", "500/2"))
    text = done(nvr(folder, "orders", "show", id_[1]))
    assert "500/1" in text and "1 cameras" in text and "letter 500/2" in text
    done(nvr(folder, "orders", "revoke", id_[1], "--reason", "wali kota"))
    assert "ended" in done(nvr(folder, "orders", "list"))
    again = nvr(folder, "orders", "revoke", id_[1], "--reason", "x")
    assert again.exit_code == 1 and "before" in again.output
    for wrong in (["orders", "show", "x"], ["orders", "revoke", "x", "--reason", "y"], [*order, "--camera", "a"]):
        assert nvr(folder, *wrong).exit_code == 1, wrong


def test_windows_and_schedules(folder: Path) -> None:
    done(nvr(folder, "cameras", "import", str(folder / "cameras.csv")))
    (folder / "list.csv").write_text("a\nb\n")
    window = ["--start", "2026-10-06T00:00:00Z", "--end", "2026-10-07T00:00:00Z", "--reason", "fibre"]
    assert "for 2 cameras" in done(nvr(folder, "maintenance", "add", "--list", str(folder / "list.csv"), *window))
    assert "fibre" in done(nvr(folder, "maintenance", "list"))
    hours = ["--hours", "mon-fri 06:00-18:00", "--reason", "school"]
    entered = done(nvr(folder, "schedules", "add", "--camera", "a", *hours))
    id_ = entered.split()[1]
    assert "mon-fri 06:00-18:00" in done(nvr(folder, "schedules", "list"))
    assert "1 cameras" in done(nvr(folder, "schedules", "end", id_, "--reason", "holiday"))
    for wrong in (
        ["schedules", "add", "--camera", "a", "--hours", "always", "--reason", "x"],
        ["schedules", "add", "--camera", "nobody", *hours],
        ["schedules", "add", *hours],
        ["maintenance", "end", id_, "--reason", "x"],
    ):
        assert nvr(folder, *wrong).exit_code == 1, wrong


def test_what_was_before_an_order_is_in_the_report(folder: Path) -> None:
    done(nvr(folder, "cameras", "import", str(folder / "cameras.csv")))
    order = ["--letter", "500/1", "--reason", "x", "--approver", "y", "--start", "2026-10-06T00:00:00Z"]
    done(nvr(folder, "orders", "add", "--where", "*", *order, input_="y\n"))
    text = done(nvr(folder, "gaps", "--where", "id=a", "--start", "2026-10-05T23:00:00Z"))
    assert "not_configured" in text and "disabled" in text and "(not_configured before)" in text


def test_deleting_needs_a_camera_and_a_range(folder: Path) -> None:
    done(nvr(folder, "cameras", "import", str(folder / "cameras.csv")))
    span = ["--start", "2026-10-05T23:00:00Z", "--end", "2026-10-06T00:00:00Z", "--reason", "x"]
    assert "0 segments" in done(nvr(folder, "delete", "a", *span, "--dry-run"))
    assert nvr(folder, "delete", "nobody", *span).exit_code == 1
    assert nvr(folder, "delete", "a", *span, "--confirm", "0" * 64).exit_code == 1
