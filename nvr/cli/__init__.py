"""The command ``nvr``. Each subcommand is a module of this package and is imported only when it is asked for.

A new command: a module with a function of its name under ``@click.command()`` and ``@config_option``, a line in
``_COMMANDS``, and its section in ``docs/reference/commands.md``; a test misses whichever is left out.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from nvr import core_dumps
from nvr.cli.options import DEFAULT_CONFIG
from nvr.cli.terminal import echo
from nvr.cli.writing import end_in_order
from storage.texts import escaped

__all__ = ["main"]

# Command to "module:function". The order is that of the help.
_COMMANDS = {
    "serve": "nvr.cli.serve:serve",
    "demo": "nvr.cli.demo:demo",
    "check-config": "nvr.cli.check_config:check_config",
    "doctor": "nvr.cli.doctor:doctor",
    "cameras": "nvr.cli.cameras:cameras",
    "probe": "nvr.cli.probe:probe",
    "scan": "nvr.cli.scan:scan",
    "devices": "nvr.cli.devices:devices",
    "ptz": "nvr.cli.ptz:ptz",
    "marks": "nvr.cli.marks:marks",
    "gaps": "nvr.cli.gaps:gaps",
    "coverage": "nvr.cli.coverage:coverage",
    "network": "nvr.cli.network:network",
    "plan": "nvr.cli.plan:plan",
    "alerts": "nvr.cli.alerts:alerts",
    "orders": "nvr.cli.orders:orders",
    "maintenance": "nvr.cli.windows:maintenance",
    "schedules": "nvr.cli.windows:schedules",
    "clip": "nvr.cli.clip:clip",
    "export": "nvr.cli.export:export",
    "exports": "nvr.cli.exports:exports",
    "verify": "nvr.cli.verify:verify",
    "countersign": "nvr.cli.countersign:countersign",
    "keys": "nvr.cli.keys:keys",
    "cases": "nvr.cli.cases:cases",
    "holds": "nvr.cli.holds:holds",
    "delete": "nvr.cli.delete:delete",
    "roots": "nvr.cli.roots:roots",
    "node": "nvr.cli.node:node",
    "retention": "nvr.cli.retention:retention",
    "check": "nvr.cli.check:check",
    "rebuild": "nvr.cli.rebuild:rebuild",
    "audit": "nvr.cli.audit:audit",
    "backup": "nvr.cli.backup:backup",
    "upgrade": "nvr.cli.upgrade:upgrade",
    "restore": "nvr.cli.restore:restore",
    "restore-key": "nvr.cli.restore_key:restore_key",
    "users": "nvr.cli.users:users",
    "groups": "nvr.cli.groups:groups",
    "tokens": "nvr.cli.tokens:tokens",
    "access": "nvr.cli.access:access",
    "tls": "nvr.cli.tls:tls",
    "addresses": "nvr.cli.addresses:addresses",
    "version": "nvr.cli.version:version",
}

_EXIT_CONFIG = 2


class LazyGroup(click.Group):
    """A group that imports a command when it is used, and prints configuration problems instead of a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, whose module is only imported now; None if there is none.

        Raises:
            TypeError: the table of commands names something else.
        """
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a click command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        from nvr.config.errors import ConfigError

        try:
            return super().invoke(ctx)
        except ConfigError as error:
            echo(str(error), err=True, keep="\n")
            ctx.exit(_EXIT_CONFIG)
        except click.ClickException as error:
            # Its message may repeat what somebody once entered, or what a file is called.
            object.__setattr__(error, "message", escaped(error.message, keep="\n"))
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The configuration file; may follow the command as well.",
)
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """A recording server for camera fleets: every second is recorded, or is a gap with a stated cause."""
    ctx.obj = config
    if ctx.info_name == "nvr":
        # As a program of its own; within another one, signals are that one's.
        end_in_order()
        core_dumps.forbid()
