"""Devices as a CSV table, to be looked through in a spreadsheet, and back: where an id stands in the column ``camera``,
the device is to become that camera. Pure.

A line is a picture: a recorder has several. What comes back counts only in the columns ``device``, ``source``,
``camera``, ``name`` and those of labels; a table that only few columns were left of will do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

from nvr.cameras import LineError
from nvr.cameras.csv_table import LABEL_PREFIX
from nvr.devices.adding import Wanted
from nvr.devices.findings import words_of
from nvr.devices.onvif.facts import VideoProfile
from nvr.devices.rows import FoundDevice
from nvr.texts import say
from nvr.texts.cells import cell_text, csv_cell
from storage.catalogue.selection import KNOWN_LABELS
from storage.sentences import Sentence

__all__ = ["read_table", "write_table"]

_OWN: Final = ("device", "source", "camera", "name")
_FACTS: Final = (
    "address", "port", "manufacturer", "model", "firmware", "serial", "mac", "login", "clock_offset_s", "codec",
    "width", "height", "frame_rate", "keyframe_s", "bitrate_bps", "sub_codec", "sub_width", "sub_height",
    "sub_frame_rate", "sub_bitrate_bps", "missing", "findings",
)  # fmt: skip
_MOST_CHARACTERS: Final = 20_000_000


def write_table(devices: Sequence[FoundDevice], cameras: Mapping[tuple[str, str], str], language: str) -> str:
    """The table. ``cameras``: which camera records a device's picture, by the ids of both."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*_OWN, *_FACTS, *KNOWN_LABELS])
    for device in devices:
        facts = device.facts
        found = [profile for profile in facts.profiles if profile.use == "main"]
        mains: Sequence[VideoProfile | None] = found or [None]
        for main in mains:
            source = main.source if main is not None else ""
            sub = next((one for one in facts.profiles if one.use == "sub" and one.source == source), None)
            cells = [device.id, source, cameras.get((device.id, source), ""), ""]
            cells += [facts.address, str(facts.port), facts.manufacturer, facts.model, facts.firmware, facts.serial]
            cells += [facts.mac, facts.login, _number(facts.clock_offset_s)]
            cells += _video(main, with_group=True) + _video(sub, with_group=False)
            cells += ["yes" if device.missing_us is not None else "no"]
            cells += ["; ".join(say(words_of(one), language) for one in facts.findings)]
            writer.writerow([csv_cell(cell, numbers=True) for cell in cells] + [""] * len(KNOWN_LABELS))
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _video(profile: VideoProfile | None, *, with_group: bool) -> list[str]:
    if profile is None:
        return [""] * (6 if with_group else 5)
    cells = [profile.codec, str(profile.width), str(profile.height), _number(profile.frame_rate)]
    cells += [_number(profile.keyframe_s)] if with_group else []
    return [*cells, "" if profile.bitrate_bps is None else str(profile.bitrate_bps)]


def read_table(text: str) -> tuple[list[Wanted], list[LineError]]:
    """The lines that name a camera, and every mistake."""
    if len(text) > _MOST_CHARACTERS:
        return [], [LineError(1, "", Sentence("the table is too large"))]
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    wanted: list[Wanted] = []
    errors: list[LineError] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        columns = [cell.strip() for cell in next(reader, [])]
        known = {"", *_OWN, *_FACTS, *KNOWN_LABELS}
        missing = [name for name in ("device", "camera") if name not in columns]
        odd = [name[:100] for name in columns if name not in known and not name.startswith(LABEL_PREFIX)]
        errors += [LineError(1, name, Sentence("this column is missing")) for name in missing]
        errors += [LineError(1, name, Sentence("unknown column")) for name in odd]
        if errors:
            return [], errors
        for cells in reader:
            values = {name: cell_text(cell.strip()) for name, cell in zip(columns, cells, strict=False) if name}
            if not values.get("device") or not values.get("camera"):
                continue
            labels = {
                name.removeprefix(LABEL_PREFIX): value
                for name, value in values.items()
                if value and (name in KNOWN_LABELS or name.startswith(LABEL_PREFIX))
            }
            own = [values.get(name, "") for name in ("device", "camera", "source", "name")]
            wanted.append(Wanted(reader.line_num, own[0], own[1], own[2], own[3], labels))
    except csv.Error as error:
        errors.append(LineError(1, "", Sentence("is not CSV: {error}", error=str(error))))
    return wanted, errors
