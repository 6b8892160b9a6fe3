"""What a range that was handed out lacks, in the headers of the answer: gaps with their causes, and what another run
recorded of the same time.

Invariant: however long the lists are, the headers fit what proxies take; how much was left out is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from nvr.api.http.times import format_time, seconds
from storage.coverage.one_camera import Coverage, Gap
from storage.coverage.runs import NotShown, run_name

__all__ = ["coverage_headers", "not_shown_headers"]

# Proxies take headers of 4 to 8 kB in all.
_MOST_GAPS: Final = 24


def coverage_headers(found: Coverage) -> dict[str, str]:
    """What of the range was recorded, and the gaps with their causes, as JSON; past a bound only how many more there
    are."""
    headers = {
        "X-Coverage-Recorded-S": f"{seconds(found.recorded_us):.6f}",
        "X-Coverage-Missing-S": f"{seconds(found.missing_us):.6f}",
        "X-Coverage-Not-Known-S": f"{seconds(found.not_known_us):.6f}",
        "X-Coverage-As-Of": format_time(found.as_of_us),
        "X-Coverage-Gaps": _brief(found.gaps[:_MOST_GAPS]),
    }
    if found.clock_steps:
        steps = [{"at": format_time(s.at_us), "to": format_time(s.to_us)} for s in found.clock_steps[:_MOST_GAPS]]
        headers["X-Clock-Steps"] = json.dumps(steps, separators=(",", ":"))
    if len(found.gaps) > _MOST_GAPS:
        headers["X-Coverage-Gaps-Omitted"] = str(len(found.gaps) - _MOST_GAPS)
    return headers


def not_shown_headers(hidden: Sequence[NotShown]) -> dict[str, str]:
    """What is not shown, as JSON, with the ``run`` to ask for; nothing if all is."""
    if not hidden:
        return {}
    brief = [
        {"start": format_time(part.start_us), "end": format_time(part.end_us), "run": run_name(part.run)}
        for part in hidden[:_MOST_GAPS]
    ]
    headers = {"X-Not-Shown": json.dumps(brief, separators=(",", ":"))}
    if len(hidden) > _MOST_GAPS:
        headers["X-Not-Shown-Omitted"] = str(len(hidden) - _MOST_GAPS)
    return headers


def _brief(gaps: Iterable[Gap]) -> str:
    brief = [{"start": format_time(g.start_us), "end": format_time(g.end_us), "cause": g.cause} for g in gaps]
    return json.dumps(brief, separators=(",", ":"))
