"""Removing credentials from text: log lines, error messages, whatever a person may see.

Safe rather than sparing: where a text can be read in two ways, what may be a password goes, even if a host name goes
with it. ``redact`` finds credentials by their place in a URL; ``Redactor`` also removes secrets it was told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Redactor", "redact"]

MASK = "***"

_ALWAYS = r"pass|passwd|passwort|password|passphrase|pwd|psw|auth|authorization|token|secret|apikey|api_key"
_IN_URLS = rf"{_ALWAYS}|user|username|usr|userid|login|account|key|sig|signature|session|sid"

_URL = re.compile(r"://(\S+)")
# A key counts with any prefix (accessToken) and wherever it stands, since some cameras take their credentials in the path
# (/user=admin_password=…_channel=1). Its value ends only where no password can go on unencoded.
_URL_KEY = re.compile(rf"((?:{_IN_URLS})=)[^&\s]*", re.IGNORECASE)
_TEXT_KEY = re.compile(rf"((?:{_ALWAYS})=)[^&\s]+", re.IGNORECASE)
_QUOTED_KEY = re.compile(
    rf"""(["'][a-z_-]*?(?:{_ALWAYS})["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b((?:proxy-)?authorization\s*:\s*(?:basic|digest|bearer))\s[^\r\n]*", re.IGNORECASE)

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


class Redactor:
    """Removes credentials and a set of known secrets, however those are written (raw, percent-encoded, escaped)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._long: list[str] = []
        self._short: list[re.Pattern[str]] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds secrets. Texts redacted from now on don't hold them."""
        forms = {form for secret in secrets if secret.strip("*") for form in _forms(secret)}
        # Longest first: a secret that contains another must not survive in part.
        long = {form for form in forms if len(form) >= _SHORT} | set(self._long)
        self._long = sorted(long, key=len, reverse=True)
        self._short += [re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") for form in forms if len(form) < _SHORT]

    def __call__(self, text: str) -> str:
        for form in self._long:
            if form in text:
                text = text.replace(form, MASK)
        for pattern in self._short:
            text = pattern.sub(MASK, text)
        text = _HEADER.sub(rf"\1 {MASK}", text)
        text = _QUOTED_KEY.sub(rf'\1"{MASK}"', text)
        text = _URL.sub(_redact_url, text)
        return _TEXT_KEY.sub(rf"\1{MASK}", text)


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
