"""What people are told of an alert, in the language of the settings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nvr.alerting.channels.base import AlertMessage
from nvr.alerting.conditions import AlertKind
from nvr.alerting.rows import AlertRow
from nvr.texts import Formats
from storage.causes import Cause
from storage.sentences import fill

__all__ = ["Note", "compose", "facts_of"]

_MOST_CAMERAS = 40


@dataclass(frozen=True, slots=True)
class Note:
    """What there is to say of the message itself: by how much it is late, and how many before it were dropped."""

    late_us: int = 0
    dropped: int = 0


def facts_of(row: AlertRow, event: str, *, at_us: int) -> dict[str, Any]:
    """An alert for programs, as it was at the event; as the webhook posts it."""
    return {
        "event": event,
        "at_us": at_us,
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "since_us": row.since_us,
        "opened_us": row.opened_us,
        "resolved_us": row.resolved_us,
        "flaps": row.flaps,
        "cameras": list(row.cameras),
        "members": [
            {"camera": m.camera, "since_us": m.since_us, "well_us": m.well_us, "required": m.is_required}
            for m in row.members
        ],
        "detail": dict(row.detail),
    }


def compose(
    facts: Mapping[str, Any], names: Mapping[str, str], formats: Formats, note: Note | None = None
) -> AlertMessage:
    """``facts``: as ``facts_of`` makes them. ``names``: those of cameras."""
    say, event = formats.words.alerts, facts["event"]
    back = [m for m in facts["members"] if m["well_us"] is not None and m["required"]]
    left = [m for m in facts["members"] if m["well_us"] is not None and not m["required"]]
    values = _values(facts, names, formats, len(back), len(left))
    text = _key(facts, bool(back), bool(left))
    what = fill(say[text], values)
    head = say["closed" if text.endswith("_left") else event].format(
        what=_sentence(what) if event == "opened" else what
    )
    lines = [_sentence(what), say["since"].format(time=formats.both(_second(facts["since_us"])))]
    if facts["resolved_us"] is not None:
        length = formats.length(facts["resolved_us"] - facts["since_us"])
        until = "until" if event == "resolved" else "parted_at"
        lines.append(say[until].format(time=formats.both(_second(facts["resolved_us"])), length=length))
    detail = facts["detail"]
    if "footage_us" in detail:
        lines.append(say["footage"].format(time=formats.both(_second(detail["footage_us"]))))
    if facts["flaps"]:
        lines.append(fill(say["flaps"], {"count": facts["flaps"]}))
    if detail.get("ended"):
        lines.append(say["ended"].format(causes=_causes(detail["ended"], formats)))
    causes = detail.get("causes") or ({detail["cause"]: 1} if "cause" in detail else {})
    if causes:
        lines.append(say["causes"].format(causes=_causes(causes, formats)))
    lines += _cameras(facts, names, formats)
    lines += ["", *_of_message(note or Note(), formats), say["id"].format(id=facts["id"])]
    # A line is one, whatever a camera is called.
    return AlertMessage(" ".join(head.split()), "\n".join(lines))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _causes(counts: Mapping[str, int], formats: Formats) -> str:
    told = ", ".join(f"{formats.words.causes[Cause(cause)]} ({count})" for cause, count in counts.items())
    return told if len(counts) > 1 else told.removesuffix(" (1)")


def _second(at_us: int) -> int:
    """People are told whole seconds."""
    return at_us - at_us % 1_000_000


def _key(facts: Mapping[str, Any], any_back: bool, any_left: bool) -> str:
    """The name of the sentence that says what has happened."""
    kind, event = str(facts["kind"]), facts["event"]
    if event == "resolved":
        if any_left:
            return f"{kind}_mixed" if any_back else f"{kind}_left"
        return f"{kind}_over"
    return f"{kind}_parted" if event == "parted" else kind


def _cameras(facts: Mapping[str, Any], names: Mapping[str, str], formats: Formats) -> list[str]:
    say = formats.words.alerts
    if facts["kind"] == AlertKind.CAMERA_DOWN or not facts["cameras"]:
        return []
    members: Sequence[Mapping[str, Any]] = facts["members"]
    if facts["event"] == "resolved" and members:
        # When each came back: whoever was on the way wants to know which was last.
        by_end = sorted(members, key=lambda m: (-(m["well_us"] or 0), m["camera"]))
        listed = [
            f"{_named(m['camera'], names)}:"
            f" {say['back' if m['required'] else 'left'].format(time=formats.time(_second(m['well_us'])))}"
            for m in by_end
            if m["well_us"] is not None
        ]
        return ["", say["cameras"], *_limited(listed, formats)]
    down = [m for m in members if m["well_us"] is None]
    if down:
        listed = [
            f"{_named(m['camera'], names)}: {say['down_since'].format(time=formats.time(_second(m['since_us'])))}"
            for m in sorted(down, key=lambda m: (m["since_us"], m["camera"]))
        ]
        return ["", say["still" if facts["event"] == "parted" else "cameras"], *_limited(listed, formats)]
    head = say["was_about" if facts["event"] == "resolved" else "cameras"]
    return ["", head, *_limited([_named(camera, names) for camera in facts["cameras"]], formats)]


def _named(camera: str, names: Mapping[str, str]) -> str:
    name = names.get(camera, camera)
    return f"- {camera}" if name == camera else f"- {name} ({camera})"


def _limited(lines: Sequence[str], formats: Formats) -> Iterable[str]:
    yield from lines[:_MOST_CAMERAS]
    if len(lines) > _MOST_CAMERAS:
        yield formats.words.alerts["more"].format(count=formats.number(len(lines) - _MOST_CAMERAS))


def _of_message(note: Note, formats: Formats) -> Iterable[str]:
    say = formats.words.alerts
    if note.late_us:
        yield say["late"].format(length=formats.length(note.late_us))
    if note.dropped:
        yield fill(say["dropped"], {"count": formats.number(note.dropped)})


def _values(
    facts: Mapping[str, Any], names: Mapping[str, str], formats: Formats, back: int, left: int
) -> dict[str, str]:
    detail, subject = facts["detail"], str(facts["subject"])
    count = len(facts["cameras"])

    def size(key: str) -> str:
        return f"{formats.number(round(detail[key] / 1e6))} MB" if key in detail else "–"

    group = subject
    if subject.startswith("cause="):
        group = formats.words.causes[Cause(subject.removeprefix("cause="))]
    return {
        "subject": group or formats.words.alerts["fleet"],
        "name": names.get(subject, subject),
        "down": formats.number(int(detail.get("down", count))),
        "of": formats.number(int(detail.get("of", count))),
        "count": formats.number(back + left),
        "back": formats.number(back),
        "all": formats.number(len(facts["members"])),
        "cams": fill(formats.words.alerts["so_many_cameras"], {"count": formats.number(count)}),
        "left": formats.number(left),
        "free": size("free_bytes"),
        "floor": size("floor_bytes"),
        "beyond": size("beyond_bytes"),
        "kept": size("kept_bytes"),
        "share": formats.number(int(detail.get("share", 0))),
        "worst": formats.length(int(detail.get("worst_us", 0))),
        "limit": formats.length(int(detail.get("limit_us", 0))),
        "hours": formats.number(round(detail.get("hours", 0))),
        "cameras": formats.number(int(detail.get("cameras", 0))),
        "reason": f" ({detail['reason']})" if detail.get("reason") else "",
        "percent": formats.number(int(detail.get("percent", 0))),
        "from": formats.both(_second(detail["from_us"])) if "from_us" in detail else "–",
        "failures": formats.number(int(detail.get("failures", 0))),
        "next": formats.both(_second(detail["until_us"])) if "until_us" in detail else "–",
    }
