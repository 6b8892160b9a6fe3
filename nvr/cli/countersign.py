"""``nvr countersign``: a second person's signature on a package."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.progress import progress_bar
from nvr.cli.terminal import echo, spoken

__all__ = ["countersign"]


@click.command()
@click.argument("package", type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Your private key, PEM.")
@click.option("--certificate", type=click.Path(path_type=Path), required=True, help="Its certificate, DER or PEM.")
@click.option("--remark", default="", help="A line that goes into the MP4s with the signature.")
@click.option("--encrypted", is_flag=True, help="Ask for the password of the key.")
@config_option
def countersign(package: Path, key: Path, certificate: Path, remark: str, encrypted: bool, config: Path) -> None:
    """Add your signature to a package's folder, or to one sealed MP4, after checking what is there. --config is not
    read."""
    from nvr.evidence.making.countersign import NotVerified
    from nvr.evidence.making.countersign import countersign as sign
    from nvr.evidence.seal.errors import EvidenceError
    from nvr.evidence.seal.signing import read_signer
    from nvr.evidence.verify.words import describe

    password = click.prompt("Password", hide_input=True, err=True).encode() if encrypted else None
    try:
        signer = read_signer(key.read_bytes(), certificate.read_bytes(), password)
        with progress_bar("verify") as progress:
            number = sign(package, signer, remark=remark, progress=progress)
    except NotVerified as error:
        for line in describe(error.report, "en"):
            echo(line, err=True)
        raise click.ClickException(spoken(error)) from None
    except (EvidenceError, ValueError) as error:
        raise click.ClickException(spoken(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    echo(f"signature {number} by {signer.certificate.subject}, certificate {signer.certificate.fingerprint}")
