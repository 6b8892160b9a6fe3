"""Values that parsers, handlers and databases stumble over: JSON of any depth, numbers at every edge, texts with
controls, headers. Each generator is a function of ``random.Random``."""

from __future__ import annotations

import json
import random
from typing import Any, Final

__all__ = ["NUMBERS", "TEXTS", "bounded", "json_body", "mutated", "text"]

NUMBERS: Final = (
    "0", "-1", "1", "-0", "127", "2147483648", "9007199254740992", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999", "1e999", "-1e999", "1e-999", "0.1", "1.", ".5", "01", "0x10", "NaN", "Infinity", "1e",
    "9" * 39, "9" * 41, "9" * 5000,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "x", "gate", "hall", "none", "*", "..", "../../etc/passwd", "%2e%2e%2f", "a" * 63, "a" * 64, "a" * 5000,
    "\x00", "a\x00b", "\x1b[2J", "\r\n", "\u202e", "\u2028",
    "\ufeff", "\ud800", "\U0001f6a8", "é", "e\u0301", "'", '"', "' OR 1=1 --", "\\", "{}", "[]", "null", "true", "-1",
    "0", "NaN", "=1+1", "@x", "${x}", "{{7*7}}",
    "<script>alert(1)</script>", "2026-11-23T14:00:00Z", "2026-11-23T14:10:00Z", "2026-11-23T14:00:00",
    "1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "2026-11-23T24:00:00+99:99", "district=north", "district=", "=|,&(",
    "yes", "no", "admin", "viewer", "ines", "1:abc",
)  # fmt: skip


def bounded(name: str, value: str, to: str = "1") -> str:
    """The value of a parameter, or ``to`` in the place of seconds for which an answer would be sent."""
    try:
        asked = float(value)
    except ValueError:
        return value
    return to if name == "seconds" and 1 < asked <= 3_600 else value


def text(rng: random.Random) -> str:
    """A text: one of those known to hurt, or any characters."""
    if rng.random() < 0.7:
        return rng.choice(TEXTS)
    return "".join(
        chr(rng.choice((rng.randrange(32), rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000))))
        for _ in range(rng.randrange(40))
    )


def _json(rng: random.Random, depth: int) -> str:
    kind = rng.randrange(8 if depth else 5)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind in (1, 2):
        return json.dumps(text(rng), ensure_ascii=rng.random() < 0.8)
    if kind in (3, 4):
        return rng.choice(("null", "true", "false", '"\\u0000"', '"\\ud800"', '"\\x"', "nul", ""))
    inner = [_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 5:
        return "[" + ",".join(inner) + "]"
    return "{" + ",".join(f"{json.dumps(text(rng))}:{value}" for value in inner) + "}"


def json_body(rng: random.Random) -> bytes:
    """Something like JSON, or something that is none."""
    kind = rng.randrange(10)
    if kind == 0:
        depth = rng.choice((1, 15, 16, 17, 100, 1000, 50_000))
        opening = rng.choice(("[", '{"a":', '[{"a":'))
        return (opening * depth + ("]" * depth if rng.random() < 0.5 else "")).encode()
    if kind == 1:
        return rng.randbytes(rng.randrange(200))
    if kind == 2:
        count = rng.choice((10, 1000, 60_000))
        return ("[" + ",".join(rng.choice(("1", '"x"', "{}", "[]")) for _ in range(count)) + "]").encode()
    if kind == 3:
        return b'"' + rng.choice((b"a", b'\\"', b"\\u0000", b"\xff", b"\\")) * rng.choice((1, 1000, 100_000)) + b'"'
    return _json(rng, rng.randrange(5)).encode("utf-8", "surrogatepass")


def mutated(rng: random.Random, body: Any) -> bytes:
    """A body of the right shape, with one or two values that are not."""
    places: list[list[Any]] = []

    def walk(value: Any, place: list[Any]) -> None:
        places.append(place)
        for key, inner in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            walk(inner, [*place, key])

    walk(body, [])

    def put(value: Any, place: list[Any]) -> Any:
        if not place:
            return "<here>"
        copied = value.copy()
        copied[place[0]] = put(value[place[0]], place[1:])
        return copied

    made = json.dumps(put(body, rng.choice(places)))
    return made.replace('"<here>"', _json(rng, 2)).encode("utf-8", "surrogatepass")
