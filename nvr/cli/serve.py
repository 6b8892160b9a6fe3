"""``nvr serve``: the server."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.options import config_option

__all__ = ["serve"]


@click.command()
@config_option
@click.pass_context
def serve(ctx: click.Context, config: Path) -> None:
    """Record all cameras and serve the web page, until it is told to stop."""
    from nvr.supervisor import run

    ctx.exit(run(config))
