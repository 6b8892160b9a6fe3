"""The one way in which commands print: whatever a text holds, a terminal is given nothing but printable characters.

Invariant: no other module of the command line prints by itself (a test looks). Texts of people and cameras that are
older than the rules of ``storage/texts.py``, names of files, and words of other programs come this way too.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
from collections.abc import Iterable

import click

from storage.sentences import Sentence, sentence_of
from storage.texts import escaped, is_plain

__all__ = ["echo", "raw", "safe_json", "spoken", "terminal_language"]


def echo(text: object = "", *, err: bool = False, nl: bool = True, keep: str = "") -> None:
    """Prints a line. Line ends in it are escaped as well, unless ``keep`` has them: they are the program's own then."""
    click.echo(escaped(str(text), keep=keep), err=err, nl=nl)


def spoken(said: BaseException | Sentence) -> str:
    """What an error says, in the language of the terminal."""
    from nvr.texts import say

    return say(said if isinstance(said, Sentence) else sentence_of(said), terminal_language())


def terminal_language() -> str:
    """The language of ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``; English if it is none of ours."""
    from nvr.texts import accepted

    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return accepted(locale.replace("_", "-"))


def raw(pieces: Iterable[bytes]) -> None:
    """Writes what is for programs (CSV, reports) to the standard output: byte for byte, but to a terminal as ``echo``
    would."""
    if not sys.stdout.isatty():
        out = sys.stdout.buffer
        for piece in pieces:
            out.write(piece)
        out.flush()
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        echo(decoder.decode(piece), nl=False, keep="\r\n\t")
    echo(decoder.decode(b"", True), nl=False, keep="\r\n\t")


def safe_json(value: object, *, indent: int | None = None) -> str:
    """The value as JSON that can be shown: what ``echo`` would escape is written as JSON escapes it, so that programs
    read the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    if text.isascii() and text.isprintable():
        return text
    return re.sub(r"[^\n -~]", lambda found: found[0] if is_plain(found[0]) else json.dumps(found[0])[1:-1], text)
