"""A file system of a test's own: one that can be full, go away, or lose writes, without anybody else's noticing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def _do_or_skip(command: Sequence[str | Path], otherwise: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED {otherwise} ({error})")
    if done.returncode:
        pytest.skip(f"NOT TESTED {otherwise} ({done.stderr.strip()})")


def _unmount(folder: Path) -> None:
    # The test may have unmounted it itself.
    subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of ``size`` (as ``mount`` takes it) at a new folder; the test is skipped where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "nvr-test", folder]
    _do_or_skip(command, "on a file system of its own: mounting one needs root")
    try:
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def mounted_ext4(folder: Path, size_bytes: int, *, really: str) -> Iterator[Path]:
    """An ext4 at a new folder, on a disk that loses what is written beyond ``really`` (as ``mount`` takes it); the test
    is skipped where there can be none."""
    with mounted(folder.with_name(f"{folder.name}-below"), really) as below:
        image = below / "image"
        with image.open("wb") as file:
            file.truncate(size_bytes)
        folder.mkdir()
        otherwise = "on an ext4 of its own: that needs root, mkfs.ext4 and a loop device"
        _do_or_skip(["mkfs.ext4", "-q", "-E", "nodiscard", "-O", "^has_journal", image], otherwise)
        _do_or_skip(["mount", "-o", "loop", image, folder], otherwise)
        try:
            yield folder
        finally:
            _unmount(folder)
