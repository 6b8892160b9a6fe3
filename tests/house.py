"""The map of the house, made from the sources: ``python -m tests.house`` prints it, ``--write`` puts it into
CONTRIBUTING.md.

Belongs here: folding arrows between folders to one picture. Invariant: an arrow that follows from others is left out;
what is drawn is what is imported, which ``tests/test_imports.py`` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["PAGE", "picture", "put_into"]

PAGE: Final = Path(__file__).parent.parent / "CONTRIBUTING.md"
_BEGIN: Final = "```mermaid\n"
_END: Final = "```\n"


def _room(folder: str) -> str:
    """The second level: ``nvr.api.http`` is drawn as ``nvr.api``."""
    return ".".join(folder.split(".")[:2])


def _reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        room = waiting.pop()
        if room not in found:
            found.add(room)
            waiting.extend(graph[room])
    return found


def picture(arrows: Mapping[str, set[str]]) -> str:
    """A Mermaid flow chart of the rooms, from those that know most to those that know nothing of the others."""
    graph: dict[str, set[str]] = {}
    for folder, targets in arrows.items():
        rooms = graph.setdefault(_room(folder), set())
        rooms.update(_room(target) for target in targets)
    for room, targets in graph.items():
        targets.discard(room)
    lines = ["flowchart TD"]
    lines.extend(f'  {room.replace(".", "_")}["{room.replace(".", "/")}"]' for room in sorted(graph))
    for room in sorted(graph):
        further = set().union(*(_reach(graph, target) for target in graph[room])) if graph[room] else set()
        lines.extend(f"  {room.replace('.', '_')} --> {to.replace('.', '_')}" for to in sorted(graph[room] - further))
    return "\n".join(lines) + "\n"


def put_into(page: str, made: str) -> str:
    """The page with this picture in the place of its first one.

    Raises:
        ValueError: the page has no picture.
    """
    begin = page.index(_BEGIN) + len(_BEGIN)
    return page[:begin] + made + page[page.index(_END, begin) :]


def main() -> None:
    from tests.test_imports import arrows

    made = picture({folder: targets for folder, targets in arrows().items() if folder != "nvr"})
    if "--write" in sys.argv[1:]:
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
