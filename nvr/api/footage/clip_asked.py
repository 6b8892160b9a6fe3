"""What of a camera is asked for as a clip, read from the parameters of a request and cut to what was granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from nvr.access.decide import Decision
from nvr.api.http.errors import ApiError
from nvr.api.http.permissions import cut_headers, not_all_of
from nvr.api.http.times import format_time
from nvr.playback.clip.clip import Gaps
from storage.catalogue.segments import Key
from storage.coverage.runs import parse_run, run_name
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["LONGEST_CLIP_US", "Asked", "asked_of", "given_of", "run_asked"]

# A day, also the one of 25 hours when clocks are set back.
LONGEST_CLIP_US: Final = 25 * 3_600_000_000


def given_of(camera: str, asked: Asked, given: Decision) -> tuple[Asked, dict[str, str]]:
    """What of it was granted, and the headers that say so where that is not all.

    Raises:
        ApiError: ``outside_grant`` or ``closed_for_privacy``: it is in several parts, and a clip is one; the error says
            which.
    """
    whole = Interval(asked.start_us, asked.end_us)
    if len(given.ranges) > 1:
        raise not_all_of(camera, whole, given)
    part = given.ranges[0]
    return replace(asked, start_us=part.start_us, end_us=part.end_us), cut_headers(whole, given)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a camera is asked for, and how. ``made_of``: the approved request that it is part of."""

    start_us: int
    end_us: int
    gaps: Gaps
    so_far: bool
    run: Key | None = None
    made_of: str | None = None

    def query(self, start_us: int, end_us: int, *, so_far: bool) -> str:
        """As the address of a part of it has it."""
        more = "&so_far=true" if so_far else ""
        more += f"&run={run_name(self.run)}" if self.run is not None else ""
        more += f"&request={quote(self.made_of)}" if self.made_of is not None else ""
        return f"start={format_time(start_us)}&end={format_time(end_us)}&gaps={self.gaps}{more}"


def asked_of(
    camera: str, asked: Interval, gaps: str, so_far: bool, run: str | None, made_of: str | None = None
) -> Asked:
    """What is asked for of a camera.

    Raises:
        ApiError: ``invalid_parameter``.
    """
    if gaps not in ("collapse", "keep"):
        raise ApiError("invalid_parameter", Sentence("gaps must be collapse or keep"))
    how: Gaps = "keep" if gaps == "keep" else "collapse"
    return Asked(asked.start_us, asked.end_us, how, so_far, run_asked(camera, run), made_of)


def run_asked(camera: str, name: str | None) -> Key | None:
    """The run that a parameter ``run`` names, if there is one.

    Raises:
        ApiError: ``invalid_parameter``: it names none.
    """
    found = None if name is None else parse_run(camera, name)
    if name is not None and found is None:
        raise ApiError("invalid_parameter", Sentence("run must be one of those that X-Not-Shown names"))
    return found
