"""XML from a device, which is hostile input: read by local names, bounded in size, depth and number of elements, and
without any DTD.

Reads with the standard library's expat, and not with a library on top of it: what is dangerous in XML needs a DTD, and
the first sign of one ends the reading here, before expat expands anything. Prefixes are not looked up, since devices
use some that they never declare. Invariant: what is returned came from at most ``MOST_BYTES`` of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

__all__ = ["MOST_BYTES", "XmlError", "XmlNode", "read_xml"]

MOST_BYTES: Final = 1 << 20
# A list of profiles is about twelve deep, and a recorder of 64 channels has some 20,000 elements.
_MOST_DEPTH: Final = 64
_MOST_NODES: Final = 50_000
_PIECE_BYTES: Final = 16 << 10


class XmlError(ValueError):
    """A device's answer is no XML that is read here; the message says why."""


class XmlNode:
    """An element. Names, of attributes too, are without their prefix; ``namespace`` is what its prefix was declared to
    be, empty if it never was."""

    __slots__ = ("attributes", "children", "name", "namespace", "parts")

    def __init__(self, name: str, attributes: dict[str, str], namespace: str = "") -> None:
        self.name = name
        self.attributes = attributes
        self.namespace = namespace
        self.children: list[XmlNode] = []
        # As they came: comments may cut a text into any number of them.
        self.parts: list[str] = []

    @property
    def text(self) -> str:
        """All text of this element itself."""
        return "".join(self.parts)

    def find(self, *path: str) -> XmlNode | None:
        """The first element along the path, each a child of the one before."""
        node: XmlNode | None = self
        for name in path:
            node = next((child for child in node.children if child.name == name), None) if node is not None else None
        return node

    def every(self, name: str) -> list[XmlNode]:
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def said(self, *path: str) -> str:
        """The text of the element along the path, without spaces around it; empty if there is none."""
        node = self.find(*path)
        return "" if node is None else node.text.strip()

    def number(self, *path: str) -> float | None:
        """The number along the path; None if there is none, or none that is finite."""
        try:
            value = float(self.said(*path))
        except ValueError:
            return None
        return value if abs(value) < 1e12 else None

    def anywhere(self, name: str) -> XmlNode | None:
        """The first element of this name, itself included, in the order of the text."""
        return next((node for node in self.walk() if node.name == name), None)

    def written(self) -> str:
        """The element as XML again, without its attributes."""
        inner = escape("".join(self.parts)) + "".join(child.written() for child in self.children)
        return f"<{self.name} xmlns={quoteattr(self.namespace)}>{inner}</{self.name}>"

    def walk(self) -> Iterator[XmlNode]:
        """This element and all below it, in the order of the text."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _prefix_declared(key: str) -> str:
    return key.partition(":")[2]


def read_xml(text: bytes) -> XmlNode:
    """The root element of a text.

    Raises:
        XmlError: it is too large or too deep, has a DTD, or is no XML.
    """
    if len(text) > MOST_BYTES:
        raise XmlError(f"the answer has more than {MOST_BYTES} bytes")
    root = XmlNode("", {})
    open_ = [root]
    # Namespaces by prefix, of each element that is open.
    declared: list[dict[str, str]] = [{}]
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_) > _MOST_DEPTH:
            raise XmlError("the answer is nested too deeply")
        if count > _MOST_NODES:
            raise XmlError("the answer has too many elements")
        own = {_prefix_declared(key): value for key, value in attributes.items() if key.startswith("xmlns")}
        declared.append({**declared[-1], **own} if own else declared[-1])
        namespace = declared[-1].get(name.rpartition(":")[0], "")
        node = XmlNode(_local(name), {_local(key): value for key, value in attributes.items()}, namespace)
        open_[-1].children.append(node)
        open_.append(node)

    def end(_: str) -> None:
        open_.pop()
        declared.pop()

    def characters(data: str) -> None:
        open_[-1].parts.append(data)

    def refuse(*_: object) -> None:
        raise XmlError("the answer has a DTD, which no device needs")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    text = text.strip(b" \t\r\n\0")
    try:
        for at in range(0, len(text), _PIECE_BYTES):
            parser.Parse(text[at : at + _PIECE_BYTES], False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise XmlError(f"the answer is no XML: {expat.ErrorString(error.code)}") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, XmlError):
            raise
        raise XmlError("the answer has an unknown encoding") from None
    if not root.children:
        raise XmlError("the answer is empty")
    return root.children[0]
