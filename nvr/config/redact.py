"""Removing credentials from text: log lines, error messages, whatever a person may see.

Safe rather than sparing: where a text can be read in two ways, what may be a password goes, even if a host name goes
with it. ``redact`` finds credentials by their place in a URL; ``Redactor`` also removes secrets it was told.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from nvr.config.disguises import Disguises

__all__ = ["MASK", "Redactor", "redact", "url_secrets"]

MASK = "***"

_ALWAYS = r"pass|passwd|passwort|password|passphrase|pwd|psw|auth|authorization|token|secret|apikey|api_key"
_IN_URLS = rf"{_ALWAYS}|user|username|usr|userid|login|account|key|sig|signature|session|sid"

_URL = re.compile(r"://(\S+)")
# A key counts with any prefix (accessToken) and wherever it stands, since some cameras take their credentials in the
# path (/user=admin_password=…_channel=1). Its value ends only where no password can go on unencoded.
_URL_KEY = re.compile(rf"((?:{_IN_URLS})=)[^&\s]*", re.IGNORECASE)
_TEXT_KEY = re.compile(rf"((?:{_ALWAYS})=)[^&\s]+", re.IGNORECASE)
_QUOTED_KEY = re.compile(
    rf"""(["'][a-z_-]*?(?:{_ALWAYS})["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b((?:proxy-)?authorization\s*:\s*(?:basic|digest|bearer))\s[^\r\n]*", re.IGNORECASE)

# What answers a challenge, wherever it is repeated.
_BASIC = re.compile(r"\b(basic\s+)[A-Za-z0-9+/_-]{8,}={0,2}", re.IGNORECASE)
_DIGEST = re.compile(r"\b(digest\s+)\w+\s*=[^\r\n]*", re.IGNORECASE)
_ANSWER = re.compile(r"""\b((?:response|cnonce)\s*=\s*)["']?[^"',\s]+["']?""", re.IGNORECASE)
_HASH = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,64}(?![0-9A-Za-z])")
# Words in which a secret may be encoded.
_PERCENT = re.compile(r"\S*%[0-9A-Fa-f]{2}\S*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}")

# Of what a camera says; nobody reads more, and a camera may say megabytes.
_MOST_SAID: Final = 4_000

# A password of one to three characters stands in half of all words; it is removed only where it is a word.
_SHORT = 4


def _redact_url(match: re.Match[str]) -> str:
    run = match[1]
    last_at = run.rfind("@")
    first_key = _URL_KEY.search(run)
    if first_key and first_key.start() < last_at:
        # Is the @ part of a value, or the key part of a password? Nothing of it is safe to show.
        return f"://{MASK}"
    if last_at >= 0:
        run = MASK + run[last_at:]
    return "://" + _URL_KEY.sub(rf"\1{MASK}", run)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without userinfo of URLs, without values of keys that hold credentials, and without the secrets.

    For many texts and the same secrets keep a ``Redactor``.
    """
    return Redactor(secrets)(text)


def url_secrets(url: str) -> list[str]:
    """Values of the keys in a URL that hold credentials, as they stand there and decoded."""
    found = {value for match in _URL_SECRET.finditer(url) for value in (match[1], re.split(r"[_/;,.]", match[1])[0])}
    return sorted({form for value in found if value for form in (value, unquote(value))})


_URL_SECRET: Final = re.compile(rf"(?:{_ALWAYS}|key|sig|signature)=([^&\s]*)", re.IGNORECASE)


class Redactor:
    """Removes credentials and a set of known secrets, however those are written: plain, escaped, percent-encoded, in
    base64 (with or without a user before it) or hexadecimal digits. With ``hashes``, for what a camera says, every long
    number in hexadecimal goes too: it may be its answer to a challenge; so do the secrets in disguise
    (``nvr.config.disguises``), and what is beyond 4,000 characters.

    A text costs the same whether it knows one secret or ten thousand, but for disguises.
    """

    def __init__(self, secrets: Iterable[str] = (), *, hashes: bool = False) -> None:
        self._hashes = hashes
        self._disguises = Disguises()
        # By their first characters, the longest first.
        self._long: dict[str, list[str]] = {}
        self._short: dict[str, re.Pattern[str]] = {}
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds secrets. Texts redacted from now on don't hold them."""
        secrets = list(secrets)
        if self._hashes:
            self._disguises.learn(secret for secret in secrets if secret.strip("*"))
        for form in {form for secret in secrets if secret.strip("*") for form in _forms(secret)}:
            if len(form) < _SHORT:
                self._short.setdefault(form, re.compile(rf"(?<!\w){re.escape(form)}(?!\w)"))
                continue
            known = self._long.setdefault(form[:_SHORT], [])
            if form not in known:
                known.append(form)
                known.sort(key=len, reverse=True)

    def __call__(self, text: str) -> str:
        if self._hashes and len(text) > _MOST_SAID:
            text = f"{text[:_MOST_SAID]}…"
        if self._long or self._short:
            text = self._without_encoded(text)
            text = self._without_known(text)
        text = _HEADER.sub(rf"\1 {MASK}", text)
        text = _DIGEST.sub(rf"\1{MASK}", _BASIC.sub(rf"\1{MASK}", text))
        text = _ANSWER.sub(rf"\1{MASK}", text)
        if self._hashes:
            text = _without(text, self._disguises.found(text))
            text = _HASH.sub(MASK, text)
        text = _QUOTED_KEY.sub(rf'\1"{MASK}"', text)
        text = _URL.sub(_redact_url, text)
        return _TEXT_KEY.sub(rf"\1{MASK}", text)

    def _without_known(self, text: str) -> str:
        text = _without(text, self._found(text))
        for pattern in self._short.values():
            text = pattern.sub(MASK, text)
        return text

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand; those that overlap or touch are one, so that none survives in part."""
        found: list[tuple[int, int]] = []
        if not self._long:
            return found
        for at in range(len(text) - _SHORT + 1):
            for form in self._long.get(text[at : at + _SHORT], ()):
                if text.startswith(form, at):
                    if found and at <= found[-1][1]:
                        found[-1] = (found[-1][0], max(found[-1][1], at + len(form)))
                    else:
                        found.append((at, at + len(form)))
                    break
        return found

    def _without_encoded(self, text: str) -> str:
        def masked(decode: Callable[[str], Iterable[str]]) -> Callable[[re.Match[str]], str]:
            return lambda match: MASK if any(map(self._is_in, decode(match[0]))) else match[0]

        if "%" in text:
            text = _PERCENT.sub(masked(_percent), text)
        text = _HEX.sub(masked(_hexadecimal), text)
        return _BASE64.sub(masked(_base64), text)

    def _is_in(self, decoded: str) -> bool:
        return bool(self._found(decoded)) or any(decoded.endswith(f":{secret}") for secret in self._short)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, stop in spans:
        parts += (text[at:start], MASK)
        at = stop
    return "".join((*parts, text[at:])) if parts else text


def _percent(word: str) -> list[str]:
    once = unquote(word)
    return [once, unquote_plus(word), unquote(once)]


def _hexadecimal(word: str) -> list[str]:
    return [bytes.fromhex(word).decode("utf-8", "replace")]


def _base64(word: str) -> list[str]:
    plain = word.rstrip("=").replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        return []
    try:
        return [base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("utf-8", "replace")]
    except (binascii.Error, ValueError):
        return []


def _forms(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote(secret, safe="!$&'()*+,;="),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
