"""``nvr version``: what is installed."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import version as installed
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["version"]


@click.command()
@config_option
def version(config: Path) -> None:
    """Print the versions of nvr and of what it stands on."""
    echo(f"nvr {installed('nvr')}")
    echo(f"Python {platform.python_version()}, PyAV {installed('av')}, SQLite {sqlite3.sqlite_version}")
