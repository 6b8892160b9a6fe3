from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config.locate import Locator

_DOCUMENT = '''\
# [server]
top = 1
[server]            # line 3
host = "a # b" # c
"quoted key" = 1
text = """
[camera]
port = 1 \\"""
"""
raw = \'\'\'
x = 2\'\'\'
port = 8080         # line 12
[storage]
roots = [           # [[
  "one",

  # "two",
  "three", ]
inline = { a = [ 1,
  2 ], b.c = "}" }
[[camera]]          # line 21
id = "a"
labels.district = "x"
[camera.labels]
owner = "y"
[[camera]]
id = 'b'
[[camera.part]]
n = 1
[[camera.part]]
n = 2
[ deep . "er" ]
x = 1979-05-27 07:32:00
last = [[1], [2, [3]]]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("server",), 3),
        (("server", "host"), 4),
        (("server", "quoted key"), 5),
        (("server", "text"), 6),
        (("server", "raw"), 10),
        (("server", "port"), 12),
        (("storage", "roots"), 14),
        (("storage", "roots", 0), 15),
        (("storage", "roots", 1), 18),
        (("storage", "inline", "a", 1), 20),
        (("storage", "inline", "b", "c"), 20),
        (("camera",), 21),
        (("camera", 0), 21),
        (("camera", 0, "labels", "district"), 23),
        (("camera", 0, "labels", "owner"), 25),
        (("camera", 1), 26),
        (("camera", 1, "id"), 27),
        (("camera", 1, "part", 0, "n"), 29),
        (("camera", 1, "part", 1, "n"), 31),
        (("deep", "er", "x"), 33),
        (("deep", "er", "last", 1, 1, 0), 34),
        (("camera", 1, "url"), 26),
        (("server", "zone", "x"), 3),
        (("nowhere",), 0),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    document = _DOCUMENT.replace("labels.district", "tags.district") if path[-1] == "owner" else _DOCUMENT
    assert Locator(document).line(path) == line


_KEYS = st.text("abc-_ .\"'", min_size=1, max_size=3)
_TEXTS = st.text("a\"'\\#[]{}=,\n ", max_size=6)
_VALUES = st.recursive(
    st.integers() | st.booleans() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


def _key(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""\n{escaped}"""' if "\n" in value else f'"{escaped}"'
    if isinstance(value, list):
        return "[ # ]\n" + "".join(f"{_value(item)},\n" for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return str(value)


@given(st.lists(st.dictionaries(_KEYS, _VALUES, max_size=3), max_size=4))
def test_every_key_of_any_document(tables: list[dict[str, Any]]) -> None:
    """Each key is written on a line that the test counts, and found on that line."""
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for index, table in enumerate(tables):
        lines.append("[[t]]")
        expected["t", index] = len(lines)
        for key, value in table.items():
            expected["t", index, key] = len(lines) + 1
            lines += f"{_key(key)} = {_value(value)}".split("\n")
    text = "\n".join(lines)
    assert tomllib.loads(text).get("t", []) == tables
    locator = Locator(text)
    assert {path: locator.line(path) for path in expected} == expected
