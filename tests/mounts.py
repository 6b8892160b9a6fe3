"""A file system of a test's own: one that can be full, or go away, without anybody else's noticing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of ``size`` (as ``mount`` takes it) at a new folder; the test is skipped where none can be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "nvr-test", folder], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"NOT TESTED on a file system of its own: mounting one needs root ({done.stderr.strip()})")
    try:
        yield folder
    finally:
        # The test may have unmounted it itself.
        subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


@contextmanager
def mounted_ext4(folder: Path, size: str, *, really: str) -> Iterator[Path]:
    """An ext4 of ``size`` bytes on a disk that loses what is written beyond about ``really``, as sizes of ``mount``. Skipped where there can be none."""
    with mounted(folder.with_name(f"{folder.name}-below"), really) as below:
        image = below / "image"
        with image.open("wb") as file:
            file.truncate(int(size))
        folder.mkdir()
        for command in (
            ["mkfs.ext4", "-q", "-E", "nodiscard", "-O", "^has_journal", image],
            ["mount", "-o", "loop", image, folder],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True)
            except FileNotFoundError as error:
                pytest.skip(f"NOT TESTED on ext4: {error}")
            if done.returncode:
                pytest.skip(f"NOT TESTED on ext4: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)
