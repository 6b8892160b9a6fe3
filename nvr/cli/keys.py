"""``nvr keys``: the keys that sign exports, and their certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken
from storage.durable_files import new_file

if TYPE_CHECKING:
    from nvr.config import Config
    from nvr.evidence.seal.keys import KeyFolder
    from nvr.evidence.seal.signing import Certificate
    from storage.catalogue.database import Database

__all__ = ["keys"]


@contextmanager
def _folder(config: Path) -> Iterator[tuple[Config, Database, KeyFolder]]:
    from nvr.evidence.seal.errors import KeyProblem
    from nvr.evidence.seal.keys import KeyFolder

    with open_catalogue(config) as (loaded, database):
        try:
            yield loaded, database, KeyFolder(loaded.keys_folder, loaded.evidence.name)
        except KeyProblem as error:
            raise click.ClickException(spoken(error)) from None
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _enter(database: Database, action: str, certificate: Certificate) -> None:
    from storage.catalogue import audit

    with database.write() as conn:
        audit.append(conn, action, detail={"certificate_sha256": certificate.fingerprint})


@click.group()
@config_option
@click.pass_context
def keys(ctx: click.Context, config: Path) -> None:
    """List, export, rotate and supply the keys that sign exports. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@keys.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all certificates, the one in use first."""
    with _folder(config) as (loaded, _, folder):
        lines = [("CERTIFICATE (SHA-256)", "SINCE", "BITS", "VALID UNTIL", "SUBJECT", "")]
        for kept in folder.certificates():
            found = kept.certificate
            since, until = (when(at, loaded.server.zone) for at in (kept.since_us, found.not_after_us))
            lines.append(
                (found.fingerprint, since, str(found.bits), until, found.subject, "in use" if kept.is_current else "")
            )
        table(lines)


@keys.command()
@click.argument("fingerprint", default="current")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write; it must not exist.")
@click.option("--format", "form", type=click.Choice(["der", "pem"]), help="[default: by the file's name, else der]")
@config_option
def certificate(fingerprint: str, out: Path, form: str | None, config: Path) -> None:
    """Write a certificate to a file, to be given to those who verify: the one in use, or that of a fingerprint (its
    beginning suffices)."""
    with _folder(config) as (_, _, folder):
        if fingerprint == "current":
            folder.ensure()
        try:
            found = folder.find(fingerprint)
        except KeyError:
            raise click.ClickException(f"there is no one certificate {fingerprint}; nvr keys list shows them") from None
        is_pem = form == "pem" if form else out.suffix.lower() in (".pem", ".crt")
        with new_file(out) as file:
            file.write(found.pem if is_pem else found.der)
    echo(f"{out}: {found.subject}, SHA-256 {found.fingerprint}")


@keys.command()
@config_option
def rotate(config: Path) -> None:
    """Make a new key; exports are signed with it from now on. Old certificates stay listed."""
    with _folder(config) as (_, database, folder):
        made = folder.rotate().certificate
        _enter(database, "key_rotated", made)
    echo(f"new certificate {made.fingerprint}: give it to those who verify")


@keys.command()
@click.option("--key", "key_file", type=click.Path(path_type=Path), required=True, help="The private key, PEM.")
@click.option(
    "--certificate", "file", type=click.Path(path_type=Path), required=True, help="Its certificate, DER or PEM."
)
@click.option("--encrypted", is_flag=True, help="Ask for the password of the key. It is kept without one.")
@config_option
def supply(key_file: Path, file: Path, encrypted: bool, config: Path) -> None:
    """Take a key made elsewhere; exports are signed with it from now on."""
    password = click.prompt("Password", hide_input=True, err=True).encode() if encrypted else None
    with _folder(config) as (_, database, folder):
        taken = folder.supply(key_file.read_bytes(), file.read_bytes(), password).certificate
        _enter(database, "key_supplied", taken)
    echo(f"certificate {taken.fingerprint} ({taken.subject}) signs from now on")
