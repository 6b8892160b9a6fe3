"""``nvr clip``, beside no server: from the catalogue and the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.cli import main
from nvr.playback.clip.clip import plan_clip
from nvr.playback.hls.names import clip_name
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode
from tests.playback.worlds import decoded


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    (tmp_path / "config.toml").write_text(f'[storage]\ncatalogue = "catalogue.sqlite"\nroots = ["{made.root}"]\n')
    yield made
    made.database.close()


@pytest.fixture
def recording(studio: Studio) -> Recording:
    return studio.record(encode("h264", 120), START_US)


def iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()


def run(studio: Studio, start_us: int, end_us: int, *more: str) -> Result:
    config = studio.root.parent / "config.toml"
    return CliRunner().invoke(
        main,
        ["clip", "--config", str(config), "--camera", CAMERA, "--start", iso(start_us), "--end", iso(end_us), *more],
    )


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_file_is_the_clip(studio: Studio, recording: Recording, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    start_us, end_us = START_US + 1_234_567, START_US + 8_000_000
    done = run(studio, start_us, end_us, "--out", str(out / "a.mp4"))
    assert done.exit_code == 0, done.output
    with plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us) as clip:
        assert (out / "a.mp4").read_bytes() == clip.read(0, clip.size - 1)
    assert done.stdout == (
        f"{out}/a.mp4: {clip.size} bytes, {clip.frames} frames,"
        f" {(clip.end_us - clip.start_us) / 1e6:.3f} s of footage\n"
    )
    assert done.stderr == "", "no progress but on a terminal"
    assert (out / "a.mp4").stat().st_mode & 0o777 == 0o600
    into = run(studio, start_us, end_us, "--out", str(out))
    assert into.exit_code == 0, into.output
    assert files(out) == {"a.mp4", clip_name(CAMERA, clip.start_us, clip.end_us)}


def test_nothing_is_overwritten_nor_left_half(
    studio: Studio, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.mp4").write_text("precious")
    refused = run(studio, START_US, recording.end_us, "--out", str(out / "a.mp4"))
    assert refused.exit_code == 1
    assert "exists and is not overwritten" in refused.output
    assert (out / "a.mp4").read_text() == "precious"
    # It comes to be there while the clip is written.
    link = os.link
    monkeypatch.setattr(os, "link", lambda a, b: (Path(b).write_text("theirs"), link(a, b)))
    refused = run(studio, START_US, recording.end_us, "--out", str(out / "b.mp4"))
    assert refused.exit_code == 1
    assert (out / "b.mp4").read_text() == "theirs"
    monkeypatch.setattr(os, "link", link)
    os.truncate(recording.parts[1].path, 3000)
    broken = run(studio, START_US, recording.end_us, "--out", str(out / "c.mp4"))
    assert broken.exit_code == 1
    assert "damaged" in broken.output
    assert files(out) == {"a.mp4", "b.mp4"}


def test_a_disk_without_links(
    studio: Studio, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert run(studio, START_US, recording.end_us, "--out", str(tmp_path / "a.mp4")).exit_code == 0
    assert len(decoded(tmp_path / "a.mp4")) == 120


def test_several_formats_are_several_files(studio: Studio, recording: Recording, tmp_path: Path) -> None:
    second = studio.record(encode("h265", 40, first=500), recording.end_us + 1_000_000, epoch=2, first=500)
    done = run(studio, START_US, second.end_us, "--out", str(tmp_path / "a.mp4"), "--gaps", "keep")
    assert done.exit_code == 0, done.output
    assert [n for n, _ in decoded(tmp_path / "a-1.mp4")] == list(range(120))
    assert [n for n, _ in decoded(tmp_path / "a-2.mp4")] == list(range(500, 540))


def test_what_cannot_be(studio: Studio, recording: Recording, tmp_path: Path) -> None:
    empty = run(studio, START_US - 9_000_000, START_US - 8_000_000)
    assert (empty.exit_code, "no footage" in empty.output) == (1, True)
    reversed_ = run(studio, START_US + 1_000_000, START_US)
    assert (reversed_.exit_code, "range is empty" in reversed_.output) == (2, True)
    nowhere = run(studio, START_US, recording.end_us, "--out", str(tmp_path / "none" / "a.mp4"))
    assert (nowhere.exit_code, "No such file" in nowhere.output) == (1, True)
    unknown = run(studio, START_US, recording.end_us, "--camera", "nobody")
    assert (unknown.exit_code, "no camera nobody" in unknown.output) == (1, True)


def test_what_another_recorder_had_too_is_listed_and_can_be_had(
    studio: Studio, recording: Recording, tmp_path: Path
) -> None:
    # It takes over in the middle, so that the end of the first is not shown.
    other = studio.record(encode("h264", 60), START_US + 5_000_000, epoch=2)
    end_us = max(recording.end_us, other.end_us)
    done = run(studio, START_US, end_us, "--out", str(tmp_path / "a.mp4"))
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("not shown: ")]
    name = line.split("--run ")[1].split()[0]
    one = run(studio, START_US, end_us, "--out", str(tmp_path), "--run", name)
    assert one.exit_code == 0, one.output
    assert f"run-{name}.mp4" in one.stdout and f" {len(recording.frames)} frames" in one.stdout
    wrong = run(studio, START_US, end_us, "--run", "first")
    assert wrong.exit_code == 2 and "--run must be" in wrong.output
