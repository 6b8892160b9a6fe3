"""``nvr doctor``: what an administrator would be asked."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo, safe_json, terminal_language

__all__ = ["doctor"]

_MARKS = {"good": "  ", "notice": "! ", "wrong": "!!", "unknown": "? "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a list, with texts in the terminal's language.")
@config_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, config: Path) -> None:
    """Look at this machine and the server on it, and say what to do.

    Version, catalogue, page, certificate, cameras, disks, backups, kernel, clock, limits, memory. Only looks; works
    whether or not the server runs. Exits with 1 if something is wrong.
    """
    from nvr.config.last_good import load_or_last
    from nvr.doctor.finding import DoctorHealth
    from nvr.doctor.run import examine
    from nvr.texts import say

    language = terminal_language()
    findings = list(examine(load_or_last(config, lambda told: echo(told, err=True))))
    if as_json:
        rows = [
            {
                "look": one.look,
                "health": one.health.value,
                "text": say(one.what, language),
                "advice": None if one.advice is None else say(one.advice, language),
            }
            for one in findings
        ]
        echo(safe_json(rows, indent=1), keep="\n")
    else:
        for one in findings:
            echo(f"{_MARKS[one.health.value]} {say(one.what, language)}")
            if one.advice is not None:
                echo(f"      {say(one.advice, language)}")
    if any(one.health is DoctorHealth.WRONG for one in findings):
        ctx.exit(1)
