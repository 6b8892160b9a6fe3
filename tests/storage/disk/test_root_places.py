"""What a configured footage root is, by its identity and the catalogue's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.disk.root_places import RootLook, RootPlace, admit, judge, look_at, unmounted_above
from storage.disk.roots import IDENTITY_FILE, open_root
from storage.errors import RootError
from tests.support.mounts import mounted

A, B = Path("/mnt/a"), Path("/mnt/b")


@pytest.mark.parametrize(
    ("look", "place", "is_refused", "words"),
    [
        (RootLook(A, "1", "1"), RootPlace.KNOWN, False, ""),
        (RootLook(A, None, None), RootPlace.NEW, False, "is new"),
        (RootLook(A, None, None, for_disks=True), RootPlace.SYSTEM_DISK, False, "ON THE SYSTEM DISK"),
        (RootLook(A, None, None, unmounted=A, for_disks=True), RootPlace.UNMOUNTED, True, "/etc/fstab mounts it"),
        (RootLook(A, "1", None, known_at=B), RootPlace.MOVED, False, "was at /mnt/b before"),
        (RootLook(A, "1", None, known_at=B, still_there=True), RootPlace.COPIED, True, "which is there too"),
        # A root of another catalogue, which was forgotten: its footage is taken in.
        (RootLook(A, "1", None), RootPlace.KNOWN, False, ""),
        # Compared by open_root, which has the words for it.
        (RootLook(A, "2", "1"), RootPlace.KNOWN, False, ""),
    ],
)
def test_each_has_its_words(look: RootLook, place: RootPlace, is_refused: bool, words: str) -> None:
    verdict = judge(look)
    assert (verdict.place, verdict.is_refused) == (place, is_refused)
    assert words in verdict.words and (words or not verdict.words)


def test_moved_and_copied_are_told_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    root = open_root(one, known=None)
    known = {str(one): root.id}
    assert admit(one, known).place is RootPlace.KNOWN
    shutil.copytree(one, two)
    with pytest.raises(RootError, match="was a disk copied, or this installation"):
        admit(two, known)
    (two / IDENTITY_FILE).unlink()
    assert admit(two, known).place is RootPlace.NEW
    shutil.rmtree(two)
    one.rename(two)
    assert admit(two, known).place is RootPlace.MOVED
    # The same folder by another name is no copy.
    one.symlink_to(two)
    assert admit(two, known).place is RootPlace.MOVED


def test_a_mount_point_without_its_disk_is_not_filled(tmp_path: Path) -> None:
    point = tmp_path / "my disk"
    fstab = tmp_path / "fstab"
    written = str(point).replace(" ", "\\040")
    fstab.write_text(
        f"# UUID=1 {tmp_path} ext4\n\nUUID=2 / ext4 defaults 0 1\n"
        f"/dev/sdb1\t{written} xfs noauto 0 0 # footage\nUUID=3 none swap sw 0 0\n"
    )
    footage = point / "footage"
    assert unmounted_above(footage, fstab) == point
    assert unmounted_above(tmp_path / "elsewhere", fstab) is None
    assert unmounted_above(footage, tmp_path / "no such file") is None
    with pytest.raises(RootError, match="is not mounted, though /etc/fstab"):
        admit(footage, {}, fstab=fstab)
    assert not point.exists()
    with mounted(point, "1m"):
        assert admit(footage, {}, fstab=fstab).place is RootPlace.NEW
        root = open_root(footage, known=None)
    # Known by then: the identity decides, and says so.
    assert look_at(footage, {str(footage): root.id}, fstab=fstab).identity is None
