"""The last configuration that a server could use: with it, commands that need only the catalogue go on while somebody
looks for a typing error.

A copy beside the file, for its owner alone, since it may hold passwords. Invariant: it is only ever read where the file
itself can't be used, and whoever reads it says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nvr.config.errors import ConfigError
from nvr.config.loading import load
from nvr.config.model import Config
from storage.durable_files import replace_file

__all__ = ["keep", "load_or_last", "path_of"]

log = logging.getLogger(__name__)


def path_of(config: Path) -> Path:
    """Where the copy of this file is."""
    return config.absolute().with_name(f".{config.name}.last-good")


def keep(config: Path) -> None:
    """Keeps a copy of a file that has just been loaded. Where the folder can't be written to there is none; a server
    does not need it."""
    copy = path_of(config)
    try:
        data = config.read_bytes()
        if copy.exists() and copy.read_bytes() == data:
            return
        replace_file(copy, data, 0o600)
    except OSError as error:
        log.info("no copy of %s is kept for commands: %s", config, error.strerror)


def load_or_last(config: Path, say: Callable[[str], None]) -> Config:
    """The configuration; or, if the file can't be used, the last one that a server used, with ``say`` told of it.

    Raises:
        ConfigError: the file's problems, and there is no such copy.
    """
    try:
        return load(config)
    except ConfigError as error:
        copy = path_of(config)
        if not config.exists() or not copy.exists():
            raise
        try:
            last = load(copy)
        except ConfigError:
            raise error from None
        say(
            f"{config} can't be used ({len(error.problems)} problems; nvr check-config prints them):"
            " going by the last settings that a server used"
        )
        return last
