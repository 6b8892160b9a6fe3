"""Secrets that a command asks for: from a file, else typed; never from the command line, which every user of the
machine can read."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.terminal import echo

__all__ = ["first_line", "passphrase_of"]


def first_line(path: Path) -> str:
    """The first line of a file with a secret; says so if others can read it.

    Raises:
        click.ClickException: it can't be read, or holds none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.stat().st_mode & 0o004:
            echo(
                f"warning: {path} holds a secret and every user of this machine can read it: chmod o-rwx {path}",
                err=True,
            )
    except OSError as error:
        raise click.ClickException(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{path} is no text in UTF-8") from None
    line = text.split("\n")[0].rstrip("\r")
    if not line:
        raise click.ClickException(f"the first line of {path} is empty; write the secret there")
    return line


def passphrase_of(path: Path | None, *, new: bool) -> str:
    """A passphrase: the file's first line, or typed (``new``: twice)."""
    if path is not None:
        return first_line(path)
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True))
