"""``nvr ptz``: which cameras can be moved, and the least that shows that it works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nvr.cli.catalogue import open_catalogue, table
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.devices.ptz.head import PtzHead

__all__ = ["ptz"]


@click.group(invoke_without_command=True)
@config_option
@click.pass_context
def ptz(ctx: click.Context, config: Path) -> None:
    """Print the cameras that [ptz] allows to be moved, and which of them can't be."""
    from nvr.devices.ptz.places import NotMovable, movable

    ctx.find_root().obj = config
    if ctx.invoked_subcommand is not None:
        return
    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = movable(conn, loaded.ptz.cameras)
        lines = [("CAMERA", "DEVICE", "")]
        for camera, place in sorted(found.items()):
            if isinstance(place, NotMovable):
                lines.append((camera, "-", spoken(place)))
            else:
                lines.append((camera, place.device.address, "can be moved"))
        if found:
            table(lines)
        else:
            echo('no camera may be moved; allow it in the configuration: [ptz] cameras = "district=Tembalang"')


def _asked(
    config: Path, camera: str, action: str | None, detail: dict[str, str], question: Callable[[PtzHead], Awaitable[Any]]
) -> Any:
    """What a camera answers; what changes it is entered in the audit log before it is told."""
    from nvr.devices.conversation import ConversationError, DeviceConversation
    from nvr.devices.ptz.head import PtzHead
    from nvr.devices.ptz.places import NotMovable, find_place
    from nvr.recorder.sources.rtsp.ledger import LEDGER
    from storage.catalogue import audit

    async def ask(head: PtzHead) -> Any:
        try:
            await head.open()
            return await question(head)
        finally:
            head.close()

    with open_catalogue(config) as (loaded, database):
        try:
            with database.read() as conn:
                place = find_place(conn, camera, loaded.ptz.cameras)
            if action is not None:
                with database.write() as conn:
                    audit.append(conn, action, camera=camera, detail=detail)
            LEDGER.open(database)
            try:
                return asyncio.run(ask(PtzHead(DeviceConversation(place.device, place.login), place.profile)))
            finally:
                LEDGER.close()
        except (NotMovable, ConversationError) as error:
            raise click.ClickException(spoken(error)) from None


@ptz.command("presets")
@click.argument("camera")
@config_option
def presets(camera: str, config: Path) -> None:
    """Print the places that a camera has kept."""
    found = _asked(config, camera, None, {}, lambda head: head.presets())
    table([("PRESET", "NAME"), *((one.token, one.name) for one in found)])


@ptz.command("go")
@click.argument("camera")
@click.argument("preset")
@config_option
def go(camera: str, preset: str, config: Path) -> None:
    """Move a camera to a place that it has kept, whoever moves it now."""
    _asked(config, camera, "ptz_preset_called", {"preset": preset}, lambda head: head.go(preset))
    echo(f"{camera}: on its way to {preset}")


@ptz.command("stop")
@click.argument("camera")
@config_option
def stop(camera: str, config: Path) -> None:
    """Stop a camera, whoever moves it."""
    _asked(config, camera, "ptz_stopped", {}, lambda head: head.stop())
    echo(f"{camera}: was told to stop")
