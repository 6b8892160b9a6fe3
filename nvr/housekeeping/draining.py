"""Roots that are to be taken away: what they hold moves to the others, in a thread of its own.

Invariant: how far it is stands in the catalogue, so that ``nvr roots list`` says it whoever asks.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.disk.draining import is_draining
from storage.disk.files import FILES, Files
from storage.disk.roots import Root, is_mounted
from storage.errors import CatalogueError
from storage.recovery.drain_state import DrainState, forget_drain, note_drain, read_drain
from storage.recovery.moving import MovedOff, choose_target, move_off, remove_part, sweep_copies
from storage.retention.free_space import disks

__all__ = ["Drainer"]

log = logging.getLogger(__name__)

_LOOK_S: Final = 10.0
# What could not be read is tried again: cables are put right.
_AGAIN_S: Final = 3600.0
# A disk that took no file is not asked again for so long; the others are.
_REFUSED_S: Final = 600.0


class Drainer(threading.Thread):
    """Empties roots until ``ending``. ``settings``: those of accounting."""

    def __init__(self, settings: Mapping[str, Any], ending: threading.Event, files: Files = FILES) -> None:
        super().__init__(name="drain", daemon=True)
        self._settings = settings
        self._ending = ending
        self._files = files
        self._database = Database(Path(settings["catalogue"]))
        # By root: what could not be moved, and when that was tried.
        self._left: dict[str, tuple[frozenset[Key], float]] = {}
        # By root: when it took no file that was to move there.
        self._refused: dict[str, float] = {}
        # What has to stay beside its copy, as far as that was said.
        self._staying: frozenset[Path] = frozenset()
        self._is_swept = False

    def configure(self, settings: Mapping[str, Any]) -> None:
        """New roots, floors and rate, from the next file on."""
        self._settings = settings

    @property
    def _roots(self) -> list[Root]:
        return [Root(identity, Path(path)) for identity, path in self._settings["roots"]]

    def run(self) -> None:
        """The thread's work."""
        while not self._ending.wait(_LOOK_S):
            try:
                self.look()
            except (sqlite3.Error, CatalogueError, OSError) as error:
                log.error("footage could not be moved, will try again: %s", error)
        self._database.close()

    def look(self) -> None:
        """One pass over the roots that are to be emptied.

        Raises:
            OSError: a disk does not say whether it is to be emptied, or how much room it has.
            sqlite3.Error: the catalogue refused.
        """
        self._sweep()
        for root in self._roots:
            if not is_mounted(root):
                continue
            if is_draining(root.path):
                self._drain(root)
            elif self._noted(root) is not None:
                with self._database.write() as conn:
                    forget_drain(conn, root.id)

    def _sweep(self) -> None:
        staying = dict(sweep_copies(self._database, self._files))
        for path in staying.keys() - self._staying:
            log.error("%s stays beside its copy, and is tried again: %s", path, staying[path])
        self._staying = frozenset(staying)
        if not self._is_swept:
            self._is_swept = True
            for root in self._roots:
                if is_mounted(root):
                    try:
                        remove_part(root, self._files)
                    except OSError as error:
                        log.error("what a move that was cut off left on footage root %s stays: %s", root.path, error)

    def _noted(self, root: Root) -> DrainState | None:
        with self._database.read() as conn:
            return read_drain(conn, root.id)

    def _choose(self, size: int) -> Root | None:
        now_s = time.monotonic()
        able = [
            root
            for root in self._roots
            if is_mounted(root)
            and not is_draining(root.path)
            and now_s - self._refused.get(root.id, -_REFUSED_S) >= _REFUSED_S
        ]
        settings = self._settings
        found = disks(able, settings["floor_bytes"], settings["floor_fraction"], self._files)
        chosen = choose_target(found, size)
        return None if chosen is None else next(root for root in able if root.id == chosen.root)

    def _drain(self, root: Root) -> None:
        left, tried_s = self._left.get(root.id, (frozenset(), 0.0))
        if time.monotonic() - tried_s >= _AGAIN_S:
            left, tried_s = frozenset(), time.monotonic()
        done = move_off(
            self._database,
            root,
            self._choose,
            self._settings["move_bytes_per_s"],
            self._ending,
            skip=left,
            files=self._files,
        )
        self._left[root.id] = frozenset(done.keys_left), tried_s
        if done.refused is not None:
            target, error = done.refused
            self._refused[target.id] = time.monotonic()
            log.error("footage root %s took no file that was to move there: %s; look at that disk", target.path, error)
        self._tell(root, done)

    def _tell(self, root: Root, done: MovedOff) -> None:
        if done.segments:
            log.info("%d segments, %d bytes moved off footage root %s", done.segments, done.bytes, root.path)
        before = self._noted(root)
        if not done.whole and done.has_room and (before is None or before.has_room or not done.segments):
            return
        state = DrainState(done.is_empty, len(done.left), done.has_room, done.growing)
        if before == state:
            return
        with self._database.write() as conn:
            note_drain(conn, root.id, state)
        if state.is_empty:
            log.warning("footage root %s is empty: take it out of [storage] roots, and reload", root.path)
        elif not state.has_room:
            log.error(
                "footage root %s can't be emptied further: the other disks have no room above their floors, or take no"
                " file; add a disk (nvr roots add)",
                root.path,
            )
        elif state.left:
            log.error(
                "%d segments can't be moved off footage root %s; they are tried again every hour", state.left, root.path
            )
