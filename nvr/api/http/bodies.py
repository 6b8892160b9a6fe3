"""The bodies of answers, as the contract in docs/design/architecture.md words them. Times are ISO 8601 text, lengths
seconds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from nvr.api.http.times import format_time, seconds
from nvr.texts.plain import plain_detail
from storage.causes import Cause, CauseClass
from storage.coverage.one_camera import Gap

__all__ = [
    "CameraBody",
    "CameraList",
    "CameraSource",
    "CameraState",
    "CameraStatusBody",
    "ClockBody",
    "ClockSampleBody",
    "CoverageBody",
    "FactBody",
    "GapBody",
    "SpanBody",
    "gap_fields",
]


class CameraState(StrEnum):
    """Whether a camera is recorded now: ``WAITING`` should be, ``OFF`` need not be."""

    RECORDING = "recording"
    WAITING = "waiting"
    OFF = "off"


class CameraSource(StrEnum):
    """Where a camera is set up: ``FILE`` is the configuration file."""

    FILE = "file"
    CATALOGUE = "catalogue"


class CameraStatusBody(msgspec.Struct, kw_only=True):
    """Whether a camera is recorded now. ``since`` is, of one that should be and is not, that of the outage. ``cause``
    and ``class`` say why it is not recorded; ``cause`` is null if its recorder does not report, both are null of a
    camera that is recorded. ``clock_offset_s``: how far the camera's own clock was ahead when it was last heard;
    ``counters``: those of storage/catalogue/counters.py."""

    state: CameraState
    since: str
    cause: Cause | None
    class_: CauseClass | None = msgspec.field(name="class")
    detail: Mapping[str, Any] | None
    recorded_until: str | None
    codec: str | None
    width: int | None
    height: int | None
    bitrate_bps: int | None
    frame_rate: float | None
    clock_offset_s: float | None
    counters: Mapping[str, int]


class CameraBody(msgspec.Struct, kw_only=True):
    """A camera. ``url``, ``live_url`` (its stream for walls), ``expected_interval``, its priority and its own rules of
    retention, worded as in the configuration file, are for administrators only; URLs are without credentials."""

    id: str
    name: str
    labels: Mapping[str, str]
    audio: bool
    source: CameraSource
    url: str | msgspec.UnsetType = msgspec.UNSET
    live_url: str | msgspec.UnsetType | None = msgspec.UNSET
    expected_interval: str | msgspec.UnsetType | None = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET
    max_age: str | msgspec.UnsetType | None = msgspec.UNSET
    min_age: str | msgspec.UnsetType | None = msgspec.UNSET
    max_bytes: str | msgspec.UnsetType | None = msgspec.UNSET
    status: CameraStatusBody
    first_footage: str | None
    last_footage: str | None


class CameraList(msgspec.Struct, kw_only=True):
    """All cameras that are recorded."""

    as_of: str
    cameras: list[CameraBody]


class ClockSampleBody(msgspec.Struct):
    """The camera's clock was ``offset_s`` ahead of its recorder's (negative: behind) from ``at`` to ``until``. The way
    through the network is in it. ``uncertainty_s``: how far the readings lay apart."""

    at: str
    until: str
    offset_s: float
    uncertainty_s: float
    source: str


class ClockBody(msgspec.Struct, kw_only=True):
    """A camera's own clock. Times are the recorder's. ``latest`` is the last sample of all, whatever range was asked
    for."""

    camera: str
    as_of: str
    latest: ClockSampleBody | None
    samples: list[ClockSampleBody]


class SpanBody(msgspec.Struct):
    """Footage: ``[start, end)``."""

    start: str
    end: str


class FactBody(msgspec.Struct):
    """The record that a gap's cause was derived from: its kind is its cause, its start may lie before the gap's."""

    kind: Cause
    start: str


class GapBody(msgspec.Struct, kw_only=True):
    """``[start, end)`` without footage, for one cause. ``open``: it may go on; its end is only as far as is known."""

    start: str
    end: str
    open: bool
    duration_s: float
    cause: Cause
    class_: CauseClass = msgspec.field(name="class")
    detail: Mapping[str, Any]
    fact: FactBody | None


class StepBody(msgspec.Struct):
    """The server's clock was set: it showed ``at``, and then ``to``. Set back, it leaves no gap, but a time that was
    recorded twice."""

    at: str
    to: str
    by_s: float


class CoverageBody(msgspec.Struct, kw_only=True):
    """Spans and gaps partition ``[start, as_of)`` exactly; what lies after ``as_of`` is not known yet. ``recorded_s``,
    ``missing_s`` and ``not_known_s`` together are what was asked for; ``missing_s`` is ``not_recorded_s`` (outages),
    ``no_longer_there_s`` (pruned, deleted, lost) and ``not_required_s`` together. ``granted``: what of a range was
    granted to who asks, where that is not all of it."""

    camera: str
    start: str
    end: str
    as_of: str
    recorded_s: float
    missing_s: float
    not_recorded_s: float
    no_longer_there_s: float
    not_required_s: float
    not_known_s: float
    spans: list[SpanBody]
    gaps: list[GapBody]
    clock_steps: list[StepBody]
    granted: list[SpanBody] | msgspec.UnsetType = msgspec.UNSET


def gap_fields(gap: Gap, *, whole: bool) -> dict[str, Any]:
    """The fields of a ``GapBody``. ``whole``: with what others said, for administrators."""
    fact = gap.fact
    return {
        "start": format_time(gap.start_us),
        "end": format_time(gap.end_us),
        "open": gap.open,
        "duration_s": seconds(gap.end_us - gap.start_us),
        "cause": gap.cause,
        "class_": gap.cause_class,
        "detail": gap.detail if whole else plain_detail(gap.detail),
        "fact": None if fact is None else FactBody(fact.cause, format_time(fact.start_us)),
    }
