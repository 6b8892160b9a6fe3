"""``nvr tls``: certificates for the page, by an authority of this installation."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["tls"]


@click.group()
@config_option
@click.pass_context
def tls(ctx: click.Context, config: Path) -> None:
    """Make and show the certificate with which the page speaks HTTPS. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


def _names(given: tuple[str, ...]) -> list[str]:
    if given:
        return list(dict.fromkeys(name.strip().lower().removesuffix(".") for name in given))
    host = socket.gethostname().lower().removesuffix(".")
    return list(dict.fromkeys([host, f"{host}.local" if "." not in host else host, "localhost", "127.0.0.1", "::1"]))


@tls.command()
@click.option(
    "--name", "names", multiple=True, help="A name or address by which people reach the page; may be given again."
)
@click.option("--new-authority", is_flag=True, help="Make another authority; all browsers have to be given it.")
@config_option
def create(names: tuple[str, ...], new_authority: bool, config: Path) -> None:
    """Make a certificate for the page, or renew it, by an authority of this installation.

    A server that runs takes a renewed one by itself, within ten seconds.
    """
    from nvr.tls.authority import TlsFolder
    from nvr.tls.errors import TlsError
    from nvr.tls.pair import read_pair
    from storage.catalogue import audit

    with open_catalogue(config) as (loaded, database):
        folder = TlsFolder(loaded.storage.catalogue.parent / "tls")
        wanted = _names(names)
        try:
            if not names and not new_authority and folder.load() is not None and folder.certificate.exists():
                # A renewal is for what it was for.
                wanted = list(read_pair(folder.certificate, folder.key).names)
            is_new = folder.create(loaded.evidence.name, wanted, new_authority=new_authority)
            made = read_pair(folder.certificate, folder.key)
        except TlsError as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None
        with database.write() as conn:
            detail = {"names": wanted, "certificate_sha256": made.fingerprint, "new_authority": is_new}
            audit.append(conn, "page_certificate_made", detail=detail)
        echo(f"{folder.certificate}: for {', '.join(wanted)}, until {when(made.ends_us, loaded.server.zone)}")
        if is_new:
            echo(f"give browsers the authority: {folder.authority} (docs/guide/https.md)")
        if loaded.server.certificate is None:
            echo("then write into the configuration, under [server], and start the server again:")
            echo(f'certificate = "{folder.certificate}"')
            echo(f'key = "{folder.key}"')
        elif loaded.server.certificate != folder.certificate:
            echo(f"warning: [server] certificate names another one: {loaded.server.certificate}", err=True)


@tls.command()
@config_option
def renew(config: Path) -> None:
    """Get the certificate of the page from the authority of [acme] now, rather than when it is time.

    The authority asks this server, so it has to run, unless the DNS answers (dns_hook). A server that runs takes the
    certificate by itself.
    """
    import time

    from nvr.tls.acme import AcmeWish, obtain
    from nvr.tls.acme_folder import AcmeFolder
    from nvr.tls.errors import TlsError
    from nvr.tls.renewal import note_renewal
    from storage.catalogue import audit
    from storage.upgrade.copies import own_as

    with open_catalogue(config) as (loaded, database):
        acme, folder = loaded.acme, AcmeFolder(loaded.tls_folder)
        if not acme.names:
            raise click.ClickException("no authority is named: add names to [acme] (docs/guide/https.md)")
        wish = AcmeWish(acme.names, acme.directory, acme.email, acme.ca, acme.dns_hook, acme.dns_wait_us / 1e6)
        now_us = time.time_ns() // 1000
        try:
            folder.make()
            # Before the authority asks: a server of another user reads what it is to answer.
            for path in (folder.path, folder.challenges):
                own_as(path, loaded.storage.catalogue)
            made = obtain(wish, folder, made=lambda path: own_as(path, loaded.storage.catalogue))
        except (TlsError, OSError) as error:
            with database.write() as conn:
                note_renewal(conn, now_us, str(error))
            raise click.ClickException(str(error)) from None
        with database.write() as conn:
            note_renewal(conn, now_us, None)
            detail = {"names": list(acme.names), "certificate_sha256": made.fingerprint, "new_authority": False}
            audit.append(conn, "page_certificate_made", detail=detail)
        echo(f"{folder.pair}: for {', '.join(made.names)}, until {when(made.ends_us, loaded.server.zone)}")


@tls.command()
@config_option
def show(config: Path) -> None:
    """Print what the certificate of the page is for, until when, and whether it can be used."""
    import time

    from nvr.config.last_good import load_or_last
    from nvr.tls.errors import TlsError
    from nvr.tls.pair import read_pair, warnings_of

    loaded = load_or_last(config, lambda told: echo(told, err=True))
    certificate, key = loaded.server.certificate, loaded.server.key
    if certificate is None or key is None:
        raise click.ClickException("no certificate is configured: the page speaks plain HTTP; nvr tls create makes one")
    try:
        pair = read_pair(certificate, key)
    except TlsError as error:
        raise click.ClickException(str(error)) from None
    zone = loaded.server.zone
    echo(f"certificate  {certificate}")
    echo(f"for          {', '.join(pair.names) or 'nobody'}")
    echo(f"by           {pair.issuer}")
    echo(f"valid        {when(pair.starts_us, zone)} to {when(pair.ends_us, zone)}")
    echo(f"SHA-256      {pair.fingerprint}")
    for warning in warnings_of(pair, key, now_us=time.time_ns() // 1000):
        echo(f"warning: {warning}", err=True)
