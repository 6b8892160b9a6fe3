"""Cameras as the text of a CSV file that can be imported again. Pure.

Passwords are left out unless they are asked for, and so is whatever else of a URL may be secret.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from nvr.cameras.csv_table import LABEL_PREFIX, SETTINGS
from nvr.config import format_duration, redact
from nvr.texts.cells import csv_cell
from storage.catalogue.cameras import Camera
from storage.catalogue.selection import KNOWN_LABELS

__all__ = ["write"]

_DURATIONS: Final = ("stall_timeout", "expected_interval", "max_age", "min_age")


def write(found: Iterable[Camera], *, with_passwords: bool = False) -> str:
    """The table; every label that one of the cameras has is a column, and so is each known one."""
    rows = list(found)
    others = sorted({name for row in rows for name in row.labels} - set(KNOWN_LABELS))
    settings = [name for name in SETTINGS if with_passwords or name != "password"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*settings, *KNOWN_LABELS, *(f"{LABEL_PREFIX}{name}" for name in others)])
    for row in rows:
        cells = [_setting(row, name, with_passwords) for name in settings]
        cells += [row.labels.get(name, "") for name in (*KNOWN_LABELS, *others)]
        writer.writerow([csv_cell(cell, numbers=True) for cell in cells])
    return text.getvalue()


def _setting(row: Camera, name: str, with_passwords: bool) -> str:
    if name in ("id", "name"):
        return str(getattr(row, name))
    if name in _DURATIONS:
        value: Any = row.settings.get(f"{name}_us")
        return "" if value is None else format_duration(value)
    value = row.settings.get(name)
    if name == "audio":
        return "yes" if value else "no"
    if name in ("url", "live_url") and not with_passwords:
        return redact(str(value or ""))
    return "" if value is None else str(value)
