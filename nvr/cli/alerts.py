"""``nvr alerts``: what needs a person, and whether messages arrive."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["alerts"]


@click.group()
@config_option
@click.pass_context
def alerts(ctx: click.Context, config: Path) -> None:
    """List and acknowledge alerts, and try the ways of telling. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@alerts.command("list")
@click.option("--all", "all_", is_flag=True, help="Those that are over, too.")
@config_option
def list_(all_: bool, config: Path) -> None:
    """Print alerts, open ones first. Exits with 1 if there is an open one."""
    from nvr.alerting import rows

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        with database.read() as conn:
            found = rows.list_all(conn, open_only=not all_, limit=1_000)
    lines = [("ID", "KIND", "ABOUT", "SINCE", "OVER", "CAMERAS", "ACKNOWLEDGED BY")]
    for row in found:
        since, over = when(row.since_us, zone), when(row.resolved_us, zone)
        count = str(len(row.cameras)) if row.cameras else "-"
        lines.append((row.id, row.kind, row.subject or "-", since, over, count, row.acknowledged_by or "-"))
    table(lines)
    if any(row.resolved_us is None for row in found):
        click.get_current_context().exit(1)


@alerts.command()
@click.argument("alert_id")
@click.option("--note", default="", help="A word on it.")
@config_option
def acknowledge(alert_id: str, note: str, config: Path) -> None:
    """Say that one knows of an alert."""
    from nvr.alerting import rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            rows.acknowledge(conn, alert_id, note=note, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"there is no alert {alert_id}; nvr alerts list shows them") from None
    echo(f"alert {alert_id} acknowledged")


@alerts.command()
@config_option
def recipients(config: Path) -> None:
    """Print who gets messages, and how it goes with each. Exits with 1 if one can't be reached."""
    from nvr.alerting import deliveries

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        with database.read() as conn:
            found = deliveries.recipients(conn)
    lines = [("RECIPIENT", "WAITING", "LAST ACCEPTED", "DROPPED", "FAILING SINCE", "ERROR")]
    for one in found:
        accepted, failing = when(one.accepted_us, zone), when(one.failing_since_us, zone)
        lines.append((one.id, str(one.waiting), accepted, str(one.dropped), failing, one.error or "-"))
    table(lines)
    if any(one.failing_since_us is not None for one in found):
        click.get_current_context().exit(1)


@alerts.command()
@config_option
def test(config: Path) -> None:
    """Send a test message through every way that is set up. Exits with 1 if one does not arrive."""
    from nvr.alerting.channels import AlertMessage, DeliveryError, channels
    from nvr.alerting.settings import to_wire
    from nvr.config import load
    from nvr.texts import words

    settings = load(config)
    ways = channels(to_wire(settings.alerts, settings.server.zone))
    if not ways:
        raise click.ClickException("[alerts] names nobody: it has neither email_to nor telegram_chats nor webhook_url")
    text = words(settings.alerts.language).alerts["test"]
    failed = False
    for way in ways:
        try:
            way.send(
                AlertMessage(f"nvr: {text}", text), {"event": "test", "id": "test"}, f"test.{secrets.token_hex(6)}"
            )
            echo(f"{way.recipient}: sent")
        except DeliveryError as error:
            echo(f"{way.recipient}: {error}")
            failed = True
    if failed:
        click.get_current_context().exit(1)
