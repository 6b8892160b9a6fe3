"""THIRD-PARTY.md: what a wheel of nvr carries of others, with their licences, and what is installed along with it:
``python -m tests.third_party --write``.

Belongs here: making the page of the locks and of what npm installed. Invariant: it names no versions, so that it
changes only when a part comes or goes, or changes its licence; versions and hashes are the SBOM's (``make sbom``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.supply import licence_of, parts, read_lock

__all__ = ["PAGE", "made"]

_TOP: Final = Path(__file__).parent.parent
PAGE: Final = _TOP / "THIRD-PARTY.md"
_HEAD: Final = """\
# What nvr carries and stands on

nvr itself is under the Apache License 2.0 ([LICENSE](LICENSE)). Made by `python -m tests.third_party --write`;
versions and hashes: `make sbom`.
"""
_EXTENSION: Final = """
## In the wheel's extension

Linked into `nvr/nvr_packets.abi3.so`, which a wheel has that was built where cargo is; where there is a choice, under
the Apache License 2.0 ([LICENSE](LICENSE)).

| crate | licence |
| --- | --- |
"""
_INSTALLED: Final = """
## Installed along with it

Not in the wheel or the sdist: pip installs these beside it, each with its own licence texts. **Who delivers an
installed nvr (a machine, a Debian package, an image) delivers them too**: PyAV's wheel is linked with x264 and x265,
which are under the GPL, version 2 or later ([what follows](docs/design/dependencies.md#under-the-gpl)).

| package | licence |
| --- | --- |
"""
_EXTRAS: Final = """
With its extras, which a Debian package and an image have:

| package | licence | extra |
| --- | --- | --- |
"""


def _page_licences(top: Path) -> Iterator[tuple[str, str, str]]:
    """Name, licence, and its text, of what is built into the page."""
    for part in parts(top):
        if part.purl.startswith("pkg:npm/"):
            folder = top / "nvr/web/node_modules" / part.name
            text = next((path for path in sorted(folder.glob("LICEN*")) if path.is_file()), None)
            yield part.name, part.licence, "" if text is None else text.read_text(encoding="utf-8")


def made(top: Path = _TOP) -> str:
    """The page as it has to be now. Needs what ``make setup`` installs for the page."""
    text = _HEAD + "\n## In the wheel and the sdist\n"
    carried = [*_page_licences(top)]
    fonts = (top / "nvr/documents/fonts/LICENSE.txt").read_text(encoding="utf-8")
    carried.append(("DejaVu Sans Condensed", "Bitstream Vera and DejaVu changes", fonts))
    for name, licence, words in carried:
        lines = "\n".join(line.rstrip() for line in words.strip().splitlines())
        text += f"\n### {name}: {licence}\n\n```\n{lines}\n```\n"
    text += _EXTENSION
    for part in parts(top):
        if part.purl.startswith("pkg:cargo/"):
            text += f"| {part.name} | {part.licence} |\n"
    text += _INSTALLED
    names = {one.name for one in read_lock(top / "requirements/runtime.txt") if "win32" not in one.marker}
    for name in sorted(names):
        text += f"| {name} | {licence_of(name)} |\n"
    text += _EXTRAS
    for extra in ("fleet", "s3"):
        theirs = {one.name for one in read_lock(top / f"requirements/{extra}.txt") if "win32" not in one.marker}
        for name in sorted(theirs - names):
            text += f"| {name} | {licence_of(name)} | `nvr[{extra}]` |\n"
    carried_by_wheels = {part.name: part.licence for part in parts(top) if part.purl.startswith("pkg:generic/")}
    text += "\nWithin those wheels, or beside them:\n\n| library | licence |\n| --- | --- |\n"
    for name, licence in sorted(carried_by_wheels.items()):
        text += f"| {name} | {licence} |\n"
    return text


def main() -> None:
    if "--write" in sys.argv[1:]:
        PAGE.write_text(made(), encoding="utf-8")
    else:
        print(made())


if __name__ == "__main__":
    main()
