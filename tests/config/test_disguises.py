"""A camera may say its login in other letters; whatever else it says stays."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nvr.config.redact import MASK, Redactor

PASSWORD = "Zq9/v+W%xLong"


def each(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(char)) for char in text)


def b64(text: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}root:{text}{after}".encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "small letters": str.lower,
    "large letters": str.upper,
    "turned round": lambda text: text[::-1],
    "spaced": " ".join,
    "zeros between": "\0".join,
    "invisible marks between": "\u200b".join,
    "a comma in it": lambda text: f"{text[:6]},{text[6:]}",
    "of other widths": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "HTML": lambda text: html.escape(text).replace("/", "&#47;").replace("+", "&plus;"),
    "HTML, numbers": each("&#{};"),
    "HTML, hexadecimal": each("&#x{:x};"),
    "JSON": each("\\u{:04x}"),
    "JavaScript": each("\\x{:02x}"),
    "C": each("\\{:03o}"),
    "URL of old": each("%u{:04x}"),
    "quoted-printable": each("={:02X}"),
    "URL, three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "decimal numbers": each("{} "),
    "hexadecimal dump": lambda text: text.encode().hex(" "),
    "hexadecimal, colons": lambda text: text.encode().hex(":"),
    "hexadecimal after a digit": lambda text: "a" + text.encode().hex(),
    "base64 after letters": lambda text: "xyz" + b64(text),
    "base64, folded": lambda text: f"{b64(text)[:9]}\r\n {b64(text)[9:]}",
    "base64 of more": lambda text: b64(text, "a", "zz"),
    "base64 of more still": lambda text: b64(text, "ab", "zz"),
    "base64 twice": lambda text: base64.b64encode(b64(text).encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguised_secret_goes(name: str) -> None:
    said = DISGUISES[name](PASSWORD)
    found = Redactor([PASSWORD], hashes=True)(f"451 the camera says {said} and more")
    assert said not in found and MASK in found
    assert found.startswith("451 the camera says") and found.endswith(" and more")


@given(text=st.text(max_size=200), secret=st.text("abcXYZ019/+%", min_size=6, max_size=12))
def test_what_is_none_stays(text: str, secret: str) -> None:
    plain = Redactor([], hashes=True)(text)
    found = Redactor([secret], hashes=True)(text)
    assume(MASK not in found)
    assert found == plain


def test_what_a_camera_says_costs_little_however_long_it_is() -> None:
    found = Redactor([PASSWORD], hashes=True)("x&#" * 1_000_000)
    assert len(found) < 5_000
