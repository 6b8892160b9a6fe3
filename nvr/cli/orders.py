"""``nvr orders``: administrative orders, which switch cameras off until they are revoked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when, who
from nvr.cli.choosing import choice_options, chosen, node_of, planned
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken
from storage.durable_files import new_file

if TYPE_CHECKING:
    from nvr.config import Config
    from nvr.orders.impact import Impact

__all__ = ["orders"]


@click.group()
@config_option
@click.pass_context
def orders(ctx: click.Context, config: Path) -> None:
    """Enter, list and revoke administrative orders, by which cameras are not recorded. Works whether or not the server
    runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@orders.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all orders, those that are over too."""
    from nvr.orders import model as directives
    from nvr.orders.model import DirectiveKind, DirectiveState, state_of

    now_us = time.time_ns() // 1000
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        lines = [("ID", "LETTER", "STATE", "CAMERAS", "LEFT", "START", "EXPECTED END", "REASON")]
        for order in directives.list_all(conn, [DirectiveKind.ORDER]):
            state: str = state_of(order, directives.revocations(conn, order.id), now_us)
            if (
                state == DirectiveState.IN_FORCE
                and order.expected_end_us is not None
                and order.expected_end_us <= now_us
            ):
                state = "overdue"
            start, expected = when(order.start_us, zone), when(order.expected_end_us, zone)
            lines.append(
                (
                    order.id,
                    order.letter or "-",
                    state,
                    str(order.cameras),
                    str(order.left),
                    start,
                    expected,
                    order.reason,
                )
            )
    table(lines)


@orders.command()
@click.argument("order_id")
@config_option
def show(order_id: str, config: Path) -> None:
    """Print an order with its revocations and cameras."""
    from nvr.orders import model as directives
    from nvr.orders.model import DirectiveKind

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        order = directives.find(conn, order_id)
        if order is None or order.kind is not DirectiveKind.ORDER:
            raise _no_order(order_id)
        echo(f"order {order.id}: letter {order.letter} of {order.letter_date or '-'}, by {order.approver}")
        echo(f"reason: {order.reason}")
        echo(f"from {when(order.start_us, zone)}; expected end {when(order.expected_end_us, zone)}")
        echo(f"entered by {order.entered_by} {when(order.entered_us, zone)}; cameras chosen by {order.selection}")
        for found in directives.revocations(conn, order_id):
            echo(
                f"revocation {found.id}: {found.cameras} cameras from {when(found.start_us, zone)},"
                f" letter {found.letter or '-'}, by {found.approver or found.entered_by}: {found.reason}"
            )
        table(
            [
                ("CAMERA", "REVOCATION"),
                *((m.camera, m.revocation or "-") for m in directives.cameras_of(conn, order_id)),
            ]
        )


def _no_order(order_id: str) -> click.ClickException:
    return click.ClickException(f"there is no order {order_id}; nvr orders list shows them")


@orders.command()
@choice_options
@click.option("--letter", required=True, help="The letter's number.")
@click.option("--letter-date", help="The letter's date, such as 2026-10-06.")
@click.option("--reason", required=True, help="Why.")
@click.option("--approver", required=True, help="Who signed.")
@click.option("--start", type=TIME, help="When it takes effect; may lie in the past. [default: now]")
@click.option("--end", type=TIME, help="When it ends by itself.")
@click.option("--expected-end", type=TIME, help="When it should be revoked; ends nothing.")
@click.option("--local-copy-until", type=TIME, help="Until then the cameras themselves may have kept footage.")
@click.option(
    "--attachment", type=click.Path(path_type=Path, dir_okay=False), help="A file, such as the signed letter."
)
@click.option("--dry-run", is_flag=True, help="Print what it would do, and its hash; enter nothing.")
@click.option("--confirm", metavar="HASH", help="Enter it without asking, if its hash is this.")
@config_option
def add(
    config: Path,
    where: str | None,
    cameras: tuple[str, ...],
    list_: Path | None,
    attachment: Path | None,
    dry_run: bool,
    confirm: str | None,
    start: int | None,
    **fields: Any,
) -> None:
    """Print what an order would do, ask, and enter it."""
    from nvr.orders import attachments, register
    from nvr.orders import model as directives
    from nvr.orders.carrying_out import carry_out
    from nvr.orders.impact import impact, plan_hash
    from nvr.orders.model import DirectiveKind, Draft

    data = _read(attachment)
    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        with database.read() as conn:
            found = chosen(conn, where, cameras, list_)

            def draft(at_us: int, sha256: str | None) -> Draft:
                name = None if attachment is None else attachment.name
                values = {f"{key}_us" if key in _TIMES else key: value for key, value in fields.items()}
                return Draft(
                    kind=DirectiveKind.ORDER,
                    start_us=at_us if start is None else start,
                    selection=found.how,
                    attachment=sha256,
                    attachment_name=name,
                    **values,
                )

            try:
                file = None if data is None else attachments.checked(data)
                sha256 = None if file is None else file.sha256
                first = draft(now_us, sha256)
                directives.check(first)
            except (directives.DirectiveError, attachments.AttachmentError) as error:
                raise click.ClickException(spoken(error)) from None
            hash_ = plan_hash(first, found.ids, start_is_now=start is None)
            _print(impact(conn, first, found.ids, now_us=now_us), loaded, hash_)
        if dry_run:
            return
        if confirm is None:
            click.confirm("Enter this order?", abort=True)
        elif confirm != hash_:
            raise click.ClickException("the order is not the one of this hash: look at its dry run again")
        if file is not None:
            attachments.add(database, file, now_us=now_us)
        with planned(database, lambda conn: chosen(conn, where, cameras, list_).ids) as (conn, ids):
            at_us = time.time_ns() // 1000
            if ids != found.ids:
                raise click.ClickException("the cameras chosen have changed meanwhile: look at the dry run again")
            try:
                node = node_of(conn, loaded.server.node)
                entered = register.add(conn, draft(at_us, sha256), ids, node_id=node, by=who(), now_us=at_us)
            except directives.DirectiveError as error:
                raise click.ClickException(spoken(error)) from None
        carry_out(database)
    echo(f"order {entered.id} entered for {entered.cameras} cameras")


_TIMES = frozenset({"end", "expected_end", "local_copy_until"})


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} can't be read: {error.strerror}") from None


def _print(found: Impact, loaded: Config, hash_: str) -> None:
    from nvr.network import capacity as planning

    zone, price = loaded.server.zone, loaded.network.price_per_mbit
    echo(f"cameras: {len(found.cameras)} ({found.disabled_before} of them are off by another order already)")
    if found.lost_us is None:
        a_day = 24 * (len(found.cameras) - found.disabled_before)
        echo(f"coverage lost: {a_day} camera-hours a day, without an expected end")
    else:
        echo(f"coverage lost: {found.lost_us / 3.6e9:.1f} camera-hours until {when(found.until_us, zone)}")
    echo(f"legal holds touched: {len(found.holds)}")
    for hold in found.holds[:20]:
        echo(f"  {hold.id}  {hold.camera}  {hold.reason}")
    echo(f"open cases touched: {len(found.cases)}")
    for case in found.cases[:20]:
        echo(f"  {case.id}  {case.number}")
    sent = found.sent
    if sent is None:
        echo(f"bandwidth saved: not known, no bitrate was measured of any of {found.unknown} cameras")
    else:
        mbit = sent.total_bps / 1e6
        others = f"; {sent.unknown} of unknown rate count as their mean" if sent.unknown else ""
        echo(f"bandwidth saved: {mbit:.1f} Mbit/s, measured on {sent.measured} cameras{others}")
        cost = planning.cost_a_month(sent.total_bps, price)
        if cost is not None:
            until = planning.cost_a_month((found.saved_bits or 0) / (planning.MONTH_US / 1e6), price)
            whole = "" if found.saved_bits is None else f"; Rp {until:,.0f} until {when(found.until_us, zone)}"
            echo(f"cost saved: Rp {cost:,.0f} a month{whole}")
    echo(f"hash: {hash_}")


@orders.command()
@click.argument("order_id")
@click.option("--reason", required=True, help="Why it is revoked.")
@click.option("--letter", help="The number of the letter that revokes it.")
@click.option("--letter-date", help="That letter's date, such as 2026-10-09.")
@click.option("--approver", help="Who signed it.")
@click.option("--start", type=TIME, help="When it takes effect. [default: now]")
@click.option(
    "--camera", "cameras", multiple=True, help="Only for this camera; may be given more than once. [default: all]"
)
@config_option
def revoke(order_id: str, cameras: tuple[str, ...], start: int | None, config: Path, **fields: Any) -> None:
    """Revoke an order, as a whole or for some of its cameras."""
    from nvr.orders import model as directives
    from nvr.orders import register
    from nvr.orders.carrying_out import carry_out

    with open_catalogue(config) as (_, database):
        carry_out(database)
        with database.write() as conn:
            found = directives.find(conn, order_id)
            if found is None or found.kind is not directives.DirectiveKind.ORDER:
                raise _no_order(order_id)
            now_us = time.time_ns() // 1000
            try:
                done = register.revoke(
                    conn, order_id, by=who(), now_us=now_us, start_us=start, cameras=cameras or None, **fields
                )
            except directives.DirectiveError as error:
                raise click.ClickException(spoken(error)) from None
        carry_out(database)
    echo(f"revocation {done.id}: order {order_id} no longer holds for {done.cameras} cameras")


@orders.command()
@click.argument("order_id")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def attachment(order_id: str, path: Path, config: Path) -> None:
    """Write the file that came with an order to PATH, which must not exist."""
    from nvr.orders import attachments
    from nvr.orders import model as directives

    with open_catalogue(config) as (_, database), database.read() as conn:
        found = directives.find(conn, order_id)
        data = attachments.load(conn, found.attachment) if found is not None and found.attachment else None
    if data is None:
        raise click.ClickException(f"there is no order {order_id}, or it has no file")
    try:
        with new_file(path) as file:
            file.write(data)
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from None
    echo(f"{path}: {len(data)} bytes")
