"""What is told of an alert, in the language of the settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nvr.alerting.conditions import Kind
from nvr.texts import Formats
from storage.alerts import Row
from storage.causes import Cause

__all__ = ["Message", "compose"]

_MOST_CAMERAS = 40


@dataclass(frozen=True, slots=True)
class Message:
    """A line, and what there is to say beyond it."""

    subject: str
    text: str


def compose(row: Row, event: str, names: Mapping[str, str], formats: Formats) -> Message:
    """``names``: those of cameras. ``event``: ``opened`` or ``resolved``."""
    say = formats.words.alerts
    what = say[row.kind].format(**_values(row, names, formats))
    head = say[event].format(what=what)
    lines = [what, say["since"].format(time=formats.both(row.since_us))]
    if event == "resolved" and row.resolved_us is not None:
        lines.append(
            say["until"].format(
                time=formats.both(row.resolved_us), length=formats.length(row.resolved_us - row.since_us)
            )
        )
    if row.flaps:
        lines.append(say["flaps"].format(count=row.flaps))
    causes = row.detail.get("causes") or ({row.detail["cause"]: 1} if "cause" in row.detail else {})
    if causes:
        told = ", ".join(f"{formats.words.causes[Cause(cause)]} ({count})" for cause, count in causes.items())
        lines.append(say["causes"].format(causes=told))
    if row.kind is not Kind.CAMERA_DOWN and row.cameras:
        listed = [f"- {names.get(camera, camera)} ({camera})" for camera in row.cameras[:_MOST_CAMERAS]]
        if len(row.cameras) > _MOST_CAMERAS:
            listed.append(say["more"].format(count=len(row.cameras) - _MOST_CAMERAS))
        lines += ["", say["cameras"], *listed]
    lines += ["", say["id"].format(id=row.id)]
    return Message(head, "\n".join(lines))


def _values(row: Row, names: Mapping[str, str], formats: Formats) -> dict[str, str]:
    detail = row.detail

    def size(key: str) -> str:
        return f"{formats.number(round(detail[key] / 1e6))} MB" if key in detail else "–"

    return {
        "subject": row.subject or formats.words.alerts["fleet"],
        "name": names.get(row.subject, row.subject),
        "down": formats.number(len(row.cameras)),
        "of": formats.number(int(detail.get("of", len(row.cameras)))),
        "free": size("free_bytes"),
        "floor": size("floor_bytes"),
        "hours": formats.number(round(detail.get("hours", 0))),
        "cameras": formats.number(int(detail.get("cameras", 0))),
        "reason": f" ({detail['reason']})" if detail.get("reason") else "",
        "percent": formats.number(int(detail.get("percent", 0))),
        "from": formats.both(detail["from_us"]) if "from_us" in detail else "–",
        "failures": formats.number(int(detail.get("failures", 0))),
        "next": formats.both(detail["until_us"]) if "until_us" in detail else "–",
    }
