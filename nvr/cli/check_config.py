"""``nvr check-config``: is the configuration good, and what does it mean?"""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.options import config_option

__all__ = ["check_config"]


@click.command("check-config")
@config_option
def check_config(config: Path) -> None:
    """Print all problems of the configuration, or a summary if there are none.

    Exits with 2 if the configuration can't be used; warnings alone are no error.
    """
    from nvr.config import format_duration, format_size, load

    loaded = load(config)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    server, storage, retention = loaded.server, loaded.storage, loaded.retention
    roots = ", ".join(str(root) for root in storage.roots)
    click.echo(f"{loaded.path}: good")
    click.echo(f"server     {server.host}:{server.port}, {server.worker_count} recorder workers, zone {server.zone}")
    click.echo(f"footage    {roots}, in segments of {format_duration(storage.segment_duration_us)}")
    click.echo(f"catalogue  {storage.catalogue}")
    kept = f"at most {format_duration(retention.max_age_us)}"
    if retention.min_age_us is not None:
        kept += f", at least {format_duration(retention.min_age_us)}"
    if retention.max_bytes is not None:
        kept += f", {format_size(retention.max_bytes)} a camera"
    click.echo(f"retention  {kept}; {storage.free_space_floor} of each disk stays free")
    click.echo(f"cameras    {len(loaded.cameras)} in the file")
