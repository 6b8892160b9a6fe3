"""The footage roots while the server runs: which are there, which are away, and noticing one that comes back.

A thread a root looks at it, so that a disk that hangs hides no other one. Invariant: a root is in use only after its
identity file was found to be its own, and locked.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from storage.catalogue.database import Database
from storage.catalogue.node import Lock
from storage.disk.root_places import RootPlace, admit
from storage.disk.roots import IDENTITY_FILE, ReadOnlyRootError, Root, identity_of, known_roots, open_root, register
from storage.errors import RootError, StorageError

__all__ = ["Roots"]

log = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_SILENT_S: Final = 20.0
# As for the catalogue's lock.
_LOCK_PATIENCE_S: Final = 15.0

_LEVELS: Final = {RootPlace.MOVED: logging.WARNING, RootPlace.SYSTEM_DISK: logging.CRITICAL}


class _TwiceError(RootError):
    """A root stands at two paths."""


class Roots:
    """``opened``: every root that was there at some time since the start, as the children are told. ``away``: what is
    missing now, and why."""

    def __init__(self, database: Database, lock: Lock, paths: Sequence[Path]) -> None:
        """Opens the roots that can be used. One whose disk is absent or wrong is left out, loudly: the other disks'
        cameras must not wait. One that has become read-only counts as opened and away: its footage can be watched.

        Raises:
            RootError: none can be used, or one stands at two paths.
            StorageError: another server uses one.
        """
        self.opened: list[Root] = []
        self.away: dict[Path, str] = {}
        self._database = database
        self._lock = lock
        self._fds: dict[Path, int] = {}
        self._paths = list(paths)
        self._looking_since: dict[Path, float] = {}
        self._tell: Callable[[Path, Root | None], None] | None = None
        refused: list[RootError] = []
        for path in self._paths:
            try:
                self._register(path)
            except ReadOnlyRootError as error:
                # What is on it can be watched; recorders try, and say what the disk says.
                log.critical("%s: nothing is recorded on it until that is over", error)
                self.opened.append(error.root)
                self.away[path] = str(error)
            except RootError as error:
                if isinstance(error, _TwiceError):
                    raise
                log.critical("%s; it is taken up when it comes", error)
                refused.append(error)
                self.away[path] = str(error)
        if not self.opened:
            raise refused[0]
        self._tell_unlisted()
        for root in self.opened:
            self._take_lock(root, _LOCK_PATIENCE_S)

    @property
    def is_able(self) -> bool:
        """Whether there is any root to record to now."""
        return len(self.away) < len(self._paths)

    def _tell_unlisted(self) -> None:
        """Of roots with footage that the configuration has no more: nobody would miss their disk."""
        with self._database.read() as conn:
            rows = conn.execute(
                "SELECT id, path FROM root WHERE EXISTS (SELECT 1 FROM segment WHERE segment.root = root.key)"
            ).fetchall()
        opened = {root.id for root in self.opened}
        for row in rows:
            if row["id"] not in opened and Path(row["path"]) not in self.away:
                log.warning(
                    "footage root %s has footage and is not in [storage] roots: what is there can be watched and is"
                    " deleted by age, but nothing is recorded there, and nobody is told when its disk goes",
                    row["path"],
                )

    def _register(self, path: Path) -> Root:
        """Opens the root at ``path`` and enters it into the catalogue."""
        identity = identity_of(path)
        if any(root.id == identity and root.path != path for root in self.opened):
            raise _TwiceError(
                f"footage root {path} carries the identity of another configured root: was a disk copied?"
            )
        with self._database.read() as conn:
            known = known_roots(conn)
        if words := (verdict := admit(path, known)).words:
            log.log(_LEVELS.get(verdict.place, logging.INFO), "%s", words)
        with self._database.write() as conn:
            found = register(conn, [path])[0]
        if found not in self.opened:
            # A disk in the place of one that was given up.
            self.opened[:] = [root for root in self.opened if root.path != found.path]
            self.opened.append(found)
        return found

    def _take_lock(self, root: Root, patience_s: float) -> None:
        """Two servers with different catalogues must not share a root. Of a root that returned on the same disk the
        lock is held still; of one mounted anew it is another file."""
        path = root.path / IDENTITY_FILE
        held = self._fds.get(root.path)
        if held is not None and os.path.samestat(os.fstat(held), path.stat()):
            return
        self._fds[root.path] = Lock([path], patience_s=patience_s).fds[0]
        self._lock.fds.append(self._fds[root.path])
        if held is not None:
            self._lock.fds.remove(held)
            os.close(held)

    def watch(self, tell: Callable[[Path, Root | None], None]) -> None:
        """Looks at every root for as long as the process lives. ``tell`` hears, in a thread of the root's own, of one
        that went (None) and of one that came back, again and again until ``came`` is called."""
        self._tell = tell
        for path in self._paths:
            self._begin(path, tell)

    def add(self, path: Path) -> None:
        """One more root, taken up as soon as it can be used. After ``watch``."""
        if path not in self._paths and self._tell is not None:
            self._paths.append(path)
            self.away[path] = "it is new"
            self._begin(path, self._tell)

    def _begin(self, path: Path, tell: Callable[[Path, Root | None], None]) -> None:
        self._looking_since[path] = time.monotonic()
        thread = threading.Thread(target=self._follow, args=(path, tell), name=f"root-{path.name}", daemon=True)
        thread.start()

    def _follow(self, path: Path, tell: Callable[[Path, Root | None], None]) -> None:
        while True:
            time.sleep(_LOOK_S)
            self._looking_since[path] = time.monotonic()
            try:
                known = next((root for root in self.opened if root.path == path), None)
                if known is None or path in self.away:
                    self._return(path, tell)
                else:
                    open_root(path, known=known.id)
            except Exception as error:
                # Whatever a disk's end looks like: the thread goes on looking.
                self.lose(path, str(error), tell)

    def _return(self, path: Path, tell: Callable[[Path, Root | None], None]) -> None:
        with self._database.read() as conn:
            known = known_roots(conn)
        # Looked at before anything is written anywhere: most looks at an absent disk end here.
        admit(path, known)
        open_root(path, known=known.get(str(path)))
        root = self._register(path)
        try:
            self._take_lock(root, 0.0)
        except StorageError as error:
            raise RootError(str(error)) from None
        tell(path, root)

    def lose(self, path: Path, why: str, tell: Callable[[Path, Root | None], None]) -> None:
        """The root is away, for this reason: said once, and again if the reason changes."""
        known = self.away.get(path)
        self.away[path] = why
        if known is None:
            log.critical(
                "FOOTAGE ROOT AWAY: %s; recording goes on on the other roots, and there again once its disk is back",
                why,
            )
            tell(path, None)
        elif known != why:
            log.error("footage root still away: %s", why)

    def came(self, path: Path) -> None:
        """The root that came back is in use."""
        self.away.pop(path, None)

    def silent(self) -> list[Path]:
        """Roots whose disk does not answer."""
        now = time.monotonic()
        return [path for path, since in self._looking_since.items() if now - since > _SILENT_S]
