"""Footage on disks of this machine."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from storage.disk.files import FILES, Files
from storage.disk.reading import FileState, RecordedFile
from storage.tiers.base import Folder

__all__ = ["LOCAL", "LocalTier"]

log = logging.getLogger(__name__)


class LocalTier:
    """See ``Tier``. ``files`` is the seam to the disks."""

    name: Final = "local"

    def __init__(self, files: Files = FILES) -> None:
        self._files = files

    def open(self, path: Path) -> RecordedFile:
        """As in ``Tier``."""
        return RecordedFile.open(path, self._files)

    def stat(self, path: Path) -> FileState | None:
        """As in ``Tier``."""
        try:
            return FileState.of(self._files.stat(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, root: Path, paths: Sequence[Path]) -> list[Path]:
        """As in ``Tier``: unlinks them, then syncs their folders, of which those that are empty go too."""
        folders: dict[Path, list[Path]] = defaultdict(list)
        for path in paths:
            try:
                self._files.unlink(path)
            except FileNotFoundError:
                # A sweep before this one was cut off after it.
                pass
            except OSError as error:
                log.error("%s can't be removed: %s; will try again", path, error)
                continue
            folders[path.parent].append(path)
        done: list[Path] = []
        for folder, gone in folders.items():
            try:
                self._settle(root, folder)
            except OSError as error:
                log.error("%s can't be synced: %s; will try again", folder, error)
                continue
            done.extend(gone)
        return done

    def _settle(self, root: Path, folder: Path) -> None:
        """Makes sure that what was unlinked stays so. Hour and day folders that hold nothing any more go too; the
        camera's folder stays."""
        try:
            self._files.sync_folder(folder)
        except (FileNotFoundError, NotADirectoryError):
            # Removed by the sweep that was cut off.
            return
        for at in (folder, folder.parent):
            if at.parent == root or at == root:
                return
            try:
                if self._files.names(at):
                    return
                self._files.remove_folder(at)
            except OSError:
                # A recorder has just made a file in it; or it can't be listed, and an empty folder costs nothing.
                return

    def walk(self, top: Path, refused: Callable[[OSError], None]) -> Iterator[Folder]:
        """As in ``Tier``. Links to folders are not followed."""
        try:
            folders, names = self._files.scan(top)
        except OSError as error:
            error.filename = str(top)
            refused(error)
            return
        yield Folder(top, sorted(names))
        for name in sorted(folders):
            yield from self.walk(top / name, refused)


LOCAL: Final = LocalTier()
