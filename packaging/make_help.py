"""The guides as the page shows them, without a network: ``nvr/web/public/help.json``, and their pictures beside it.

Part of building the page (``make``). Invariant: every link in it leads to a page and a heading of it, or out of it by
https; of what is not in it (the design, sources) the words stay and the link goes.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["made", "slug"]

_TOP: Final = Path(__file__).parent.parent
_DOCS: Final = _TOP / "docs"
_OUT: Final = _TOP / "nvr/web/public"
# The books first, then by name; what only those who work on nvr read is left out.
_FIRST: Final = ("operators-book", "buku-operator", "getting-started", "install")
_LEFT_OUT: Final = frozenset({"reference-nightly"})
_LANGUAGES: Final = {"buku-operator": "id"}
# Of the browser's own pages a link may lead out, of ours to nowhere else.
_OUTSIDE: Final = re.compile(r"https://")


def slug(text: str) -> str:
    """The anchor of a heading, as forges have it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _names() -> dict[PurePosixPath, str]:
    """By path below ``docs``, the name that a page has."""
    found = {PurePosixPath("guide", path.name): path.stem for path in (_DOCS / "guide").glob("*.md")}
    found |= {
        PurePosixPath("reference", path.name): f"reference-{path.stem}" for path in (_DOCS / "reference").glob("*.md")
    }
    return {path: name for path, name in found.items() if name not in _LEFT_OUT}


def _target(link: str, page: PurePosixPath, names: dict[PurePosixPath, str]) -> str | None:
    """Where a link of a page leads to; None: nowhere."""
    if _OUTSIDE.match(link):
        return link
    path, _, anchor = link.partition("#")
    parts: list[str] = []
    for part in (page.parent / path).parts if path else page.parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    name = names.get(PurePosixPath(*parts))
    return None if name is None else f"#/help/{name}" + (f"?at={anchor}" if anchor else "")


def _walk(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or ())


def _linked(tokens: list[Token], page: PurePosixPath, names: dict[PurePosixPath, str], pictures: set[str]) -> None:
    gone = []
    for token in _walk(tokens):
        if token.type == "link_open":
            target = _target(str(token.attrs["href"]), page, names)
            gone.append(target is None)
            if target is None:
                token.tag, token.attrs = "span", {}
            elif target.startswith("#"):
                token.attrs = {"href": target}
            else:
                token.attrs = {"href": target, "rel": "noopener noreferrer", "target": "_blank"}
        elif token.type == "link_close" and gone.pop():
            token.tag = "span"
        elif token.type == "image":
            name = PurePosixPath(str(token.attrs["src"])).name
            pictures.add(name)
            token.attrs = {"src": f"help-{name}", "alt": token.content, "loading": "lazy"}
        elif token.type == "fence":
            token.info = token.info.split(" ")[0]
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(_text(tokens[at + 1])))


def _text(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


def made() -> tuple[list[dict[str, str]], set[str]]:
    """The pages, and the names of the pictures that they show."""
    markdown, names, pictures = MarkdownIt("commonmark").enable("table"), _names(), set[str]()
    pages = []
    for path, name in names.items():
        tokens = markdown.parse((_DOCS / path).read_text(encoding="utf-8"))
        _linked(tokens, path, names, pictures)
        title = next(_text(tokens[at + 1]) for at, token in enumerate(tokens) if token.tag == "h1")
        html = markdown.renderer.render(tokens, markdown.options, {})
        pages.append({"name": name, "lang": _LANGUAGES.get(name, "en"), "title": title, "html": html})
    order = {name: number for number, name in enumerate(_FIRST)}
    return sorted(pages, key=lambda page: (order.get(page["name"], len(order)), page["name"])), pictures


def main() -> None:
    """The command."""
    pages, pictures = made()
    for old in _OUT.glob("help*"):
        old.unlink()
    for name in sorted(pictures):
        shutil.copyfile(_DOCS / "images" / name, _OUT / f"help-{name}")
    (_OUT / "help.json").write_text(json.dumps({"pages": pages}, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
