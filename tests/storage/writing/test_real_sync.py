"""What the system says of lost writes, on a real ext4: syncing many segments by one call relies on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.disk.files import FILES
from tests.support.mounts import mounted_ext4


def test_a_lost_write_is_told_by_one_call_for_all_and_by_the_file_that_lost_it(tmp_path: Path) -> None:
    with mounted_ext4(tmp_path / "disk", 200_000_000, really="24m") as folder:
        fds = [FILES.create(folder / f"{number}.part.mp4") for number in range(5)]
        try:
            disk = FILES.disk_of(fds[0])
            if disk is None:
                pytest.skip("NOT TESTED: this kernel does not tell of lost writes there")
            assert {FILES.disk_of(fd) for fd in fds} == {disk}
            for fd in fds:
                FILES.write_all(fd, [b"x" * 100_000])
            FILES.sync_disk(fds[0])
            # One file gets more than the disk below can hold; the last one gets a little.
            FILES.write_all(fds[1], [os.urandom(40_000_000)])
            FILES.write_all(fds[4], [b"y" * 1000])
            held = FILES.hold(fds[0])
            with pytest.raises(OSError):
                FILES.sync_disk(held)
            FILES.release(held)
            with pytest.raises(OSError):
                FILES.sync(fds[1])
            for fd in (fds[0], fds[2], fds[3]):
                FILES.sync(fd)
            # Told once, as everything of the kind.
            FILES.sync(fds[1])
            FILES.sync_disk(fds[0])
            # What was told of the disk only, a file opened later still tells of itself: adoption opens anew.
            FILES.write_all(fds[2], [os.urandom(10_000_000)])
            with pytest.raises(OSError):
                FILES.sync_disk(fds[0])
            anew = FILES.open_existing(folder / "2.part.mp4")
            try:
                with pytest.raises(OSError):
                    FILES.sync(anew)
            finally:
                FILES.close(anew)
        finally:
            for fd in fds:
                FILES.close(fd)
