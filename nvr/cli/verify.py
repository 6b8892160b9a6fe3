"""``nvr verify``: whether a sealed export is what was signed. Needs nothing but the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.options import config_option
from nvr.cli.progress import progress_bar
from nvr.cli.terminal import echo, safe_json, spoken, terminal_language

if TYPE_CHECKING:
    from nvr.evidence.seal.signing import Certificate
    from nvr.texts import Language

__all__ = ["read_certificates", "verify"]


def _language(given: str | None) -> Language:
    """The one given, else that of this terminal."""
    from nvr.texts import LANGUAGES

    if given is not None and given not in LANGUAGES:
        raise click.BadParameter(f"must be one of {', '.join(LANGUAGES)}", param_hint="--language")
    return given or terminal_language()


def read_certificates(paths: tuple[Path, ...]) -> list[Certificate]:
    """The certificates in these files.

    Raises:
        click.ClickException: one can't be used.
    """
    from nvr.evidence.seal.errors import KeyProblem
    from nvr.evidence.seal.signing import read_certificate

    try:
        return [read_certificate(path.read_bytes(), str(path)) for path in paths]
    except (KeyProblem, OSError) as error:
        raise click.ClickException(spoken(error)) from None


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--certificate",
    "certificates",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A certificate (DER or PEM) that is trusted; may be given more than once.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.option("--language", help="Of the verdict, such as en or id. [default: the terminal's]")
@config_option
@click.pass_context
def verify(
    ctx: click.Context, target: Path, certificates: tuple[Path, ...], as_json: bool, language: str | None, config: Path
) -> None:
    """Check a sealed export: its folder, its ZIP, or one of its MP4s. Needs no server, catalogue or configuration:
    --config is not read."""
    from nvr.evidence.verify import verify as check
    from nvr.evidence.verify.words import describe, report_json

    trusted = read_certificates(certificates)
    try:
        with progress_bar("verify") as progress:
            report = check(target, trusted, progress=progress)
    except OSError as error:
        where = target if error.filename is None else Path(os.fsdecode(error.filename))
        raise click.ClickException(f"{where} can't be read: {error.strerror or error}") from None
    if as_json:
        echo(safe_json(report_json(report), indent=1), keep="\n")
    else:
        for line in describe(report, _language(language)):
            echo(line)
    ctx.exit(report.exit_code)
