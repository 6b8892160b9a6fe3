"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["DEFAULT_CONFIG", "config_option"]

DEFAULT_CONFIG = Path("config.toml")

F = TypeVar("F", bound=Callable[..., Any])


def _from_group(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path:
    """The command's own value, else the one given before the command, else the default."""
    if value is not None:
        return value
    given = ctx.find_root().obj
    return given if isinstance(given, Path) else DEFAULT_CONFIG


def config_option(command: F) -> F:
    """Adds ``--config PATH``, passed to the function as ``config: Path``."""
    option = click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_from_group,
        help=f"The configuration file. [default: {DEFAULT_CONFIG}]",
    )
    return option(command)
